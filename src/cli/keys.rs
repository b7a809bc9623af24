//! `tidings keys`: key material.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{
    auth::{Algorithm, KeyPair, is_key_id},
    domain::Invalid,
    push::VapidKey,
};

use super::{Failure, fresh, output::Form};

#[derive(Subcommand)]
pub enum Keys {
    /// Make a key by which push services know the server (VAPID), for push.vapid_private_key
    Vapid(Vapid),
    /// Make a key that tokens are signed with: a secret, or a private key and what the server knows of it
    Jwt(Jwt),
}

#[derive(Args)]
pub struct Vapid {
    #[command(flatten)]
    form: Form,
}

#[derive(Args)]
pub struct Jwt {
    /// HS256, RS256, ES256 or EdDSA
    #[arg(long, default_value = "HS256")]
    algorithm: Algorithm,
    /// Name of the key (kid) [default: its thumbprint]
    #[arg(long, value_parser = parse_key_id)]
    kid: Option<String>,
    #[command(flatten)]
    form: Form,
}

impl Keys {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Vapid(vapid) => vapid.run(),
            Self::Jwt(jwt) => jwt.run(),
        }
    }
}

impl Vapid {
    /// As a file of variables takes it.
    fn run(self) -> Result<(), Failure> {
        let key = VapidKey::generate().ok_or_else(fresh::no_chance)?;
        let (private, public) = (key.private_text().ok_or_else(fresh::no_chance)?, key.public_text());
        let private = private.expose_secret();
        let text = format!("# public key: {public}\nTIDINGS_PUSH_VAPID_PRIVATE_KEY={private}");
        self.form.print(&text, private, &json!({ "private_key": private, "public_key": public }))
    }
}

impl Jwt {
    fn run(self) -> Result<(), Failure> {
        match self.algorithm {
            Algorithm::Hs256 => self.secret(),
            algorithm => self.pair(algorithm),
        }
    }

    fn secret(self) -> Result<(), Failure> {
        if self.kid.is_some() {
            return Err(Failure::Usage(
                "--kid: a secret has no name; RS256, ES256 and EdDSA have".to_owned(),
            ));
        }
        let secret = fresh::secret()?;
        let secret = secret.expose_secret();
        let json = json!({ "algorithm": Algorithm::Hs256.as_str(), "secret": secret });
        self.form.print(&format!("TIDINGS_AUTH_SECRET={secret}"), secret, &json)?;
        self.form.say("to change it while people are connected, keep the old one as auth.previous_secret");
        Ok(())
    }

    fn pair(self, algorithm: Algorithm) -> Result<(), Failure> {
        let pair = KeyPair::generate(algorithm, self.kid.as_deref()).ok_or_else(fresh::no_chance)?;
        let KeyPair { id, private_key, public_key } = &pair;
        let (private_key, jwks) = (private_key.expose_secret(), json!({ "keys": [public_key] }));
        let text = format!(
            "# for the server\nTIDINGS_AUTH_ALGORITHM={algorithm}\nTIDINGS_AUTH_JWKS={jwks}\n\
             # for whoever makes tokens, and nobody else; kid in the header of a token: {id}\n{}",
            private_key.trim_end()
        );
        let json =
            json!({ "algorithm": algorithm.as_str(), "kid": id, "private_key": private_key, "jwks": jwks });
        self.form.print(&text, private_key.trim_end(), &json)?;
        self.form.say(
            "to change keys while people are connected: add the new one to the keys of auth.jwks, reload the",
        );
        self.form.say(
            "server (SIGHUP), sign with the new one, and take the old one out when its tokens have expired",
        );
        Ok(())
    }
}

fn parse_key_id(text: &str) -> Result<String, Invalid> {
    let id = is_key_id(text).then(|| text.to_owned());
    id.ok_or_else(|| Invalid::new("a kid is 1 to 64 characters of A-Z a-z 0-9 _ -"))
}
