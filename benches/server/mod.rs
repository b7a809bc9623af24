//! The program as a child process, as its users run it, and a token that it lets in.

pub mod cores;

use std::{
    error::Error,
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tidings::auth::tokens::{MintClaims, mint};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

const SECRET: &str = "a secret for benchmarks, of 32 bytes";

/// A server that listens; ends with this value.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    /// Where it keeps its files.
    pub _folder: TempDir,
}

impl Server {
    /// Starts a program and waits until its log says where it listens.
    ///
    /// # Errors
    /// If it ends before.
    pub fn start(mut command: Command) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = command.current_dir(&folder).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().ok_or("no log")?;
        // Owned from here on, so that a start that fails leaves no child.
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)), _folder: folder };
        let mut lines = BufReader::new(log).lines();
        for line in &mut lines {
            let line = line?;
            // What is no record is the program's last word.
            let record: serde_json::Value = serde_json::from_str(&line).map_err(|_| line)?;
            let word = |name: &str| record.get(name).and_then(serde_json::Value::as_str);
            if let (Some("listening"), Some(address)) = (word("message"), word("address")) {
                server.address = address.parse()?;
                // The rest of the log is read, or the server would wait for somebody who reads it.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(server);
            }
        }
        Err("the server does not listen".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that runs a program, on one core where one is given.
pub fn program(path: impl AsRef<OsStr>, core: Option<usize>) -> Command {
    let Some(core) = core else { return Command::new(path) };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(path);
    command
}

/// The command that serves with these settings beside the defaults.
pub fn tidings(core: Option<usize>, settings: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_tidings"), core);
    command.args(["serve", "--set", "http.listen=127.0.0.1:0", "--set"]);
    command.arg(format!("auth.secret={SECRET}"));
    // A setting that is none would be refused.
    command.env_remove("TIDINGS_TEST_POSTGRES");
    command.args(settings.iter().flat_map(|setting| ["--set", setting]));
    command
}

/// # Errors
/// If this is no name of a user.
pub fn token(user: &str, scope: &str) -> Outcome<String> {
    let now = tidings::clock::now();
    let claims = MintClaims {
        user: user.parse()?,
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(3600)),
        scope: scope.to_owned(),
        audience: None,
        issuer: None,
    };
    Ok(mint(SECRET.as_bytes(), &claims)?)
}
