//! What waits for a client leaves together: a system call costs more than all else that an event does.

use std::fs;

use crate::{app::App, durability::traced};

const EVENTS: u64 = 300;

/// Most writes that so many events may take; one each would be ten times as many.
const WRITES_MAX: usize = 30;

#[actix_web::test]
async fn many_waiting_frames_leave_in_few_writes() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let app = App::start_as(traced(&trace), &[]);
    for n in 1..=EVENTS {
        app.publish("alice", n).await;
    }
    let mut ws = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(ws.next_ns(EVENTS as usize).await, (1..=EVENTS).collect::<Vec<u64>>());
    let trace = fs::read_to_string(&trace).unwrap();
    // A text frame begins with 0x81, which strace shows as \201.
    let writes = trace.lines().filter(|line| line.contains(r#", "\201"#)).count();
    assert!((1..=WRITES_MAX).contains(&writes), "{writes} writes for {EVENTS} events");
}
