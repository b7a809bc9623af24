//! What members connect to.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tidings::load::{Passport, Target};

use crate::server::{Outcome, Server, program};

/// How long a Redis may take until it listens.
const START: Duration = Duration::from_secs(5);

/// Users who are published to, in turn.
const USERS: usize = 10_000;

/// One server, or several to which members connect in turn, and the bus between them where they have one.
pub struct House {
    servers: Vec<Server>,
    bus: Option<Server>,
}

impl House {
    pub fn of(server: Server) -> Self {
        Self { servers: vec![server], bus: None }
    }

    /// So many of one kind and their Redis, all on this core; `start` is given the address of that.
    ///
    /// # Errors
    /// If one of them does not start.
    pub fn with_bus(count: usize, core: Option<usize>, start: impl Fn(&str) -> Command) -> Outcome<Self> {
        let bus = start_bus(core)?;
        let url = format!("redis://{}", bus.address);
        let servers = (0..count).map(|_| Server::start(start(&url))).collect::<Outcome<_>>()?;
        Ok(Self { servers, bus: Some(bus) })
    }

    /// The same as its clients see it. They come with one token; what is published over HTTP is for many users.
    pub fn target(&self, token: &str) -> Target {
        Target {
            addresses: self.servers.iter().map(|server| server.address).collect(),
            host: "bench".to_owned(),
            base_path: String::new(),
            trust: None,
            passport: Passport {
                users: (0..USERS).map(|user| (format!("bench-{user}"), token.to_owned())).collect(),
                publisher: token.to_owned(),
            },
            rooms: "bench".to_owned(),
            // The time of the bus counts, too.
            processes: self.servers.iter().chain(&self.bus).map(|server| server.child.id()).collect(),
        }
    }
}

/// A Redis that listens, and keeps nothing.
fn start_bus(core: Option<usize>) -> Outcome<Server> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = program("redis-server", core);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()]);
    let folder = tempfile::tempdir()?;
    let child = command.current_dir(&folder).stdout(Stdio::null()).spawn()?;
    let bus = Server { child, address, _folder: folder };
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > START {
            return Err("redis-server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(bus)
}
