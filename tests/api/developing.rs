//! `tidings dev`: a server for one person on one machine, with nothing to set up.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::program,
    clients::{
        http::{Answer, Http},
        program::{Running, run},
        raw::Raw,
        ws::Ws,
    },
};

/// A `tidings dev` and what it has said to type next.
struct Dev {
    folder: TempDir,
    server: Running,
    address: SocketAddr,
    banner: Vec<String>,
}

impl Dev {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    fn start_in(folder: TempDir) -> Self {
        Self::start_as(folder, |command| command.args(["dev", "--set", "http.listen=127.0.0.1:0"]))
    }

    fn start_as(folder: TempDir, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let server = Running::start(arguments(program().current_dir(&folder)));
        let listening: Value = serde_json::from_str(&server.stderr.next()).unwrap();
        assert_eq!(listening["message"], "listening");
        let address = listening["address"].as_str().unwrap().parse().unwrap();
        let banner = (0..9).map(|_| server.stdout.next()).collect();
        Self { folder, server, address, banner }
    }

    fn stop(self) -> TempDir {
        self.server.signal("-TERM");
        assert_eq!(self.server.end().code, Some(0));
        self.folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(".tidings").join(name)
    }

    /// What the banner says to type for this.
    fn line(&self, name: &str) -> &str {
        let line = self.banner.iter().find_map(|line| line.trim_start().strip_prefix(name)).unwrap();
        line.trim_start()
    }

