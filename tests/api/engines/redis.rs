//! A Redis server of one test, on a socket in a folder of its own. It keeps nothing: who comes back after it was
//! killed finds it empty.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
};

use redis::{Cmd, Connection, FromRedisValue, cmd};
use tempfile::TempDir;

use super::{bound, send};
use crate::app::until;

pub struct Redis {
    folder: TempDir,
    child: Child,
}

impl Redis {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = launch(&folder);
        let redis = Self { folder, child };
        redis.is_ready().await;
        redis
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        send(signal, self.pid());
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty.
    pub async fn revive(&mut self) {
        self.child = launch(&self.folder);
        self.is_ready().await;
    }

    pub fn connect(&self) -> Connection {
        self.try_connect().unwrap()
    }

    /// Runs one command.
    pub fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        command(words).query(&mut self.connect()).unwrap()
    }

    fn try_connect(&self) -> Option<Connection> {
        let url = format!("redis+unix://{}", self.socket().display());
        redis::Client::open(url).unwrap().get_connection().ok()
    }

    async fn is_ready(&self) {
        let pong = || cmd("PING").query::<String>(&mut self.try_connect()?).ok();
        until("Redis answers", pong).await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(*word);
    });
    command
}

fn launch(folder: &TempDir) -> Child {
    let mut command = bound("KILL", "redis-server");
    command.current_dir(folder.path());
    command.args(["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command.spawn().expect("this test needs redis-server")
}
