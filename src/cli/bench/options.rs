//! What a person asks for, and the plan that it is.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, server::Credential},
    domain::{Invalid, UserId},
    load::{Arrivals, Broadcast, Idle, Pace, Passport, Plan, Replay, Way},
};

/// Who publishes over HTTP.
const PUBLISHER: &str = "bench";
const PUBLISHER_SCOPE: &str = "notify:bench.message";
const LISTENER_SCOPE: &str = "join:bench:* publish:bench:*";
/// How much longer a token is good than it is worked.
const TOKEN_SPARE: Duration = Duration::from_secs(3600);

/// What is done to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// One publishes to a room, and all clients are told
    FanOut,
    /// Everybody publishes to their room, and those in it are told
    Rooms,
    /// Clients are connected and are told nothing: memory and processor time of each
    Idle,
    /// Clients come, are welcomed, and go
    Connect,
    /// Notifications are published over HTTP, and stored
    Publish,
    /// Over all transports at once: rooms, and notifications published over HTTP
    Mixed,
    /// All clients come at once and read what their room holds
    Replay,
}

/// How clients are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    Ws,
    Sse,
    Poll,
}

impl Transport {
    fn way(self) -> Way {
        match self {
            Self::Ws => Way::WebSocket,
            Self::Sse => Way::EventStream,
            Self::Poll => Way::Poll,
        }
    }
}

#[derive(Args)]
pub struct Options {
    /// What is done to the server
    #[arg(value_enum)]
    pub scenario: Scenario,
    /// How clients listen; `mixed` uses all ways
    #[arg(long, value_enum, value_name = "WAY", default_value = "ws")]
    pub transport: Transport,
    /// Clients that listen
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub clients: u32,
    /// Rooms that they are in [default: one for ten clients, of fan-out and replay one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub rooms: Option<u32>,
    /// Users that they are [default: each client another one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub users: Option<u32>,
    /// Publish, or connect, at this rate a second, whatever comes back; each is timed from when it was due
    #[arg(long, value_name = "PER SECOND", conflicts_with = "in_flight", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// As fast as it goes: the next one begins when one of so many has come to its end [default: 16, of publish and connect 64, of rooms one a client]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub in_flight: Option<u32>,
    /// Bytes of JSON in a message
    #[arg(long, value_name = "BYTES", default_value_t = 128, value_parser = clap::value_parser!(u32).range(64..=16_000))]
    pub size: u32,
    /// Users whom one publish over HTTP is for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub recipients: u32,
    /// Messages that the room holds, of replay
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub history: u32,
}