    /// A shell in the folder, where `curl` only says what it was asked: not every machine has one.
    fn shell(&self, line: &str) -> Command {
        let tools = self.folder.path().join("tools");
        fs::create_dir_all(&tools).unwrap();
        let curl = tools.join("curl");
        if !curl.exists() {
            fs::write(&curl, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
            fs::set_permissions(&curl, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new("sh");
        let path = format!("{}:/usr/bin:/bin", tools.display());
        command.current_dir(&self.folder).env_clear().env("PATH", path).args(["-c", line]);
        command
    }

    /// Does what a line of the banner makes `curl` do.
    async fn curl(&self, line: &str) -> Answer {
        let said = run(&mut self.shell(line));
        assert!(said.code == Some(0) && said.stderr.is_empty(), "{line}: {said:?}");
        let mut words = said.stdout.lines();
        let (mut data, mut header, mut url) = (None, None, None);
        while let Some(word) = words.next() {
            match word {
                "-d" => data = words.next(),
                "-H" => header = words.next().unwrap().split_once(": "),
                word => url = Some(word),
            }
        }
        let path = url.unwrap().strip_prefix(&format!("http://{}", self.address)).unwrap();
        let http = Http::new(self.address, None);
        let request = http.request(if data.is_some() { "POST" } else { "GET" }, path);
        let request = header.into_iter().fold(request, |request, header| request.insert_header(header));
        http.send(request, data.unwrap_or_default()).await
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[actix_web::test]
async fn every_line_of_the_banner_works_when_it_is_pasted() {
    let dev = Dev::start();
    let names: Vec<&str> =
        dev.banner[1..].iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["demo", "admin", "docs", "watch", "send", "say", "unread", "health"]);

    let watch = Running::start(&mut dev.shell(&format!("exec {}", dev.line("watch"))));
    watch.stderr.expect("connected");
    let sent = dev.curl(dev.line("send")).await;
    assert_eq!((sent.status, &sent.json()["notifications"][0]["to"]), (201, &json!("alice")));
    assert!(watch.stdout.next().contains(" note.text Build finished"));
    watch.stderr.expect("in general: 1 here");
    let said = run(&mut dev.shell(dev.line("say")));
    assert!(said.code == Some(0) && said.stderr.is_empty(), "{said:?}");
    assert!(watch.stdout.next().ends_with(" general cli: Hello"));
    assert_eq!(dev.curl(dev.line("unread")).await.json()["unread"], 1);
    assert_eq!(dev.curl(dev.line("health")).await.text(), r#"{"ok":true}"#);
}

/// As it never is where others can come in.
#[actix_web::test]
async fn clients_on_the_same_machine_have_no_limit_of_their_address() {
    let dev = Dev::start_as(tempfile::tempdir().unwrap(), |command| {
        command.args(["dev", "--set", "http.listen=127.0.0.1:0", "--set", "http.trusted_proxies=127.0.0.1"]);
        command.args(["--set", "limits.handshakes_per_second=1", "--set", "limits.handshakes_burst=2"]);
        command.args(["--set", "limits.sessions_per_ip=2"])
    });
    let mut here = Vec::new();
    for _ in 0..20 {
        here.push(Ws::open(dev.address, "", &[]).await.unwrap());
    }
    // Who comes through a tunnel is not on this machine.
    let mut refused = 0;
    for _ in 0..20 {
        let opened = Ws::open(dev.address, "", &[("x-forwarded-for", "203.0.113.9")]).await;
        refused += usize::from(opened.is_err());
        here.extend(opened);
    }
    assert!(refused > 0);
}

#[actix_web::test]
async fn what_it_makes_is_made_once_and_for_its_owner_only() {
    let dev = Dev::start();
    assert_eq!(mode(&dev.path("")), 0o700);
    assert_eq!(mode(&dev.path("secret")), 0o600);
    assert_eq!(mode(&dev.path("tidings.db")) & 0o077, 0);
    assert_eq!(fs::read_to_string(dev.path(".gitignore")).unwrap(), "*\n");
    let secret = fs::read_to_string(dev.path("secret")).unwrap();
    assert!(secret.trim_end().len() >= 64);
    assert!(!dev.banner.concat().contains(secret.trim_end()));
    let token = |dev: &Dev| {
        let minted = run(program().current_dir(&dev.folder).args(["token", "dev", "--user", "alice", "-q"]));
        assert!(minted.code == Some(0) && minted.stderr.is_empty(), "{minted:?}");
        minted.stdout.trim_end().to_owned()
    };
    let first = token(&dev);
    let sent = dev.curl(dev.line("send")).await;
    assert_eq!(sent.status, 201);

    let dev = Dev::start_in(dev.stop());
    assert_eq!(fs::read_to_string(dev.path("secret")).unwrap(), secret);
    for token in [first, token(&dev)] {
        let me = Http::new(dev.address, Some(&token)).get("/v1/me").await.json();
        assert_eq!(me["scopes"], json!(["notify", "admin", "join:*", "publish:*"]));
        let unread = Http::new(dev.address, Some(&token)).get("/v1/notifications/unread").await.json();
        assert_eq!(unread["unread"], 1);
    }
}

#[actix_web::test]
async fn a_host_that_is_not_of_this_machine_is_misdirected() {
    let dev = Dev::start();
    let status = async |host: &str, path: &str| {
        let mut raw = Raw::connect(dev.address).await;
        raw.write(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        raw.read_head().await.split(' ').nth(1).unwrap().to_owned()
    };
    let port = dev.address.port();
    for host in ["localhost", "127.0.0.1", "[::1]", "app.localhost"] {
        assert_eq!(status(host, "/health").await, "200", "{host}");
        assert_eq!(status(&format!("{host}:{port}"), "/health").await, "200", "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "0.0.0.0"] {
        for path in ["/health", "/v1/ws", "/v1/me", "/nowhere"] {
            assert_eq!(status(&format!("{host}:{port}"), path).await, "421", "{host} {path}");
        }
    }
    // The host of the address and not of the header would be another way in.
    assert_eq!(status("evil.example", &format!("http://localhost:{port}/health")).await, "421");
}

#[test]
fn it_listens_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    for open in ["0.0.0.0:0", "192.0.2.1:80"] {
        let ended = run(program().current_dir(&folder).arg("dev").env("TIDINGS_HTTP_LISTEN", open));
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("loopback only") && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    assert!(!folder.path().join(".tidings").exists());
    let open = ["dev", "--set", "http.listen=127.0.0.1:0", "--set", "http.admin_listen=0.0.0.0:0"];
    let ended = run(program().current_dir(&folder).args(open));
    assert!(ended.code == Some(2) && ended.stderr.starts_with("tidings: http.admin_listen: "), "{ended:?}");
}

#[actix_web::test]
async fn it_takes_a_base_path_and_a_listener_for_administrators_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = program();
    server.current_dir(&folder).arg("dev");
    for setting in ["http.listen=127.0.0.1:0", "http.admin_listen=127.0.0.1:0", "http.base_path=/tidings"] {
        server.args(["--set", setting]);
    }
    let server = Running::start(&mut server);
    let admin: Value = serde_json::from_str(&server.stderr.next()).unwrap();
    assert_eq!(admin["message"], "listening for administrators");
    let http = Http::new(admin["address"].as_str().unwrap().parse().unwrap(), None);
    assert_eq!(http.get("/tidings/metrics").await.status, 200);
    let rebound = http.request("GET", "/tidings/metrics").insert_header(("Host", "evil.example"));
    http.send(rebound, "").await.problem(421, "not_found");
    let listen = server.stdout.expect("  watch ");
    assert!(listen.contains(" --server http://127.0.0.1:") && listen.ends_with("/tidings"), "{listen}");
}

#[actix_web::test]
async fn it_starts_beside_the_settings_of_other_tools_and_of_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let real = "[bridge]\nurl = \"redis://bus\"\n[push]\nenabled = true\n[http]\nbase_path = \"/tidings\"\n";
    fs::write(folder.path().join("tidings.toml"), real).unwrap();
    let others = [
        ("PORT", "0"),
        ("REDIS_URL", "redis://localhost"),
        ("DATABASE_URL", "postgres://db/app"),
        ("TIDINGS_PUSH_ENABLED", "true"),
        ("TIDINGS_PUSH_VAPID_PRIVATE_KEY", "that of a real server"),
        ("TIDINGS_HTTP_ADMIN_LISTEN", "0.0.0.0:9090"),
    ];
    let dev = Dev::start_as(folder, |command| command.arg("dev").envs(others));
    assert!(dev.address.ip().is_loopback(), "{}", dev.address);
    assert_eq!(dev.curl(dev.line("health")).await.text(), r#"{"ok":true}"#);
}

/// Nobody has to be named whom push services may write to, and the key stays over a restart.
#[actix_web::test]
async fn it_pushes_with_nothing_to_set_up() {
    let dev = Dev::start();
    let key = async |dev: &Dev| {
        let token = run(&mut dev.shell(&format!("{} token dev", env!("CARGO_BIN_EXE_tidings"))));
        let http = Http::new(dev.address, Some(token.stdout.trim_end()));
        http.get("/v1/push/key").await.json()["key"].as_str().unwrap().to_owned()
    };
    let made = key(&dev).await;
    let dev = Dev::start_in(dev.stop());
    assert_eq!(key(&dev).await, made);
}

#[test]
fn a_damaged_secret_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".tidings")).unwrap();
    fs::write(folder.path().join(".tidings/secret"), "too short\n").unwrap();
    for verb in [&["dev", "--set", "http.listen=127.0.0.1:0"][..], &["token", "dev"]] {
        let ended = run(program().current_dir(&folder).args(verb));
        assert!(ended.code == Some(1) && ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains(".tidings/secret") && !ended.stderr.contains("too short"), "{ended:?}");
    }
}
