//! `tidings version`.

use clap::Args;

use super::{Failure, output::Form};

#[derive(Args)]
pub struct Version {
    #[command(flatten)]
    form: Form,
}

impl Version {
    pub fn run(&self) -> Result<(), Failure> {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let json = serde_json::json!({ "name": name, "version": version });
        self.form.print(&format!("{name} {version}"), version, &json)
    }
}
