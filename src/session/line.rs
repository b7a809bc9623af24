//! What a session knows of its connection.

use crate::auth::forwarded::ClientAddress;

/// The connection under a session, from outside: it can be ended whatever still waits in it.
pub trait Line {
    fn kill(&self);
    /// Whether the client has sent what the server does not read any more.
    fn is_backed_up(&self) -> bool;
    /// Where its client is.
    fn client(&self) -> ClientAddress;
}

/// For a session without a connection.
#[cfg(test)]
impl Line for () {
    fn kill(&self) {}

    fn is_backed_up(&self) -> bool {
        false
    }

    fn client(&self) -> ClientAddress {
        std::net::IpAddr::from([127, 0, 0, 1]).into()
    }
}