impl Options {
    /// # Errors
    /// Where something is asked for that this scenario has not.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        let has_pace = !matches!(self.scenario, Scenario::Idle | Scenario::Replay);
        if !has_pace && self.pace().is_some() {
            return usage("--rate and --in-flight: nothing is published in this scenario");
        }
        if self.scenario == Scenario::FanOut && self.rooms() > 1 {
            return usage("--rooms: a fan-out has one room; `tidings bench rooms` has many");
        }
        let (clients, bytes, way) = (self.clients as usize, self.size as usize, self.transport.way());
        Ok(match self.scenario {
            Scenario::Idle => Plan::Idle(Idle { way, clients, rooms: self.rooms() }),
            Scenario::Replay => {
                Plan::Replay(Replay { way, clients, history: u64::from(self.history), bytes })
            }
            Scenario::Connect => {
                Plan::Arrivals(Arrivals { way, pace: self.pace().unwrap_or(Pace::InFlight(64)) })
            }
            _ => Plan::Broadcast(self.broadcast()),
        })
    }

    fn broadcast(&self) -> Broadcast {
        let (clients, rooms) = (self.clients as usize, self.rooms());
        // Whoever speaks has a WebSocket, so where clients are connected otherwise one a room does.
        let one_a_room = rooms.min(clients);
        let speakers = match (self.scenario, self.transport) {
            (Scenario::FanOut, _) => 1,
            (Scenario::Rooms, Transport::Ws) => clients,
            _ => one_a_room,
        };
        let plan = Broadcast {
            ways: vec![self.transport.way()],
            readers: clients,
            rooms,
            speakers,
            silent: 0,
            burst: 0,
            bytes: self.size as usize,
            to_rooms: None,
            to_inboxes: None,
            recipients: self.recipients as usize,
            publishers: 64,
        };
        let pace = self.pace();
        match self.scenario {
            Scenario::Rooms => Broadcast { to_rooms: Some(pace.unwrap_or(Pace::OneEach)), ..plan },
            Scenario::Publish => Broadcast {
                readers: 0,
                rooms: 0,
                speakers: 0,
                to_inboxes: Some(pace.unwrap_or(Pace::InFlight(64))),
                publishers: self.in_flight.unwrap_or(64) as usize,
                ..plan
            },
            Scenario::Mixed => {
                let half = match pace {
                    Some(Pace::InFlight(count)) => Pace::InFlight(count.div_ceil(2)),
                    Some(Pace::PerSecond(rate)) => Pace::PerSecond(rate / 2.0),
                    _ => Pace::PerSecond(50.0),
                };
                let publishers = if let Pace::InFlight(count) = half { count } else { 64 };
                let ways = vec![Way::WebSocket, Way::EventStream, Way::Poll];
                Broadcast { ways, to_rooms: Some(half), to_inboxes: Some(half), publishers, ..plan }
            }
            _ => Broadcast { to_rooms: Some(pace.unwrap_or(Pace::InFlight(16))), ..plan },
        }
    }

    /// What was asked for, if anything was.
    pub fn pace(&self) -> Option<Pace> {
        let in_flight = self.in_flight.map(|count| Pace::InFlight(count as usize));
        self.rate.map(Pace::PerSecond).or(in_flight)
    }

    /// Rooms that there are.
    pub fn rooms(&self) -> usize {
        let rooms = match self.scenario {
            Scenario::FanOut | Scenario::Replay => 1,
            Scenario::Connect | Scenario::Publish => 0,
            Scenario::Rooms | Scenario::Idle | Scenario::Mixed => self.clients.div_ceil(10),
        };
        self.rooms.unwrap_or(rooms) as usize
    }

    /// Users with their tokens, good for longer than it lasts.
    ///
    /// # Errors
    /// Where no token can be signed.
    pub fn passport(&self, credential: &Credential, lasting: Duration) -> Result<Passport, Failure> {
        let ttl = lasting + TOKEN_SPARE;
        let token = |user: &UserId, scope: &str| credential.token(user, scope, ttl);
        let named = |name: String| name.parse::<UserId>().map_err(|Invalid(text)| Failure::Usage(text));
        let publisher = token(&named(PUBLISHER.to_owned())?, PUBLISHER_SCOPE)?;
        if !credential.is_renewable() {
            // A token that was given is of one user, who has all sessions.
            let user = subject(&publisher).unwrap_or_else(|| PUBLISHER.to_owned());
            return Ok(Passport { users: vec![(user, publisher.clone())], publisher });
        }
        let users = (0..self.users.unwrap_or(self.clients).max(self.recipients)).map(|number| {
            let user = named(format!("bench-{number}"))?;
            let token = token(&user, LISTENER_SCOPE)?;
            Ok((user.to_string(), token))
        });
        Ok(Passport { users: users.collect::<Result<_, Failure>>()?, publisher })
    }
}

/// Whose a token says it is; the server judges whether that is so.
fn subject(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

fn parse_rate(text: &str) -> Result<f64, Invalid> {
    let rate = text.parse().ok().filter(|rate| (0.01..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| Invalid::new("a rate is from 0.01 to 1000000 a second"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    fn plan(arguments: &str) -> Result<Plan, Failure> {
        Command::try_parse_from(format!("bench {arguments}").split(' ')).unwrap().options.plan()
    }

    #[test]
    fn each_scenario_has_the_pace_that_was_asked_for_or_its_own() {
        let broadcast = |arguments: &str| match plan(arguments).unwrap() {
            Plan::Broadcast(plan) => (plan.to_rooms, plan.to_inboxes, plan.speakers, plan.rooms),
            _ => panic!("{arguments}"),
        };
        assert_eq!(broadcast("fan-out"), (Some(Pace::InFlight(16)), None, 1, 1));
        assert_eq!(broadcast("fan-out --rate 20"), (Some(Pace::PerSecond(20.0)), None, 1, 1));
        assert_eq!(broadcast("rooms --clients 50"), (Some(Pace::OneEach), None, 50, 5));
        assert_eq!(broadcast("rooms --clients 50 --transport sse"), (Some(Pace::OneEach), None, 5, 5));
        assert_eq!(broadcast("publish --in-flight 8"), (None, Some(Pace::InFlight(8)), 0, 0));
        let half = Some(Pace::PerSecond(10.0));
        assert_eq!(broadcast("mixed --rate 20"), (half, half, 10, 10));
    }

    #[test]
    fn what_a_scenario_has_not_is_refused() {
        for bad in ["idle --rate 1", "replay --in-flight 1", "fan-out --rooms 2"] {
            assert!(matches!(plan(bad), Err(Failure::Usage(_))), "{bad}");
        }
        for bad in ["nothing", "fan-out --rate 0", "fan-out --rate 1 --in-flight 1", "fan-out --clients 0"] {
            assert!(Command::try_parse_from(format!("bench {bad}").split(' ')).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_user_of_a_token_is_read_from_it() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice"}"#);
        assert_eq!(subject(&format!("e30.{claims}.x")).as_deref(), Some("alice"));
        assert_eq!(subject("no token"), None);
    }
}
