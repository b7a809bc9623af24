//! What a session knows of its connection.

/// The connection under a session, from outside: it can be ended whatever still waits in it.
pub trait Line {
    fn kill(&self);
    /// Whether the client has sent what the server does not read any more.
    fn is_backed_up(&self) -> bool;
}

/// For a session without a connection.
#[cfg(test)]
impl Line for () {
    fn kill(&self) {}

    fn is_backed_up(&self) -> bool {
        false
    }
}
