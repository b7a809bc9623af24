//! The composition root: starts the parts, wires them and stops them in order.

use std::net::SocketAddr;

use crate::config::Config;

/// How the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Serve,
    /// For one developer on one machine: loopback only.
    Dev,
}

/// Why the server did not start or did not go on; one line.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("this build has no server")]
    Missing,
}

/// Runs the server until it is told to stop. `on_listening` is called once, with the true address.
///
/// # Errors
/// Where a part does not start or ends by itself.
pub fn serve(_config: Config, _mode: Mode, _on_listening: impl FnOnce(SocketAddr)) -> Result<(), AppError> {
    Err(AppError::Missing)
}
