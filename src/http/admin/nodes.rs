//! What is going on now, over all instances.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::Administrator;
use crate::{
    domain::{Invalid, NodeId, Position, RoomName, UserId},
    http::{Api, answers, extract::Arguments, problem::Problem},
    hub::messages::{Headcount, RoomView, SessionCount, SessionFilter, SessionView},
    peers::messages::{Answer, NodeStats, Question},
    protocol::{ErrorCode, PageSize},
    store::messages::{InboxStand, ReadInboxes},
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

/// How the nodes took part in an answer.
#[derive(Serialize, ToSchema)]
pub struct Asked {
    /// Those that have answered.
    nodes: Vec<NodeId>,
    /// Every instance that there is has answered in full.
    pub complete: bool,
}

#[derive(Serialize, ToSchema)]
struct Stats {
    nodes: Vec<StatsOfNode>,
    /// Over all of them.
    sessions: SessionCount,
    /// Every instance that there is has answered.
    complete: bool,
}

#[derive(Serialize, ToSchema)]
struct StatsOfNode {
    node: NodeId,
    version: String,
    uptime_seconds: u64,
    #[serde(flatten)]
    heads: Headcount,
}

/// How many there are, by instance
///
/// Users and rooms are not summed: one who is on two instances is counted on both.
#[utoipa::path(
    get, path = "/v1/admin/stats", tag = "Admin", operation_id = "fetch_stats",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::AsksNodes,
        (status = 200, description = "The numbers of now.", body = Stats, example = json!({
            "nodes": [{
                "node": "p8z2m4tq", "version": "0.1.0", "uptime_seconds": 86400,
                "sessions": { "websocket": 2, "sse": 1, "poll": 0 }, "users": 2, "rooms": 1
            }],
            "sessions": { "websocket": 2, "sse": 1, "poll": 0 },
            "complete": true
        })),
    )
)]
pub async fn stats(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let gathered = api.peers.gather(Question::Stats).await?;
    let of_node = |(node, answer)| match answer {
        Answer::Stats(NodeStats { version, uptime_seconds, heads }) => {
            Some(StatsOfNode { node, version, uptime_seconds, heads })
        }
        _ => None,
    };
    let nodes: Vec<StatsOfNode> = gathered.answers.into_iter().filter_map(of_node).collect();
    let sessions =
        nodes.iter().map(|node| node.heads.sessions).fold(SessionCount::default(), SessionCount::plus);
    Ok(HttpResponse::Ok().json(Stats { nodes, sessions, complete: gathered.is_complete }))
}

#[derive(Serialize, ToSchema)]
struct SessionList {
    /// Newest first.
    #[schema(max_items = 200)]
    sessions: Vec<LiveSession>,
    #[serde(flatten)]
    asked: Asked,
}

/// A session, where it is.
#[derive(Serialize, ToSchema)]
pub struct LiveSession {
    pub node: NodeId,
    #[serde(flatten)]
    pub view: SessionView,
    /// Up to where its user has said, on whatever device, to have been shown everything.
    acked: Position,
}

/// The sessions that are open
///
/// The newest of all instances; only those of `user`, or in `room`.
#[utoipa::path(
    get, path = "/v1/admin/sessions", tag = "Admin", operation_id = "list_sessions",
    params(
        ("user" = Option<UserId>, Query, description = "Only of this user."),
        ("room" = Option<RoomName>, Query, description = "Only those in this room."),
        ("limit" = inline(Option<PageSize>), Query, description = "50 where it is left out; above 200 counts as 200."),
    ),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NamesWhom,
        answers::Gathers,
        (status = 200, description = "The sessions.", body = SessionList, example = json!({
            "sessions": [{
                "node": "p8z2m4tq", "session": "ses_01M80RGBFJAPQ3ZKRMXZC4KYHW", "user": "alice",
                "transport": "websocket", "opened_at": "2026-11-22T04:33:51.602Z", "rooms": ["general"],
                "room_count": 1, "waiting_bytes": 0, "position": "szlhwm0g.7", "acked": "szlhwm0g.5"
            }],
            "nodes": ["p8z2m4tq"], "complete": true
        })),
    )
)]
pub async fn sessions(
    request: HttpRequest,
    _: Administrator,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let arguments = Arguments::read(&request, &["user", "room", "limit"])?;
    let refuse = |name: &str, error: Invalid| Problem::new(ErrorCode::Validation, format!("{name}: {error}"));
    let filter = SessionFilter {
        id: None,
        user: arguments.parse("user").map_err(|error| refuse("user", error))?,
        room: arguments.parse("room").map_err(|error| Problem::new(ErrorCode::BadRoom, error.0))?,
    };
    let limit = arguments.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let (sessions, asked) = live_sessions(&api, filter, limit).await?;
    Ok(HttpResponse::Ok().json(SessionList { sessions, asked }))
}

