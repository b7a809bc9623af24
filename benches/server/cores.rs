//! Which cores the server and the one who measures it run on.

use std::{
    process::{Command, Stdio},
    thread::available_parallelism,
};

pub const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;

/// Files that 15,000 members need at a server that has two for each.
const FILES: usize = 65_536;

/// Gives the generator a core of its own; whether servers can have another one. To be called before
/// any thread or child is started, since they run where their parent does.
pub fn split_cores() -> bool {
    // Fails where that is not for its user to say; then it is as many as may be.
    quiet(Command::new("prlimit").args([&format!("--nofile={FILES}:{FILES}"), "--pid", &own_id()]));
    tidings::load::machine::raise_open_files();
    let has_two = available_parallelism().is_ok_and(|cores| cores.get() > GENERATOR_CORE);
    let can_run = |core: usize| quiet(Command::new("taskset").args(["-c", &core.to_string(), "true"]));
    let pin = || quiet(Command::new("taskset").args(["-cp", &GENERATOR_CORE.to_string(), &own_id()]));
    has_two && can_run(SERVER_CORE) && pin()
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn own_id() -> String {
    std::process::id().to_string()
}
