//! A running server as the client verbs see it: where it is, and with what token to come.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use awc::http::Uri;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    auth::{
        check_secret,
        tokens::{MintClaims, mint},
    },
    clock,
    config::{Algorithm, Auth, BasePath, Config, Problem, Resolved},
    domain::{Timestamp, UserId},
};

use super::{Failure, dev_folder::DevFolder};

/// How long a server may take to answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct ServerArgs {
    /// Where the server is, with its base path if it has one [default: http.listen and http.base_path of the settings]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

#[derive(Args)]
pub struct TokenArgs {
    /// Token to come with [default: one made with the configured secret, or with that of `tidings dev`]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// File that holds the token, which others then do not see in the list of processes
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

impl ServerArgs {
    /// The server's address with its base path.
    ///
    /// # Errors
    /// Where it is not an address of a web server.
    pub fn base(&self, config: &Config) -> Result<String, Failure> {
        self.base_at(config.http.listen, &config.http.base_path)
    }

    /// The same where administrators are answered.
    ///
    /// # Errors
    /// As [`Self::base`].
    pub fn admin_base(&self, config: &Config) -> Result<String, Failure> {
        self.base_at(config.http.admin_listen.unwrap_or(config.http.listen), &config.http.base_path)
    }

    fn base_at(&self, listener: SocketAddr, base_path: &BasePath) -> Result<String, Failure> {
        let Some(text) = &self.server else { return Ok(url_of(listener, base_path)) };
        web_address("--server", text)
    }
}

/// The address of a web server as what stands before every path there; `flag` is where it was given.
///
/// # Errors
/// Where it is none.
pub fn web_address(flag: &str, text: &str) -> Result<String, Failure> {
    let uri = text.parse::<Uri>().ok();
    let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
    if uri.as_ref().is_some_and(is_web) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(Failure::Usage(format!("{flag}: a URL is expected, such as http://127.0.0.1:8080")))
}

/// What stands before every address of a server, as a client on this machine writes it.
pub fn url_of(mut address: SocketAddr, base_path: &BasePath) -> String {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    format!("http://{address}{base_path}")
}

impl TokenArgs {
    /// The token given, or the secret to make tokens with.
    ///
    /// # Errors
    /// Where there is neither.
    pub fn credential(self, resolved: Resolved) -> Result<Credential, Failure> {
        let from_file = |path: PathBuf| {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            Ok::<_, Failure>(text.trim().to_owned())
        };
        if let Some(token) = self.token.map(Ok).or(self.token_file.map(from_file)).transpose()? {
            let is_sendable = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
            return if is_sendable {
                Ok(Credential::Given(token.into()))
            } else {
                Err(Failure::Usage("--token: this is not a token".to_owned()))
            };
        }
        let auth = &resolved.config.auth;
        let is_symmetric = auth.algorithm == Algorithm::Hs256;
        let is_configured = is_symmetric && auth.secret.is_some();
        if !is_configured && let Some(secret) = DevFolder::here().secret()? {
            return Ok(Credential::Signer(Signer::new(secret, resolved.config.auth)));
        }
        if !is_symmetric {
            return Err(Failure::Usage(
                "no token can be made without the private key; give one with --token".to_owned(),
            ));
        }
        Signer::configured(resolved).map(Credential::Signer)
    }
}

/// What to come with.
pub enum Credential {
    Given(SecretString),
    Signer(Signer),
}

impl Credential {
    /// Whether there is another token after this one has expired.
    pub fn is_renewable(&self) -> bool {
        matches!(self, Self::Signer(_))
    }

    /// The token given, or a new one for this user.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn token(&self, user: &UserId, scope: &str, ttl: Duration) -> Result<String, Failure> {
        match self {
            Self::Given(token) => Ok(token.expose_secret().to_owned()),
            Self::Signer(signer) => signer.sign(user, scope, ttl).map(|(token, _)| token),
        }
    }
}

/// Makes tokens that the server believes.
pub struct Signer {
    secret: SecretString,
    audience: Option<String>,
    issuer: Option<String>,
}

impl Signer {
    pub fn new(secret: SecretString, auth: Auth) -> Self {
        Self { secret, audience: auth.audience, issuer: auth.issuer }
    }

    /// Signs with `auth.secret`.
    ///
    /// # Errors
    /// Where it is missing, or one that the server would not start with: in its words, with where it came from.
    pub fn configured(mut resolved: Resolved) -> Result<Self, Failure> {
        let Some(secret) = resolved.config.auth.secret.take() else {
            return Err(Failure::Usage(
                "auth.secret is not set: give the server's own with TIDINGS_AUTH_SECRET; \
                 for the server that `tidings dev` runs, `tidings token dev` in its folder makes a token"
                    .to_owned(),
            ));
        };
        check_secret("auth.secret", &secret)
            .map_err(|error| resolved.refusal(Problem { key: "auth.secret", text: error.to_string() }))?;
        Ok(Self::new(secret, resolved.config.auth))
    }

    /// A token, and until when it is good.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn sign(&self, user: &UserId, scope: &str, ttl: Duration) -> Result<(String, Timestamp), Failure> {
        let issued_at = clock::now();
        let claims = MintClaims {
            user: user.clone(),
            issued_at,
            expires_at: Timestamp::from_secs(issued_at.plus(ttl).as_secs()),
            scope: scope.to_owned(),
            audience: self.audience.clone(),
            issuer: self.issuer.clone(),
        };
        let token = mint(self.secret.expose_secret().as_bytes(), &claims);
        let token = token.map_err(|error| Failure::Failed(error.to_string()))?;
        Ok((token, claims.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Http, Sources};

    fn base(server: &str) -> Result<String, Failure> {
        ServerArgs { server: Some(server.to_owned()) }.base(&Config::default())
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_loopback() {
        let url_of = |address: &str| url_of(address.parse().unwrap(), &BasePath::default());
        assert_eq!(url_of("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url_of("[::]:80"), "http://[::1]:80");
        assert_eq!(ServerArgs { server: None }.base(&Config::default()).unwrap(), "http://127.0.0.1:8080");
    }

    #[test]
    fn the_base_path_of_the_settings_belongs_to_the_server_of_the_settings() {
        let mut config = Config::default();
        config.http.base_path = "/tidings".parse().unwrap();
        let base =
            |server: Option<&str>| ServerArgs { server: server.map(str::to_owned) }.base(&config).unwrap();
        assert_eq!(base(None), "http://127.0.0.1:8080/tidings");
        let admin_base = |config: &Config| ServerArgs { server: None }.admin_base(config).unwrap();
        assert_eq!(admin_base(&config), "http://127.0.0.1:8080/tidings");
        let apart = Http { admin_listen: "0.0.0.0:9090".parse().ok(), ..config.http.clone() };
        assert_eq!(admin_base(&Config { http: apart, ..config.clone() }), "http://127.0.0.1:9090/tidings");
        assert_eq!(base(Some("http://127.0.0.1:9")), "http://127.0.0.1:9");
    }

    #[test]
    fn a_server_is_a_web_address() {
        assert_eq!(base("https://t.example.com/").unwrap(), "https://t.example.com");
        assert_eq!(base("https://example.com/tidings/").unwrap(), "https://example.com/tidings");
        for bad in ["", "localhost:8080", "ftp://x", "http://", "/v1", "http://x/?a=b"] {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        for bad in ["", "a b", "a\r\nx: y", "ü"] {
            assert!(
                TokenArgs { token: Some(bad.to_owned()), token_file: None }
                    .credential(Config::read_for_client(&Sources::default()).unwrap())
                    .is_err(),
                "{bad:?}"
            );
        }
    }
}
