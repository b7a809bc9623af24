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
            Self::Config(_) | Self::Usage(_) | Self::App(AppError::Configuration(_)) => ExitCode::from(2),
            Self::App(_) | Self::Failed(_) => ExitCode::from(1),
        }
    }

    /// What to tell the person, if anything.
    pub fn line(&self) -> Option<String> {
        (!matches!(self, Self::OutputClosed)).then(|| self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_a_part_refuses_are_no_more_worth_a_retry_than_those_refused_before() {
        let code = |failure: AppError| Failure::from(failure).exit_code();
        assert_eq!(code(AppError::Configuration("auth.jwks: no".to_owned())), ExitCode::from(2));
        assert_eq!(code(AppError::Store("locked".to_owned())), ExitCode::from(1));
    }
}
