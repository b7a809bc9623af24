//! One connection over which notifications are published: a request, and the next one when it is answered.

use super::{
    Fault, Outcome, Target,
    answer::Answer,
    client::let_in,
    connection::Connection,
    latency::Span,
    tally::{Tally, append_data},
};

/// After this they are gone from the inboxes of those they were sent to, in seconds.
const EXPIRES_IN: u32 = 3600;

const REQUEST_TIMEOUT: u16 = 408;

pub struct Publisher {
    connection: Connection,
    /// All of a request up to the length of its body.
    head: String,
    /// When the request was due that is under way.
    due: Option<u64>,
    /// Whether it has ever been answered: where it has not, there is no use in trying again.
    pub is_proven: bool,
    body: Vec<u8>,
    request: Vec<u8>,
    chunks: Vec<u8>,
}

impl Publisher {
    pub fn new(connection: Connection, target: &Target) -> Self {
        let head = target.head("POST", "/v1/notifications", &target.passport.publisher);
        Self {
            connection,
            head: head + "Content-Type: application/json\r\nContent-Length: ",
            due: None,
            is_proven: false,
            body: Vec::new(),
            request: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Whether an answer is awaited.
    pub fn is_busy(&self) -> bool {
        self.due.is_some()
    }

    /// Publishes to these users.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn publish<'u>(
        &mut self,
        users: impl Iterator<Item = &'u str>,
        (due, number): (u64, u64),
        bytes: usize,
    ) -> Outcome<()> {
        use std::io::Write;
        self.due = Some(due);
        self.body.clear();
        self.body.extend_from_slice(br#"{"to":["#);
        for (place, user) in users.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            // A vector takes all that is written; names of users hold nothing that JSON would write otherwise.
            let _ = write!(self.body, "{comma}\"{user}\"");
        }
        let _ = write!(self.body, r#"],"type":"bench.message","expires_in":{EXPIRES_IN},"payload":"#);
        append_data(&mut self.body, due, number, bytes);
        self.body.push(b'}');
        self.request.clear();
        let _ = write!(self.request, "{}{}\r\n\r\n", self.head, self.body.len());
        self.request.extend_from_slice(&self.body);
        self.connection.send(&self.request)
    }

    /// Sends what did not fit, and reads the answer.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn turn(
        &mut self,
        number: usize,
        scratch: &mut [u8],
        tally: &mut Tally,
        now: impl Fn() -> u64,
    ) -> Outcome<()> {
        self.connection.flush()?;
        let Self { connection, due, is_proven, chunks, .. } = self;
        connection.read(scratch, |bytes| {
            let Some(answer) = Answer::at(bytes, 0, chunks)? else { return Ok(0) };
            let Some(due) = due.take() else {
                // Nothing was asked for so long that the server closes it; that is no fault.
                *is_proven |= answer.status == REQUEST_TIMEOUT;
                return Err(Fault::new("an answer to no question"));
            };
            if answer.status == 201 {
                *is_proven = true;
                tally.record(Span::Accepted, due, now());
                tally.accepted += 1;
                tally.done.push(number);
            } else if let Err(fault) = let_in(bytes, 201) {
                tally.refuse(number, &fault);
            }
            if answer.is_last {
                return Err(Fault::new("closed by the server"));
            }
            Ok(answer.end)
        })
    }
}
