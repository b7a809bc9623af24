//! Runs a load on a thread of its own, shows how far it has come, and hears Ctrl-C.

use std::{
    io::{self, IsTerminal, Write},
    thread,
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    cli::Failure,
    load::{self, Lasting, Phase, Plan, Progress, Report, Target},
};

const LOOK: Duration = Duration::from_millis(100);
const WIDTH: usize = 30;

/// Ctrl-C ends it with what was measured, and a second one without waiting for the rest.
///
/// # Errors
/// Where nothing can be measured.
pub fn run(target: &Target, plan: &Plan, lasting: Lasting, is_shown: bool) -> Result<Report, Failure> {
    let progress = &Progress::default();
    let system = actix_web::rt::System::new();
    // Heard from before anything is sent.
    let interrupts = system.block_on(async { signal(SignalKind::interrupt()).ok() });
    let is_shown = is_shown && io::stderr().is_terminal();
    let outcome = thread::scope(|scope| {
        let (end, ended) = oneshot::channel::<()>();
        let generator = scope.spawn(move || {
            let outcome = load::run(target, plan, lasting, progress);
            drop(end);
            outcome
        });
        system.block_on(watch(progress, ended, interrupts, is_shown));
        generator.join()
    });
    let outcome = outcome.map_err(|_| Failure::Failed("the generator has failed".to_owned()))?;
    outcome.map_err(|fault| Failure::Failed(fault.to_string()))
}

async fn watch(
    progress: &Progress,
    mut ended: oneshot::Receiver<()>,
    mut interrupts: Option<Signal>,
    is_shown: bool,
) {
    let mut interrupted = async || match &mut interrupts {
        Some(interrupts) => interrupts.recv().await,
        None => std::future::pending().await,
    };
    loop {
        if is_shown {
            draw(&line(progress));
        }
        tokio::select! {
            _ = &mut ended => break,
            _ = interrupted() => progress.stop(),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    if is_shown {
        draw("");
    }
}

fn line(progress: &Progress) -> String {
    let (phase, part) = progress.look();
    let word = match phase {
        Phase::Connecting => "connecting",
        Phase::WarmingUp => "warming up",
        Phase::Measuring => "measuring",
        Phase::Ending => "ending",
    };
    let full = (part * WIDTH as f64) as usize;
    format!("{word:<11}{}{} {:>3.0} %", "█".repeat(full), "░".repeat(WIDTH - full.min(WIDTH)), part * 100.0)
}

/// In the place of the line before.
fn draw(line: &str) {
    let mut terminal = io::stderr().lock();
    // Where it cannot be shown, nothing is lost.
    let _ = write!(terminal, "\r\x1b[2K{line}").and_then(|()| terminal.flush());
}
