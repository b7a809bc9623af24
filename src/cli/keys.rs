//! `tidings keys`: key material.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use crate::push::VapidKey;

use super::{Failure, output::print};

#[derive(Subcommand)]
pub enum Keys {
    /// Make a key by which push services know the server (VAPID), for push.vapid_private_key
    Vapid(Vapid),
}

#[derive(Args)]
pub struct Vapid {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Vapid(vapid) => vapid.run(),
        }
    }
}

impl Vapid {
    /// As a file of variables takes it.
    fn run(self) -> Result<(), Failure> {
        let key = VapidKey::generate();
        let made = key.as_ref().and_then(|key| Some((key.private_text()?, key.public_text())));
        let (private, public) =
            made.ok_or_else(|| Failure::Failed("the system gives no randomness".to_owned()))?;
        let private = private.expose_secret();
        if self.json {
            let json = serde_json::json!({ "private_key": private, "public_key": public });
            return print(&json.to_string());
        }
        print(&format!("# public key: {public}\nTIDINGS_PUSH_VAPID_PRIVATE_KEY={private}"))
    }
}
