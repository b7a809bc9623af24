//! What members connect to.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::Stdio,
    time::{Duration, Instant},
};

use super::table::SETTINGS;
use crate::server::{Outcome, Server, program, tidings};

/// How long a Redis may take until it listens.
const START: Duration = Duration::from_secs(5);

/// One server, or several to which members connect in turn, with a bus between them.
pub struct House {
    servers: Vec<Server>,
    bus: Option<Server>,
}

impl House {
    pub fn of(server: Server) -> Self {
        Self { servers: vec![server], bus: None }
    }

    /// Two nodes and their Redis, all on this core.
    ///
    /// # Errors
    /// If one of them does not start.
    pub fn of_two(core: Option<usize>) -> Outcome<Self> {
        let bus = start_bus(core)?;
        let url = format!("bridge.url=redis://{}", bus.address);
        let settings = [&SETTINGS[..], &[url.as_str()]].concat();
        let node = || Server::start(tidings(core, &settings));
        Ok(Self { servers: vec![node()?, node()?], bus: Some(bus) })
    }

    /// The address for this member.
    pub fn address(&self, member: usize) -> SocketAddr {
        self.servers[member % self.servers.len()].address
    }

    /// The processes whose time counts.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        self.servers.iter().chain(&self.bus).map(|server| server.child.id())
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
