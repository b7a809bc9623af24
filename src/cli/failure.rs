//! How a verb ends when it does not end well.

use std::process::ExitCode;

use crate::{app::AppError, config::ConfigError};

/// Why a verb stopped. The exit codes are part of the contract with supervisors and scripts.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    App(#[from] AppError),
    /// It was tried, and did not work; worth a retry.
    #[error("{0}")]
    Failed(String),
    /// Nobody reads our output any more, as in `tidings listen alice | head -1`.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// 0: nothing is wrong, 1: failed while starting or running, 2: configuration or usage.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::App(_) | Self::Failed(_) => ExitCode::from(1),
            Self::Config(_) | Self::Usage(_) => ExitCode::from(2),
        }
    }

    /// What to tell the person, if anything.
    pub fn line(&self) -> Option<String> {
        (!matches!(self, Self::OutputClosed)).then(|| self.to_string())
    }
}
