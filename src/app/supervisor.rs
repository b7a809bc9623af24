//! What a supervisor hears of the process, where it wants to (sd_notify(3), `Type=notify` of systemd): that it is
//! ready, that it stops, and that it goes on.
//!
//! Each is one datagram to the socket that the environment names. It never blocks, and nothing depends on it: who
//! does not hear it takes the process for what it is without.

use std::{
    convert::Infallible,
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process,
    time::Duration,
};

/// How often a part that goes on says so, within the time after which it is taken for hung.
const BEATS: u32 = 4;

#[derive(Debug, Default)]
pub struct Supervisor {
    /// `None` where nobody wants to hear anything.
    line: Option<(UnixDatagram, SocketAddr)>,
    /// Time between two beats; `None` where nobody counts them.
    pulse: Option<Duration>,
}

impl Supervisor {
    /// The one that has started this process, if there is one.
    pub fn of_environment() -> Self {
        let text = |name| env::var(name).ok();
        // What is meant for another process of the same environment is not for this one.
        let is_ours = text("WATCHDOG_PID").is_none_or(|pid| pid == process::id().to_string());
        let micros = text("WATCHDOG_USEC").filter(|_| is_ours);
        Self::new(env::var_os("NOTIFY_SOCKET").as_deref(), micros.as_deref())
    }

    fn new(socket: Option<&OsStr>, watchdog_micros: Option<&str>) -> Self {
        let Some(socket) = socket.filter(|socket| !socket.is_empty()) else { return Self::default() };
        let line = match open(socket) {
            Ok(line) => line,
            Err(error) => {
                log::warn!("NOTIFY_SOCKET names no socket that can be told anything: {error}");
                return Self::default();
            }
        };
        let micros = watchdog_micros.and_then(|micros| micros.parse().ok()).filter(|micros| *micros > 0);
        Self { line: Some(line), pulse: micros.map(|micros| Duration::from_micros(micros) / BEATS) }
    }

    /// Who comes now is served.
    pub fn ready(&self, address: std::net::SocketAddr) {
        self.tell(&format!("READY=1\nSTATUS=listening on {address}"));
    }

    /// It ends, in order.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=sending clients away");
    }

    /// All parts are there.
    pub fn alive(&self) {
        if self.pulse.is_some() {
            self.tell("WATCHDOG=1");
        }
    }

    /// How long to wait at most until [`Self::alive`] is due again.
    pub fn pulse(&self) -> Duration {
        self.pulse.unwrap_or(Duration::MAX)
    }

    /// Says that it goes on for as long as this is waited for, while no part is watched any more.
    pub async fn keep_alive(&self) -> Infallible {
        let Some(pulse) = self.pulse else { return std::future::pending().await };
        loop {
            self.alive();
            tokio::time::sleep(pulse).await;
        }
    }

    fn tell(&self, words: &str) {
        let Some((socket, address)) = &self.line else { return };
        if let Err(error) = socket.send_to_addr(words.as_bytes(), address) {
            log::debug!("the supervisor was not told: {error}");
        }
    }
}

/// A path, or behind an `@` a name that is in no file system (unix(7)).
fn open(socket: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(socket)?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a path nor an @name")),
    };
    let line = UnixDatagram::unbound()?;
    line.set_nonblocking(true)?;
    Ok((line, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    #[test]
    fn who_has_a_name_in_no_file_system_is_told_too() {
        let name = format!("tidings-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let supervisor = Supervisor::new(Some(format!("@{name}").as_ref()), Some("4000000"));
        supervisor.ready("127.0.0.1:80".parse().unwrap());
        assert_eq!(heard(&socket).unwrap(), "READY=1\nSTATUS=listening on 127.0.0.1:80");
        supervisor.alive();
        assert_eq!(
            (heard(&socket).as_deref(), supervisor.pulse()),
            (Some("WATCHDOG=1"), Duration::from_secs(1))
        );
        // One that counts no beats hears none.
        let supervisor = Supervisor::new(Some(format!("@{name}").as_ref()), None);
        supervisor.alive();
        supervisor.stopping();
        assert_eq!(heard(&socket).unwrap().lines().next(), Some("STOPPING=1"));
        assert_eq!(heard(&socket), None);
    }

    #[test]
    fn who_is_not_there_or_does_not_listen_keeps_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        for named in [None, Some(OsStr::new("")), Some(OsStr::new("vsock:2:1")), Some(path.as_os_str())] {
            let supervisor = Supervisor::new(named, Some("0"));
            supervisor.stopping();
            supervisor.alive();
            assert_eq!(supervisor.pulse(), Duration::MAX);
        }
        let socket = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::new(Some(path.as_os_str()), Some("1000"));
        // Its buffer is full long before that.
        (0..100_000).for_each(|_| supervisor.alive());
        assert_eq!(heard(&socket).as_deref(), Some("WATCHDOG=1"));
    }
}
