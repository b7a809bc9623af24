//! SIGHUP: keys, origins and the level of the log change while clients stay connected.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidings::{
    auth::tokens::{MintClaims, mint},
    domain::Timestamp,
};

use crate::{
    app::program,
    clients::{http::Http, program::Running, ws::Ws},
};

const OLD: &str = "the old secret of this test, long enough";
const NEW: &str = "the new secret of this test, long enough";
const PAGE: &str = "https://app.example.com";

struct Server {
    folder: TempDir,
    running: Running,
    address: SocketAddr,
    http: Http,
}

impl Server {
    fn start(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tidings.toml"), file).unwrap();
        let mut command = program();
        command.current_dir(&folder).args(["serve", "--set", "http.listen=127.0.0.1:0"]);
        let running = Running::start(&mut command);
        let address = address(&running);
        Self { folder, running, address, http: Http::new(address, None) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("tidings.toml")
    }

    /// Changes the file, and waits until the log says what came of it.
    fn reload(&self, file: &str, said: &str) -> Value {
        fs::write(self.file(), file).unwrap();
        self.running.signal("-HUP");
        serde_json::from_str(&self.running.stderr.expect(said)).unwrap()
    }

    async fn status(&self, secret: &str) -> u16 {
        let request = self.http.request("GET", "/v1/me").insert_header(("Authorization", bearer(secret)));
        self.http.send(request, "").await.status
    }

    /// Whether the page may read what it asks for.
    async fn is_page_allowed(&self) -> bool {
        let request = self.http.request("GET", "/health").insert_header(("Origin", PAGE));
        let answer = self.http.send(request, "").await;
        answer.header("access-control-allow-origin") == Some(PAGE)
    }
}

fn address(running: &Running) -> SocketAddr {
    let listening: Value = serde_json::from_str(&running.stderr.expect("\"listening\"")).unwrap();
    listening["address"].as_str().unwrap().parse().unwrap()
}

fn bearer(secret: &str) -> String {
    format!("Bearer {}", token(secret))
}

fn token(secret: &str) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let claims = MintClaims {
        user: "alice".parse().unwrap(),
        issued_at: Timestamp::from_secs(now),
        expires_at: Timestamp::from_secs(now + 60),
        scope: String::new(),
        audience: None,
        issuer: None,
    };
    mint(secret.as_bytes(), &claims).unwrap()
}

#[actix_web::test]
async fn keys_origins_and_the_level_of_the_log_are_read_again_and_nobody_is_disconnected() {
    let server = Server::start(&format!("[auth]\nsecret = \"{OLD}\"\n"));
    let mut ws = Ws::connect(server.address, "", &token(OLD)).await;
    assert_eq!((server.status(OLD).await, server.status(NEW).await), (200, 401));
    assert!(!server.is_page_allowed().await);

    // Both are good while the new one is handed out.
    let both = format!(
        "[auth]\nsecret = \"{NEW}\"\nprevious_secret = \"{OLD}\"\n[http]\nallowed_origins = [\"{PAGE}\"]\n\
         [log]\nlevel = \"debug\"\n"
    );
    let said = server.reload(&both, "settings reloaded");
    let changed = "http.allowed_origins,auth.secret,auth.previous_secret,log.level";
    assert_eq!((&said["changed"], &said["level"]), (&json!(changed), &json!("info")));
    assert_eq!((server.status(OLD).await, server.status(NEW).await), (200, 200));
    assert!(server.is_page_allowed().await);

    let only_new = format!("[auth]\nsecret = \"{NEW}\"\n[log]\nlevel = \"warn\"\n[store]\nqueue = 5\n");
    server.reload(&only_new, "settings reloaded");
    let waiting: Value =
        serde_json::from_str(&server.running.stderr.expect("settings that need a restart")).unwrap();
    assert_eq!(waiting["waiting"], "store.queue");
    assert_eq!((server.status(OLD).await, server.status(NEW).await), (401, 200));
    assert!(!server.is_page_allowed().await);
    ws.send(json!({"type": "ping"})).await;
    ws.expect("pong").await;
}

#[actix_web::test]
async fn settings_that_are_broken_change_nothing() {
    let good = format!("[auth]\nsecret = \"{OLD}\"\n");
    let server = Server::start(&good);
    for (broken, said) in [
        ("[auth\n".to_owned(), "is not TOML"),
        ("[auth]\nsecret = \"short\"\n".to_owned(), "auth.secret (from tidings.toml:2)"),
        (format!("[http]\nallowed_origins = [\"*\"]\n{}", good.replace(OLD, NEW)), "http.allowed_origins"),
        (
            format!(
                "[auth]\nalgorithm = \"ES256\"\npublic_key = '''{}'''\n",
                include_str!("../keys/es256.public.pem")
            ),
            "need a restart: auth.algorithm",
        ),
    ] {
        let line = server.reload(&broken, "settings not reloaded");
        assert_eq!(line["level"], "error");
        assert!(line["error"].as_str().unwrap().contains(said), "{line}");
        assert!(!line.to_string().contains(OLD) && !line.to_string().contains(NEW), "{line}");
        assert_eq!((server.status(OLD).await, server.status(NEW).await), (200, 401), "{said}");
    }
    server.reload(&good.replace(OLD, NEW), "settings reloaded");
    assert_eq!((server.status(OLD).await, server.status(NEW).await), (401, 200));
}

/// A public key and a set come from files that are named, as a secret of an orchestrator does.
#[actix_web::test]
async fn a_key_in_a_file_of_its_own_is_read_again_too() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("secret");
    fs::write(&key, OLD).unwrap();
    let mut command = program();
    command.current_dir(&folder).env("TIDINGS_AUTH_SECRET_FILE", &key);
    command.args(["serve", "--set", "http.listen=127.0.0.1:0", "--set", "log.level=error"]);
    let running = Running::start(command.env("RUST_LOG", "tidings=info"));
    let http = Http::new(address(&running), None);
    fs::write(&key, NEW).unwrap();
    running.signal("-HUP");
    // The level of RUST_LOG stays, whatever the settings say.
    running.stderr.expect("settings reloaded");
    let request = http.request("GET", "/v1/me").insert_header(("Authorization", bearer(NEW)));
    assert_eq!(http.send(request, "").await.status, 200);
}
