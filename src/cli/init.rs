//! `tidings init`: a settings file that a server starts with, secrets and all.

use std::{collections::HashMap, fs, io, path::Path};

use clap::Args;
use secrecy::SecretString;

use super::{
    Failure, Settings, fresh,
    output::{Form, quoted},
};
use crate::{
    config::{reference, table::Fresh},
    push::VapidKey,
};

#[derive(Args)]
pub struct Init {
    /// Write over a file that is there, and with it over its secrets
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    form: Form,
}

impl Init {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let (path, _) = settings.sources().path();
        let vapid = VapidKey::generate().ok_or_else(fresh::no_chance)?;
        let mut made: HashMap<&'static str, SecretString> = HashMap::new();
        for (key, how) in reference::to_be_made() {
            let value = match how {
                Fresh::Secret => fresh::secret()?,
                Fresh::Webhook => fresh::webhook_secret()?,
                Fresh::Vapid => vapid.private_text().ok_or_else(fresh::no_chance)?,
            };
            made.insert(key, value);
        }
        let text = reference::file(&made);
        let shown = path.display().to_string();
        write(&path, &text, self.force).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Usage(format!(
                "{shown} is there already; `--config PATH` writes another file, and `--force` writes over it and its \
                 secrets"
            )),
            _ => Failure::Failed(format!("{shown} cannot be written: {error}")),
        })?;
        let json = serde_json::json!({ "path": shown, "vapid_public_key": vapid.public_text() });
        let text = format!("{shown}: every setting explained, with fresh secrets; only you can read it");
        self.form.print(&text, &shown, &json)?;
        let config = settings.config.as_ref().map(|_| format!(" --config {}", quoted(&shown)));
        self.form.say(&format!("next: tidings serve{}", config.unwrap_or_default()));
        Ok(())
    }
}

/// Whatever goes wrong, a file that was there is whole.
fn write(path: &Path, text: &str, is_forced: bool) -> io::Result<()> {
    if !is_forced {
        return fresh::write_new(path, text);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    fresh::write_new(Path::new(&beside), text)?;
    fs::rename(&beside, path).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
