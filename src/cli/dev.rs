//! `tidings dev`: a server for one person on one machine, with nothing to set up.

use std::{net::SocketAddr, sync::Arc};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    app::{self, Listening, Mode},
    auth::check_secret,
    config::{Config, Sources},
    pages::trial::Trial,
};

use super::{
    Failure, Settings,
    dev_folder::DevFolder,
    output,
    serve::{self, start_logs},
    server::url_of,
};

/// What push services are told of whom to write to.
const PUSH_SUBJECT: &str = "mailto:nobody@example.com";

pub fn run(settings: &Settings) -> Result<(), Failure> {
    let mut sources = Sources { is_port_local: true, ..settings.sources() };
    let configured = Config::read_for_client(&sources)?.config;
    refuse_open_listener("http.listen", configured.http.listen)?;
    let folder = DevFolder::here();
    let secret = folder.prepare()?;
    sources.preset = Some(("tidings dev", preset(&folder, &secret, configured.auth.secret.as_ref())));
    // The warnings are about a server for others.
    let config = serve::resolve(&sources)?.config;
    if let Some(address) = config.http.admin_listen {
        refuse_open_listener("http.admin_listen", address)?;
    }
    start_logs(&config)?;
    let program = std::env::args().next().unwrap_or_else(|| "tidings".to_owned());
    let without_flags = Settings { config: settings.config.clone(), set: Vec::new() };
    let known = Config::read_for_client(&without_flags.sources())?.config;
    let base_path = config.http.base_path.clone();
    let auth = &config.auth;
    let trial = Trial::new(secret, auth.audience.clone(), auth.issuer.clone());
    let (trial, code) = trial.map_err(Failure::Failed)?;
    let banner = move |listening: Listening| {
        let url = url_of(listening.clients, &base_path);
        let admin = url_of(listening.administrators.unwrap_or(listening.clients), &base_path);
        let is_found = url_of(known.http.listen, &known.http.base_path) == url;
        let command = Command { program, settings, is_found };
        let link = code.map_or_else(|| format!("{admin}/admin"), |code| format!("{admin}/admin#{code}"));
        // Where the banner cannot be shown the server runs all the same.
        let _ = output::print(&banner(&command, &url, &link));
    };
    Ok(app::serve(config, Mode::Dev(Arc::new(trial)), banner)?)
}

/// What `dev` sets over file and environment: the settings of a real server, and the variables of
/// other tools, must not decide where a trial keeps its data or whether it starts.
fn preset(
    folder: &DevFolder,
    secret: &SecretString,
    configured: Option<&SecretString>,
) -> Vec<(&'static str, String)> {
    let mut preset = vec![
        ("http.workers", "2".to_owned()),
        ("http.admin_listen", String::new()),
        ("http.base_path", String::new()),
        ("store.url", folder.store_url()),
        ("auth.algorithm", "HS256".to_owned()),
        ("auth.secret", secret.expose_secret().to_owned()),
        ("auth.public_key", String::new()),
        ("auth.jwks", String::new()),
        ("auth.default_scopes", "join:*,publish:*".to_owned()),
        ("bridge.url", String::new()),
        // The key is made for this folder's database, and nobody is to be written to about a trial.
        ("push.enabled", "true".to_owned()),
        ("push.subject", PUSH_SUBJECT.to_owned()),
        ("push.vapid_private_key", String::new()),
    ];
    // Tokens that the client verbs make with the configured secret are good here too.
    if let Some(configured) = configured.filter(|secret| check_secret("auth.secret", secret).is_ok()) {
        preset.push(("auth.previous_secret", configured.expose_secret().to_owned()));
    }
    preset
}

/// `key` is the setting that names the address.
fn refuse_open_listener(key: &str, address: SocketAddr) -> Result<(), Failure> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{key}: `tidings dev` listens on loopback only, and {address} is open to others; \
         try --set {key}=127.0.0.1:{}, or `tidings serve`",
        address.port()
    )))
}

/// How this program is called again, so that it finds this server.
struct Command<'a> {
    program: String,
    settings: &'a Settings,
    /// Whether the client verbs find the address by themselves.
    is_found: bool,
}

impl Command<'_> {
    fn line(&self, verb: &str) -> String {
        let config = self.settings.config.as_ref();
        let config = config.map(|path| format!(" --config {}", output::quoted(&path.display().to_string())));
        format!("{} {verb}{}", output::quoted(&self.program), config.unwrap_or_default())
    }
}

