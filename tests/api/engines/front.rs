//! A proxy in front of two instances, as an operator has it: Debian's, with the configuration of `deploy/`. Only
//! addresses and paths in it are others, and numbers where a test says so.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{authority::Certificate, bound, send};
use crate::app::until;

pub struct Front {
    /// Where clients come to.
    pub address: SocketAddr,
    /// The same by TLS, where there is a certificate.
    pub secure: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl Front {
    /// nginx, by TLS too where there is a certificate.
    pub async fn nginx(
        instances: [SocketAddr; 2],
        changes: &[(&str, &str)],
        certificate: Option<&Certificate>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let [address, secure] = free_addresses();
        for name in ["log", "tls"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let kept = kept.map(|what| format!("{what}_temp_path {};", at(what))).join(" ");
        let mut own = vec![
            ("user nginx;", "user root;".to_owned()),
            ("\nhttp {", format!("\nhttp {{ {kept}")),
            ("/etc/nginx/tidings.conf", at("tidings.conf")),
            ("/run/nginx.pid", at("nginx.pid")),
            ("/var/log/nginx", at("log")),
            ("/etc/nginx/tls/", at("tls/")),
            ("listen 80;", format!("listen {address};")),
            ("server tidings-1:8080", format!("server {}", instances[0])),
            ("server tidings-2:8080", format!("server {}", instances[1])),
        ];
        let mut files = vec![("nginx/nginx.conf", "nginx.conf"), ("nginx/tidings.conf", "tidings.conf")];
        if let Some(Certificate { chain, key }) = certificate {
            fs::write(folder.path().join("tls/fullchain.pem"), chain).unwrap();
            fs::write(folder.path().join("tls/privkey.pem"), key).unwrap();
            files.push(("nginx/tls.conf", "tls/tls.conf"));
            own.push(("listen 443 ssl", format!("listen {secure} ssl")));
        }
        lay(&folder, &files, own, changes);
        let program = |more: &[&str]| {
            // Its workers end with it.
            let mut command = bound("TERM", found("nginx"));
            command.args(["-p", &at(""), "-c", &at("nginx.conf"), "-e", &at("log/error.log")]).args(more);
            command
        };
        judge(program(&["-t", "-q"]));
        let child = start(program(&["-g", "daemon off;"]), &folder);
        Self { address, secure, folder, child }.listening().await
    }

    pub async fn haproxy(instances: [SocketAddr; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, secure] = free_addresses();
        let own = vec![
            // It does not start where it may not open twice as many files.
            ("maxconn 50000", "maxconn 4000".to_owned()),
            ("bind :80\n", format!("bind {address}\n")),
            (" tidings-1:8080", format!(" {}", instances[0])),
            (" tidings-2:8080", format!(" {}", instances[1])),
        ];
        lay(&folder, &[("haproxy/haproxy.cfg", "haproxy.cfg")], own, &[]);
        let program = |more: &[&str]| {
            let mut command = bound("KILL", found("haproxy"));
            command.current_dir(folder.path()).args(["-f", "haproxy.cfg"]).args(more);
            command
        };
        judge(program(&["-c", "-q"]));
        let child = start(program(&["-db"]), &folder);
        Self { address, secure, folder, child }.listening().await
    }

    pub async fn caddy(instances: [SocketAddr; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, secure] = free_addresses();
        let [one, other] = instances;
        let own = vec![
            ("localhost:2019", secure.to_string()),
            ("\ntidings.example.com {", format!("\nhttp://{address} {{")),
            ("tidings-1:8080 tidings-2:8080", format!("{one} {other}")),
        ];
        lay(&folder, &[("caddy/Caddyfile", "Caddyfile")], own, &[]);
        let program = |verb: &str| {
            let mut command = bound("KILL", found("caddy"));
            command.current_dir(folder.path()).arg(verb);
            command.args(["--config", "Caddyfile", "--adapter", "caddyfile"]);
            command.envs(["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, folder.path())));
            command
        };
        judge(program("validate"));
        let child = start(program("run"), &folder);
        Self { address, secure, folder, child }.listening().await
    }

    async fn listening(self) -> Self {
        until("the proxy listens", || TcpStream::connect(self.address).ok()).await;
        self
    }

    pub fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// All that it has written: its logs, and what it said.
    pub fn said(&self) -> String {
        let logs = fs::read_dir(self.folder.path().join("log")).into_iter().flatten().flatten();
        let files = logs.map(|entry| entry.path()).chain([self.folder.path().join("output")]);
        files.map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        send("-TERM", self.child.id());
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the proxy has said:\n{}", self.said());
        }
    }
}

/// A file of `deploy/`.
pub fn committed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes files of `deploy/` under other names, with other words in them; each word must be in one of them.
fn lay(folder: &TempDir, files: &[(&str, &str)], own: Vec<(&str, String)>, changes: &[(&str, &str)]) {
    let mut texts: Vec<String> = files.iter().map(|(file, _)| committed(file)).collect();
    let changes = changes.iter().map(|(word, other)| (*word, (*other).to_owned()));
    for (word, other) in own.into_iter().chain(changes) {
        assert!(texts.iter().any(|text| text.contains(word)), "{word:?} is not there any more");
        texts.iter_mut().for_each(|text| *text = text.replace(word, &other));
    }
    for ((_, name), text) in files.iter().zip(texts) {
        fs::write(folder.path().join(name), text).unwrap();
    }
}

/// Two that nobody listens on just now.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// The program, which is not on everybody's path.
fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut files = folders.map(|folder| folder.join(program));
    files.find(|file| file.exists()).unwrap_or_else(|| panic!("this test needs {program}"))
}

/// Has the program itself judge the configuration.
fn judge(mut command: Command) {
    let judged = command.output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

fn start(mut command: Command, folder: &TempDir) -> Child {
    let output = fs::File::create(folder.path().join("output")).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null()).spawn().unwrap()
}
