//! Who is measured, and how it is started.

use std::{path::Path, process::Command};

use crate::{
    load::{House, SETTINGS},
    server::{Outcome, Server, cores::SERVER_CORE, program, tidings},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    Tidings,
    /// The same with its notifications on a PostgreSQL server.
    TidingsOnPostgres,
    /// The limit of the machine.
    RawJoined,
    RawSingle,
    Bun,
    Node,
    FastApi,
}

impl Contender {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tidings => "tidings",
            Self::TidingsOnPostgres => "tidings, PostgreSQL",
            Self::RawJoined => "raw loop, frames joined",
            Self::RawSingle => "raw loop, one write each",
            Self::Bun => "Bun",
            Self::Node => "Node ws + ioredis",
            Self::FastApi => "FastAPI + redis",
        }
    }

    /// Starts so many instances, all on one core with what is between them. Node and FastAPI have their Redis in any
    /// case, since their messages go through it; the others where there are several.
    ///
    /// # Errors
    /// If it is not installed, or does not start.
    pub fn start(self, is_split: bool, instances: usize) -> Outcome<House> {
        let core = is_split.then_some(SERVER_CORE);
        let needs_bus = instances > 1 || matches!(self, Self::Node | Self::FastApi);
        if needs_bus {
            return House::with_bus(instances, core, |url| self.command(core, Some(url)));
        }
        Ok(House::of(Server::start(self.command(core, None))?))
    }

    fn command(self, core: Option<usize>, bus: Option<&str>) -> Command {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let peer = |runtime: &Path, file: &str| {
            let mut command = program(runtime, core);
            command.arg(peers.join(file)).envs(bus.map(|url| ("REDIS_URL", url)));
            command
        };
        match self {
            Self::Tidings | Self::TidingsOnPostgres => {
                let bus = bus.map(|url| format!("bridge.url={url}"));
                let postgres = std::env::var("TIDINGS_TEST_POSTGRES").map(|url| format!("store.url={url}"));
                let postgres = postgres.ok().filter(|_| self == Self::TidingsOnPostgres);
                let settings = SETTINGS.into_iter().chain(bus.as_deref()).chain(postgres.as_deref());
                tidings(core, &settings.collect::<Vec<_>>())
            }
            Self::RawJoined | Self::RawSingle => {
                let mut command = program(std::env::current_exe().unwrap_or_default(), core);
                command.args(["--raw", if self == Self::RawJoined { "joined" } else { "single" }]);
                command
            }
            Self::Bun => {
                // The package of the runtime itself, which the one that is named `bun` would only copy.
                let machine = if cfg!(target_arch = "x86_64") { "x64" } else { "aarch64" };
                let package = format!("bun/node_modules/@oven/bun-linux-{machine}/bin/bun");
                peer(&peers.join(package), "bun/server.js")
            }
            Self::Node => peer(Path::new("node"), "node/server.mjs"),
            Self::FastApi => {
                let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
                peer(&python, "fastapi/main.py")
            }
        }
    }
}
