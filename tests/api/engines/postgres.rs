//! A PostgreSQL server of one test, on a socket in a folder of its own.

use std::{
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use tempfile::TempDir;

use super::{bound, is_root, send};
use crate::app::{App, until};

/// Whom the server runs as where the tests are run by root, whom it refuses.
const NOBODY: u32 = 65534;

pub struct Server {
    pub folder: TempDir,
    child: Child,
    bin: PathBuf,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let bin = bin();
        let made = as_server(Command::new(bin.join("initdb")), &folder)
            .args(["--username=tidings", "--auth=trust", "--no-sync", "--pgdata=data"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = fs::OpenOptions::new().append(true).open(folder.path().join("data/postgresql.conf"));
        settings.unwrap().write_all(b"listen_addresses = ''\n").unwrap();
        let child = launch(&bin, &folder);
        let server = Self { folder, child, bin };
        server.is_ready().await;
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://tidings@/postgres?host={}", self.folder.path().display())
    }

    async fn is_ready(&self) {
        until("the server lets somebody in", || PgConnection::establish(&self.url()).ok()).await;
    }

    /// A program of the server's, such as `pg_dump`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }

    /// Gives it a file of its own, as which it is readable by nobody else.
    pub fn give(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path
    }

    /// Stops it and starts it again, with everybody out at once (`-INT`) or as if it had crashed (`-QUIT`).
    pub async fn restart(&mut self, signal: &str) {
        send(signal, self.child.id());
        until("the server ends", || self.child.try_wait().unwrap()).await;
        self.child = launch(&self.bin, &self.folder);
        self.is_ready().await;
    }

    /// Stands still as a whole: it lets nobody in either.
    pub fn freeze(&self) {
        send("-STOP", self.child.id());
        self.children().for_each(|child| send("-STOP", child));
    }

    pub fn thaw(&self) {
        // Those first that it would wait for when they have ended.
        self.children().for_each(|child| send("-CONT", child));
        send("-CONT", self.child.id());
    }

    fn children(&self) -> impl Iterator<Item = u32> {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().map(|child| child.parse().unwrap()).collect::<Vec<_>>().into_iter()
    }

    /// The processes of the server that work for the program.
    pub fn backends(&self) -> Vec<u32> {
        self.numbers("SELECT pid::bigint AS number FROM pg_stat_activity WHERE application_name = 'tidings'")
            .into_iter()
            .map(|pid| pid.try_into().unwrap())
            .collect()
    }

    pub fn numbers(&self, query: &str) -> Vec<i64> {
        let rows: Vec<Number> = sql_query(query).load(&mut self.connect()).unwrap();
        rows.into_iter().map(|row| row.number).collect()
    }

    pub fn names(&self, query: &str) -> Vec<String> {
        let rows: Vec<Name> = sql_query(query).load(&mut self.connect()).unwrap();
        rows.into_iter().map(|row| row.name).collect()
    }

    pub fn app(&self) -> App {
        App::start_with(&[("store.url", &self.url())])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        send("-QUIT", self.child.id());
        let _ = self.child.wait();
    }
}

/// The programs of the server are not on the path everywhere.
fn bin() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("initdb"));
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found =
        on_path.chain(installed.map(|version| version.path().join("bin/initdb"))).find_map(|initdb| {
            let bin = initdb.canonicalize().ok()?.parent()?.to_owned();
            bin.join("postgres").exists().then_some(bin)
        });
    found.expect("this test needs postgres, which is not installed")
}

fn as_server(mut command: Command, folder: &TempDir) -> Command {
    command.current_dir(folder.path());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn launch(bin: &Path, folder: &TempDir) -> Child {
    let mut command = as_server(bound("QUIT", bin.join("postgres")), folder);
    command.args(["-D", "data", "-k"]).arg(folder.path());
    command.args(["-c", "fsync=off", "-c", "deadlock_timeout=100ms"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap()
}
