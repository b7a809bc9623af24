//! A host of its own for a server: a network namespace with two cables to the tests, one of which may be unplugged.
//! Then nothing comes and nothing is refused, as where somebody walks out of reach. Only root may make one.

use std::{
    ffi::OsStr,
    fs,
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{bound, is_root};

/// Ends with its owner, and its cables with it.
pub struct Host {
    /// A process that does nothing but be there.
    holder: Child,
}

#[derive(Clone, Copy)]
pub enum Cable {
    Steady,
    Loose,
}

impl Host {
    /// None where this user may not.
    pub fn start() -> Option<Self> {
        if !is_root() {
            println!("left out: only root may make a network namespace");
            return None;
        }
        let holder = bound("KILL", "unshare").args(["-n", "cat"]).stdin(Stdio::piped()).spawn().unwrap();
        let host = Self { holder };
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        while network(&host.pid()) == network("self") {
            std::thread::sleep(Duration::from_millis(5));
        }
        for cable in [Cable::Steady, Cable::Loose] {
            let (outer, inner) = (host.outer(cable), format!("eth{}", cable as u8));
            let addresses = [1, 2].map(|end| format!("{}/30", host.end(cable, end)));
            ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", &host.pid()]);
            ip(&["addr", "add", &addresses[0], "dev", &outer]);
            ip(&["link", "set", &outer, "up"]);
            run(host.inside("ip").args(["addr", "add", &addresses[1], "dev", &inner]));
            run(host.inside("ip").args(["link", "set", &inner, "up"]));
        }
        Some(host)
    }

    /// This program on the host.
    pub fn command(&self, program: &Command) -> Command {
        let mut command = self.inside(program.get_program());
        command.args(program.get_args()).env_clear();
        command
    }

    /// The host as this cable reaches it.
    pub fn address(&self, cable: Cable) -> Ipv4Addr {
        self.end(cable, 2)
    }

    pub fn unplug(&self) {
        ip(&["link", "set", &self.outer(Cable::Loose), "down"]);
    }

    fn pid(&self) -> String {
        self.holder.id().to_string()
    }

    /// The name of the end that the tests have; those of others are made at the same time.
    fn outer(&self, cable: Cable) -> String {
        format!("tidings{}{}", self.pid(), ["a", "b"][cable as usize])
    }

    /// An address that nobody else has, as no other process has the same number.
    fn end(&self, cable: Cable, end: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits((10 << 24) | ((self.holder.id() & 0x1F_FFFF) << 3) | ((cable as u32) << 2) | end)
    }

    fn inside(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid(), "-n", "--"]).arg(program);
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn ip(words: &[&str]) {
    run(Command::new("ip").args(words));
}

fn run(command: &mut Command) {
    assert!(command.status().expect("this test needs ip and nsenter").success(), "{command:?}");
}
