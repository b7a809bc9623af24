//! A session in the hands of its transport.

use std::{ops::Deref, rc::Rc};

use super::Session;

/// Closes its session when the connection is gone, however that came.
pub struct OpenSession(Rc<Session>);

impl From<Rc<Session>> for OpenSession {
    fn from(session: Rc<Session>) -> Self {
        Self(session)
    }
}

impl Deref for OpenSession {
    type Target = Rc<Session>;

    fn deref(&self) -> &Rc<Session> {
        &self.0
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.closed();
    }
}
