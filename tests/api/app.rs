//! A real server for each test: the program itself as a child process, on port 0, with a database of its own:
//! a file, or, where `TIDINGS_TEST_POSTGRES` says that there is a PostgreSQL server, a schema on it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidings::auth::tokens::{MintClaims, mint};

use crate::{
    clients::{http::Http, raw::Raw, ws::Ws},
    database,
    engines::bound,
};

pub const SECRET: &str = "a secret for tests, of 32 bytes and more";

/// How long any single step of a test may take: shorter than a silent session lasts where nothing is set.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Under the settings of a test. Tests ask again and again whether something has happened, so that their users may;
/// and all their clients come from one address. All other limits are those of every server.
const OURS: [(&str, &str); 5] = [
    ("http.listen", "127.0.0.1:0"),
    ("http.workers", "2"),
    ("auth.secret", SECRET),
    ("limits.requests_per_second", "0"),
    ("limits.handshakes_per_second", "0"),
];

/// A connection has a second handle, by which it can be ended from outside.
const SOCKETS_PER_CONNECTION: usize = 2;

pub struct App {
    child: Child,
    pub address: SocketAddr,
    folder: TempDir,
    settings: Vec<(String, String)>,
    logs: Arc<Mutex<Vec<String>>>,
    /// Reads them, until the process has ended.
    reader: JoinHandle<()>,
}

impl App {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with settings over the defaults, such as `("session.ping_interval", "1s")`.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_as(program(), settings)
    }

    /// Starts the program by this command, which may put a tool before it.
    pub fn start_as(command: Command, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings: Vec<(String, String)> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (child, address, logs, reader) = launch(command, folder.path(), &settings);
        Self { child, address, folder, settings, logs, reader }
    }

    /// The database file; for [`crate::database`] the name of whatever database the server has.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("tidings.db")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same database and the same port.
    pub fn restart(&mut self) {
        self.restart_as(program());
    }

    /// The same by this command.
    pub fn restart_as(&mut self, command: Command) {
        let mut settings = self.settings.clone();
        settings.push(("http.listen".to_owned(), self.address.to_string()));
        (self.child, self.address, self.logs, self.reader) = launch(command, self.folder.path(), &settings);
    }

    /// Changes a setting from the next start on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What it has ended with, once all that it has said is read.
    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap().filter(|_| self.reader.is_finished())
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.status() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The same while the test's own clients go on.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the server ends", || self.status()).await
    }

    /// Everything it has logged, one JSON object a line.
    pub fn logs(&self) -> Vec<String> {
        self.logs.lock().unwrap().clone()
    }

    /// Waits until the log has a record of which this holds, and answers with it.
    pub async fn logged(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let records = self.logs().into_iter().filter_map(|line| serde_json::from_str(&line).ok());
            if let Some(record) = records.into_iter().find(&holds) {
                return record;
            }
            assert!(Instant::now() < deadline, "the log does not say it");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the log says that this session is closed, and answers with the reason.
    pub async fn reason_of_close(&self, session: &Value) -> String {
        let closed =
            self.logged(|line| line["message"] == "session closed" && &line["session"] == session).await;
        closed["reason"].as_str().unwrap().to_owned()
    }

    /// How many sockets the process holds open while nobody is connected.
    pub async fn idle_sockets(&self) -> usize {
        // An answer shows that every worker has started, with what it needs itself.
        let mut probe = Raw::connect(self.address).await;
        probe.write("GET /health HTTP/1.1\r\nHost: probe\r\n\r\n").await;
        probe.read_head().await;
        self.sockets() - SOCKETS_PER_CONNECTION
    }

    fn sockets(&self) -> usize {
        let links = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().flatten();
        let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Waits until the process holds so many sockets again.
    pub async fn expect_sockets(&self, count: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self.sockets() != count {
            assert!(Instant::now() < deadline, "{} sockets instead of {count}", self.sockets());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Processor time that the process has taken.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        // The fields utime and stime, in hundredths of a second.
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// A token for a user, good for an hour.
    pub fn token(&self, user: &str, scope: &str) -> String {
        self.token_for(user, scope, 3600)
    }

    /// A token that expires so many seconds from now (or has expired).
    pub fn token_for(&self, user: &str, scope: &str, seconds: i64) -> String {
        token(user, scope, seconds)
    }

    pub fn publisher(&self) -> String {
        self.token("backend", "notify")
    }

    /// An HTTP client that does not say who it is.
    pub fn anonymous(&self) -> Http {
        Http::new(self.address, None)
    }

    /// An HTTP client of this user, who may only read.
    pub fn user(&self, user: &str) -> Http {
        self.http(&self.token(user, ""))
    }

    /// Fails unless the process that was started still answers.
    pub async fn expect_healthy(&mut self) {
        assert_eq!(self.anonymous().get("/health").await.text(), r#"{"ok":true}"#);
        assert!(self.child.try_wait().unwrap().is_none());
    }

    /// An HTTP client with this token.
    pub fn http(&self, token: &str) -> Http {
        Http::new(self.address, Some(token))
    }

    /// A WebSocket of this user that has been welcomed; the `welcome` is kept in it.
    pub async fn ws(&self, user: &str) -> Ws {
        self.ws_at(user, "").await
    }

    /// The same, with a query such as `?since=…`.
    pub async fn ws_at(&self, user: &str, query: &str) -> Ws {
        Ws::connect(self.address, query, &self.token(user, "")).await
    }

    /// Publishes `{"n": n}` to one user; answers with its position.
    pub async fn publish(&self, user: &str, n: u64) -> String {
        let body = json!({ "to": user, "type": "test.event", "payload": { "n": n } });
        let answer = self.http(&self.publisher()).post("/v1/notifications", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["notifications"][0]["position"].as_str().unwrap().to_owned()
    }

    pub async fn unread(&self, user: &str) -> Value {
        self.http(&self.token(user, "")).get("/v1/notifications/unread").await.json()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.logs().join("\n"));
        }
    }
}

fn launch(
    mut command: Command,
    folder: &Path,
    settings: &[(String, String)],
) -> (Child, SocketAddr, Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    command.current_dir(folder).arg("serve");
    if let Some(url) = database::url(folder) {
        command.arg("--set").arg(format!("store.url={url}"));
    }
    for (key, value) in OURS {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let mut child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let logs = Arc::new(Mutex::new(Vec::new()));
    let (found, listening) = mpsc::channel();
    let kept = logs.clone();
    let reader = std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if let Ok(record) = serde_json::from_str::<Value>(&line)
                && record["message"] == "listening"
            {
                let _ = found.send(record["address"].as_str().unwrap().parse().unwrap());
            }
            kept.lock().unwrap().push(line);
        }
    });
    match listening.recv_timeout(DEADLINE) {
        Ok(address) => (child, address, logs, reader),
        Err(_) => panic!("the server does not listen: {}", logs.lock().unwrap().join("\n")),
    }
}

/// A token for a user that expires so many seconds from now (or has expired).
pub fn token(user: &str, scope: &str, seconds: i64) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let claims = MintClaims {
        user: user.parse().unwrap(),
        issued_at: tidings::domain::Timestamp::from_secs(now),
        expires_at: tidings::domain::Timestamp::from_secs(now + seconds),
        scope: scope.to_owned(),
        audience: None,
        issuer: None,
    };
    mint(SECRET.as_bytes(), &claims).unwrap()
}

/// Looks again and again, within the deadline, until there is something.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The program itself, with nothing of this environment that would configure it. It ends with the test.
pub fn program() -> Command {
    let mut command = bound("KILL", env!("CARGO_BIN_EXE_tidings"));
    command.env_clear();
    command
}
