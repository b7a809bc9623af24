//! One connection of a listener, whatever the transport.

use std::time::Duration;

use awc::{Client, ClientRequest, http::header::AUTHORIZATION};
use clap::ValueEnum;

use super::{
    event_stream,
    follower::{Follower, Tell},
    poll,
    reconnect::End,
    websocket,
};
use crate::cli::{
    Failure,
    output::{Form, print, say},
};

/// How the server is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    Ws,
    Sse,
    Poll,
}

/// A connection that ended, and how long it held.
pub struct Past {
    pub end: End,
    pub held: Duration,
}

/// Follows until the connection ends; prints what comes, in the form asked for.
///
/// # Errors
/// Where nobody reads the output, and where the token is another user's.
pub async fn follow(
    way: Way,
    base: &str,
    token: &str,
    follower: &mut Follower,
    form: Form,
) -> Result<Past, Failure> {
    match way {
        Way::Ws => websocket::follow(base, token, follower, form).await,
        Way::Sse => event_stream::follow(base, token, follower, form).await,
        Way::Poll => poll::follow(base, token, follower, form).await,
    }
}

/// A request for what the follower is to be told next.
pub fn get(client: &Client, url: String, token: &str) -> ClientRequest {
    client.get(url).insert_header((AUTHORIZATION, format!("Bearer {token}")))
}

/// Tells what one event means.
///
/// # Errors
/// As [`follow`].
pub fn tell(follower: &mut Follower, event: &str, form: Form) -> Result<(), Failure> {
    let tells = follower.take(event);
    let is_shown = !tells.iter().any(|tell| matches!(tell, Tell::Stop(_)));
    if form.json && is_shown {
        print(event)?;
    }
    for tell in tells {
        match tell {
            Tell::Event(_) if form.json => {}
            Tell::Event(line) => print(&line)?,
            Tell::Note(_) if form.quiet => {}
            Tell::Note(note) => say(&note),
            Tell::Stop(why) => return Err(Failure::Failed(why)),
        }
    }
    Ok(())
}
