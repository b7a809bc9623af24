//! Under a supervisor that wants to hear of it (systemd's `Type=notify`): ready when it serves, alive as long as it
//! goes on, and when it stops.

use std::{os::unix::net::UnixDatagram, process::Command, time::Duration};

use crate::app::{App, DEADLINE, program};

/// Where the program is to say it, and everything that it says, in order.
struct Supervisor {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Supervisor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, folder }
    }

    fn command(&self) -> Command {
        let mut command = program();
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command
    }

    fn hears(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("nothing is said");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[actix_web::test]
async fn a_supervisor_hears_that_it_is_ready_goes_on_and_stops() {
    let supervisor = Supervisor::new();
    let mut command = supervisor.command();
    command.env("WATCHDOG_USEC", "400000");
    let mut app = App::start_as(command, &[("shutdown.drain", "500ms")]);
    assert_eq!(supervisor.hears(), format!("READY=1\nSTATUS=listening on {}", app.address));
    assert_eq!(app.anonymous().get("/ready").await.status, 200);
    for _ in 0..5 {
        assert_eq!(supervisor.hears(), "WATCHDOG=1");
    }

    // One that stands still is what a watchdog is for: it says nothing.
    app.signal("-STOP");
    supervisor.socket.set_nonblocking(true).unwrap();
    while supervisor.socket.recv(&mut [0; 64]).is_ok() {}
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(supervisor.socket.recv(&mut [0; 64]).is_err(), "it stands still");
    supervisor.socket.set_nonblocking(false).unwrap();
    app.signal("-CONT");
    assert_eq!(supervisor.hears(), "WATCHDOG=1");

    // It says that it stops before clients are sent away, and meanwhile that it lives.
    let mut alice = app.ws("alice").await;
    app.signal("-TERM");
    let mut said = supervisor.hears();
    while said == "WATCHDOG=1" {
        said = supervisor.hears();
    }
    assert!(said.starts_with("STOPPING=1\n"), "{said}");
    assert_eq!(supervisor.hears(), "WATCHDOG=1");
    assert_eq!(alice.end().await, Some(1012));
    assert!(app.ended().await.success());
}

#[actix_web::test]
async fn a_supervisor_that_counts_no_beats_or_counts_those_of_another_process_hears_none() {
    let supervisor = Supervisor::new();
    let mut command = supervisor.command();
    command.env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1");
    let mut app = App::start_as(command, &[]);
    assert!(supervisor.hears().starts_with("READY=1\n"));
    app.signal("-TERM");
    assert!(supervisor.hears().starts_with("STOPPING=1\n"));
    assert!(app.ended().await.success());
    // Where nobody is to be told, or cannot be, it runs all the same.
    for nobody in ["/nowhere/notify", "vsock:1:2", "@"] {
        let mut command = program();
        command.env("NOTIFY_SOCKET", nobody).env("WATCHDOG_USEC", "1000");
        let mut app = App::start_as(command, &[]);
        app.expect_healthy().await;
    }
}