/// Only what exists, and each line works when pasted.
fn banner(command: &Command<'_>, url: &str, admin: &str) -> String {
    let at = |path: &str| output::quoted(&format!("{url}{path}"));
    let token = |arguments| format!("-H \"Authorization: Bearer $({})\"", command.line(arguments));
    let server = if command.is_found { String::new() } else { format!(" --server {}", at("")) };
    format!(
        "tidings {version}  dev mode: loopback only, data and generated secrets in .tidings/\n  \
         demo    {url}/demo\n  \
         admin   {admin}\n  \
         docs    {docs}\n  \
         watch   {listen}{server}\n  \
         send    curl -d 'Build finished' {send} {publisher}\n  \
         say     {say}{server}\n  \
         unread  curl {unread} {reader}\n  \
         health  curl {health}",
        version = env!("CARGO_PKG_VERSION"),
        docs = at("/docs"),
        listen = command.line("listen alice --room general"),
        say = command.line("send room:general 'Hello'"),
        send = at("/v1/send/alice"),
        publisher = token("token dev"),
        unread = at("/v1/notifications/unread"),
        reader = token("token dev --user alice"),
        health = at("/health"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoreUrl;

    #[test]
    fn the_settings_of_a_real_server_do_not_reach_a_trial() {
        let real = "0123456789abcdef0123456789abcdef";
        let environment = [
            ("DATABASE_URL", "postgres://db/app"),
            ("TIDINGS_AUTH_ALGORITHM", "RS256"),
            ("TIDINGS_AUTH_PUBLIC_KEY", "PEM"),
            ("TIDINGS_HTTP_WORKERS", "64"),
        ];
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let parent = tempfile::tempdir().unwrap();
        let mut sources = Sources {
            folder: parent.path().to_owned(),
            environment: environment.collect(),
            ..Sources::default()
        };
        let generated = SecretString::from("f".repeat(64));
        let preset = preset(&DevFolder::here(), &generated, Some(&real.into()));
        sources.preset = Some(("tidings dev", preset));
        let (config, _) = Config::load(&sources).unwrap();
        assert_eq!(config.store.url, StoreUrl::Sqlite(".tidings/tidings.db".into()));
        assert_eq!(config.auth.secret.unwrap().expose_secret(), generated.expose_secret());
        assert_eq!(config.auth.previous_secret.unwrap().expose_secret(), real);
        assert_eq!((config.http.workers, config.auth.default_scopes.words().len()), (2, 2));
    }

    #[test]
    fn every_line_of_the_banner_can_be_pasted() {
        let settings = Settings::default();
        let command = Command { program: "./my tidings".to_owned(), settings: &settings, is_found: true };
        let text = banner(&command, "http://127.0.0.1:8080", "http://127.0.0.1:8080/admin#code");
        assert!(text.contains("\n  watch   './my tidings' listen alice --room general\n"), "{text}");
        assert!(text.contains("\n  say     './my tidings' send room:general 'Hello'\n"), "{text}");
        let send = "curl -d 'Build finished' http://127.0.0.1:8080/v1/send/alice \
                    -H \"Authorization: Bearer $('./my tidings' token dev)\"\n";
        assert!(text.contains(send), "{text}");
    }

    #[test]
    fn a_server_elsewhere_is_named_to_the_client_verbs() {
        let settings = Settings { config: Some("a b.toml".into()), set: Vec::new() };
        let command = Command { program: "tidings".to_owned(), settings: &settings, is_found: false };
        let text = banner(&command, "http://[::1]:9", "http://[::1]:9/admin#code");
        assert!(
            text.contains(
                "tidings listen alice --room general --config 'a b.toml' --server 'http://[::1]:9'\n"
            ),
            "{text}"
        );
        assert!(text.contains(" 'Hello' --config 'a b.toml' --server 'http://[::1]:9'\n"), "{text}");
    }

    #[test]
    fn a_listener_that_others_can_reach_is_refused() {
        for open in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
            let line = refuse_open_listener("http.listen", open.parse().unwrap()).unwrap_err().to_string();
            assert!(line.contains("--set http.listen=127.0.0.1:80"), "{line}");
        }
        for loopback in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80"] {
            refuse_open_listener("http.listen", loopback.parse().unwrap()).unwrap();
        }
    }
}
