//! A proxy in front of two instances, as an operator has it: Debian's, with the configuration of `deploy/`. Only
//! addresses and paths in it are others, and numbers where a test says so.

use std::{
    borrow::BorrowMut,
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
    /// nginx, by TLS too where there is a certificate. `ADDRESS` in a change is the one that it listens on.
    pub async fn nginx(
        instances: [SocketAddr; 2],
        changes: &[(&str, &str)],
        certificate: Option<&Certificate>,
    ) -> Self {
        let folder = nginx_folder();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let [address, secure] = free_addresses();
        let mut own = vec![
            ("/var/log/nginx", at("log")),
            ("/etc/nginx/tls/", at("tls/")),
            ("listen 80;", format!("listen {address};")),
            ("server tidings-1:8080", format!("server {}", instances[0])),
            ("server tidings-2:8080", format!("server {}", instances[1])),
        ];
        let mut files = vec![("nginx/tidings.conf", "tidings.conf")];
        if let Some(Certificate { chain, key }) = certificate {
            fs::write(folder.path().join("tls/fullchain.pem"), chain).unwrap();
            fs::write(folder.path().join("tls/privkey.pem"), key).unwrap();
            files.push(("nginx/tls.conf", "tls/tls.conf"));
            own.push(("listen 443 ssl", format!("listen {secure} ssl")));
        }
        let (whole, changes): (Vec<_>, Vec<_>) =
            changes.iter().partition(|(word, _)| word.starts_with("worker_"));
        let changes =
            changes.iter().map(|(word, other)| (*word, other.replace("ADDRESS", &address.to_string())));
        lay(&folder, &files, own.into_iter().chain(changes).collect(), &[]);
        Self::nginx_with(folder, [address, secure], &whole).await
    }

    /// nginx with what README has of it, before one instance.
    pub async fn nginx_of_the_readme(instance: SocketAddr) -> Self {
        let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        let (_, snippet) = readme.split_once("```nginx\n# in http { }\n").unwrap();
        let (http, server) = snippet.split_once("```").unwrap().0.split_once("# in server { }\n").unwrap();
        let folder = nginx_folder();
        let log = folder.path().join("log").display().to_string();
        let [address, secure] = free_addresses();
        let server = server.replace("http://127.0.0.1:8080/", &format!("http://{instance}/"));
        // What stands beside it logs elsewhere.
        let text = format!("access_log off;\n{http}server {{ listen {address};\n{server}}}\n")
            .replace("/var/log/nginx", &log);
        fs::write(folder.path().join("tidings.conf"), text).unwrap();
        Self::nginx_with(folder, [address, secure], &[]).await
    }

    /// What is in the folder already is what `nginx.conf` takes in.
    async fn nginx_with(
        folder: TempDir,
        [address, secure]: [SocketAddr; 2],
        changes: &[(&str, &str)],
    ) -> Self {
        let at = |name: &str| folder.path().join(name).display().to_string();
        let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let kept = kept.map(|what| format!("{what}_temp_path {};", at(what))).join(" ");
        let own = vec![
            ("user nginx;", "user root;".to_owned()),
            ("\nhttp {", format!("\nhttp {{ {kept}")),
            ("/etc/nginx/tidings.conf", at("tidings.conf")),
            ("/run/nginx.pid", at("nginx.pid")),
            ("/var/log/nginx", at("log")),
        ];
        lay(&folder, &[("nginx/nginx.conf", "nginx.conf")], own, changes);
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

    /// HAProxy with a worker that a reload replaces, by TLS too where there is a certificate.
    pub async fn haproxy(
        instances: [SocketAddr; 2],
        changes: &[(&str, &str)],
        certificate: Option<&Certificate>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, secure] = free_addresses();
        let certificates = folder.path().join("certificates");
        let mut own = vec![
            // It does not start where it may not open twice as many files.
            ("maxconn 50000", "maxconn 4000".to_owned()),
            ("bind :80\n", format!("bind {address}\n")),
            (" tidings-1:8080", format!(" {}", instances[0])),
            (" tidings-2:8080", format!(" {}", instances[1])),
        ];
        if let Some(Certificate { chain, key }) = certificate {
            fs::create_dir(&certificates).unwrap();
            fs::write(certificates.join("localhost.pem"), format!("{chain}{key}")).unwrap();
            own.push(("# With TLS and HTTP/2: bind :443 ", format!("bind {secure} ")));
            own.push(("/etc/haproxy/certs/", format!("{}/", certificates.display())));
        }
        lay(&folder, &[("haproxy/haproxy.cfg", "haproxy.cfg")], own, changes);
        let program = |more: &[&str]| {
            let mut command = bound("KILL", found("haproxy"));
            command.current_dir(folder.path()).args(["-f", "haproxy.cfg"]).args(more);
            command
        };
        judge(program(&["-c", "-q"]));
        let child = start(program(&["-W", "-db"]), &folder);
        Self { address, secure, folder, child }.listening().await
    }

    /// Caddy, by TLS alone where there is a certificate.
    pub async fn caddy(
        instances: [SocketAddr; 2],
        changes: &[(&str, &str)],
        certificate: Option<&Certificate>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, secure] = free_addresses();
        let [admin, _] = free_addresses();
        let [one, other] = instances;
        let site = match certificate {
            Some(Certificate { chain, key }) => {
                fs::write(folder.path().join("chain.pem"), chain).unwrap();
                fs::write(folder.path().join("key.pem"), key).unwrap();
                format!("\nhttps://localhost:{} {{\n\ttls chain.pem key.pem", secure.port())
            }
            None => format!("\nhttp://{address} {{"),
        };
        let own = vec![
            // Of port 80 it would make a way to the one of TLS.
            ("admin localhost:2019", format!("admin {admin}\n\tauto_https off")),
            ("\ntidings.example.com {", site),
            ("tidings-1:8080 tidings-2:8080", format!("{one} {other}")),
        ];
        lay(&folder, &[("caddy/Caddyfile", "Caddyfile")], own, changes);
        judge(caddy(&folder, "validate"));
        let child = start(caddy(&folder, "run"), &folder);
        let address = if certificate.is_some() { secure } else { address };
        Self { address, secure, folder, child }.listening().await
    }

    /// Has Caddy read its file anew, which it is asked for by its own listener.
    pub fn reload_caddy(&self) {
        judge(caddy(&self.folder, "reload").arg("--force"));
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

fn nginx_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["log", "tls"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    folder
}

/// A verb of Caddy's over the file that was laid.
fn caddy(folder: &TempDir, verb: &str) -> Command {
    let mut command = bound("KILL", found("caddy"));
    command.current_dir(folder.path()).args([verb, "--config", "Caddyfile", "--adapter", "caddyfile"]);
    command.envs(["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, folder.path())));
    command
}

/// Has the program itself judge the configuration.
fn judge(command: impl BorrowMut<Command>) {
    let mut command = command;
    let command = command.borrow_mut();
    let judged = command.output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

fn start(mut command: Command, folder: &TempDir) -> Child {
    let output = fs::File::create(folder.path().join("output")).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null()).spawn().unwrap()
}