/// The newest sessions that are meant, of all instances.
///
/// # Errors
/// 503 if they, or their inboxes, cannot be asked.
pub async fn live_sessions(
    api: &Api,
    filter: SessionFilter,
    limit: usize,
) -> Result<(Vec<LiveSession>, Asked), Problem> {
    let gathered = api.peers.gather(Question::Sessions { filter, limit }).await?;
    let asked = Asked {
        nodes: gathered.answers.iter().map(|(node, _)| *node).collect(),
        complete: gathered.is_complete,
    };
    let mut views: Vec<(NodeId, SessionView)> = Vec::new();
    for (node, answer) in gathered.answers {
        if let Answer::Sessions(sessions) = answer {
            views.extend(sessions.into_iter().map(|view| (node, view)));
        }
    }
    views.sort_unstable_by(|(_, a), (_, b)| b.session.cmp(&a.session));
    views.truncate(limit);
    let mut users: Vec<UserId> = views.iter().map(|(_, view)| view.user.clone()).collect();
    users.sort_unstable();
    users.dedup();
    let stands = api.store.ask(ReadInboxes { users }).await?;
    let acked: BTreeMap<UserId, Position> =
        stands.into_iter().map(|InboxStand { user, acked, .. }| (user, acked)).collect();
    let live = |(node, view): (NodeId, SessionView)| {
        let acked = acked.get(&view.user).copied().unwrap_or(Position::START);
        LiveSession { node, view, acked }
    };
    Ok((views.into_iter().map(live).collect(), asked))
}

#[derive(Serialize, ToSchema)]
struct RoomList {
    /// By name.
    #[schema(max_items = 200)]
    rooms: Vec<RoomView>,
    #[serde(flatten)]
    asked: Asked,
}

/// The rooms with somebody in them
///
/// By name, over all instances.
#[utoipa::path(
    get, path = "/v1/admin/rooms", tag = "Admin", operation_id = "list_rooms",
    params(
        ("prefix" = Option<String>, Query, description = "Only those whose names begin so.", example = "chat:"),
        ("limit" = inline(Option<PageSize>), Query, description = "50 where it is left out; above 200 counts as 200."),
    ),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::Gathers,
        (status = 200, description = "The rooms.", body = RoomList, example = json!({
            "rooms": [{ "room": "general", "sessions": 2, "user_count": 2, "position": "ro1xpdxi.3" }],
            "nodes": ["p8z2m4tq"], "complete": true
        })),
    )
)]
pub async fn rooms(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let arguments = Arguments::read(&request, &["prefix", "limit"])?;
    let limit = arguments.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let prefix = arguments.text("prefix").unwrap_or_default().to_owned();
    let gathered = api.peers.gather(Question::Rooms { prefix, limit }).await?;
    let asked = Asked {
        nodes: gathered.answers.iter().map(|(node, _)| *node).collect(),
        complete: gathered.is_complete,
    };
    let mut rooms: BTreeMap<RoomName, RoomView> = BTreeMap::new();
    for (_, answer) in gathered.answers {
        let Answer::Rooms(views) = answer else { continue };
        for view in views {
            match rooms.get_mut(&view.room) {
                Some(known) => known.merge(&view),
                None => drop(rooms.insert(view.room.clone(), view)),
            }
        }
    }
    Ok(HttpResponse::Ok().json(RoomList { rooms: rooms.into_values().take(limit).collect(), asked }))
}
