//! What became of a notification.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Administrator,
    nodes::{Asked, live_sessions},
};
use crate::{
    domain::{
        NodeId, NotificationId, Position, PushSubscriptionId, SessionId, Timestamp, Transport, UserId,
        push::PushState,
    },
    http::{Api, answers, extract::Arguments, problem::Problem},
    hub::messages::SessionFilter,
    protocol::event::{NotificationFields, NotificationView},
    store::messages::{PushTrace, Trace, Traced},
};

/// Sessions of its user that are looked at.
const SESSIONS_MAX: usize = 200;

#[derive(Serialize, ToSchema)]
#[schema(as = NotificationTrace)]
struct TraceBody<'a> {
    /// As its user sees it; muted and expired ones are here, too.
    #[schema(value_type = NotificationFields<'a>)]
    notification: NotificationView<'a>,
    user: UserId,
    /// The user wanted to hear nothing of it: it is stored, and was told to nobody.
    muted: bool,
    /// The user has said, on some device, to have been shown everything up to it.
    acked: bool,
    /// The sessions that are open now and were given it. Not those that have ended, nor whether anybody looked.
    sent: Vec<Sent>,
    /// What became of it for each push subscription that its user had; a week after its end (a month where it was
    /// given up) that is forgotten.
    push: Vec<Pushed>,
    #[serde(flatten)]
    asked: Asked,
}

#[derive(Serialize, ToSchema)]
struct Sent {
    session: SessionId,
    node: NodeId,
    transport: Transport,
}

/// What became of a notification for one push subscription.
#[derive(Serialize, ToSchema)]
struct Pushed {
    subscription: PushSubscriptionId,
    state: PushState,
    attempts: u32,
    /// Of the last answer of the push service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// Why it was withheld, put off or given up: `read`, `seen`, `archived`, `deleted`, `expired`, `muted`, `attended` (a
    /// page in front has shown it), `off` (the user wants no pushes), `unsubscribed`, `disabled`, `late`, or words for
    /// people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_at: Option<Timestamp>,
}

impl From<PushTrace> for Pushed {
    fn from(trace: PushTrace) -> Self {
        let PushTrace { subscription, state, attempts, status, reason, due_at, ended_at } = trace;
        Self { subscription, state, attempts, status, reason, due_at, ended_at }
    }
}

/// What became of a notification
///
/// When it was seen, read and archived is in the notification itself. `sent` are sessions that stand at it or
/// behind it in the inbox: it has left for their clients, or waits in front of a slow one (`waiting_bytes` of the
/// session). What sessions that have ended were given is not kept.
#[utoipa::path(
    get, path = "/v1/admin/notifications/{id}", tag = "Admin", operation_id = "trace_notification",
    params(("id" = NotificationId, Path, description = "The notification, of whatever user.")),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NamesNone,
        answers::AsksNodes,
        answers::Stored,
        (status = 200, description = "What became of it.", body = TraceBody, example = json!({
            "notification": {
                "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "type": "note.text", "v": 1, "position": "szlhwm0g.1",
                "payload": { "text": "Build finished" }, "created_at": "2026-11-22T04:33:51.602Z",
                "seen_at": "2026-11-22T04:35:02.117Z"
            },
            "user": "alice", "muted": false, "acked": true,
            "sent": [{ "session": "ses_01M80RGBFJAPQ3ZKRMXZC4KYHX", "node": "p8z2m4tq", "transport": "websocket" }],
            "push": [{
                "subscription": "psh_01M80RGBFJAPQ3ZKRMXZC4KYHZ", "state": "withheld", "attempts": 0,
                "reason": "attended", "ended_at": "2026-11-22T04:34:02.117Z"
            }],
            "nodes": ["p8z2m4tq"], "complete": true
        })),
    )
)]
pub async fn trace(
    request: HttpRequest,
    _: Administrator,
    id: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    // What cannot be an id names nothing.
    let id: NotificationId = id.parse().map_err(|_| Problem::not_found())?;
    let Traced { stand, notification, pushes } = api.store.ask(Trace { id }).await?;
    let filter = SessionFilter { user: Some(stand.user.clone()), ..SessionFilter::default() };
    let (sessions, mut asked) = live_sessions(&api, filter, SESSIONS_MAX).await?;
    asked.complete &= sessions.len() < SESSIONS_MAX;
    let place = notification.position;
    let was_given = |position: Position| {
        position.epoch == place.epoch && position.offset >= place.offset && !notification.muted
    };
    let sent = sessions
        .into_iter()
        .filter(|live| live.view.position.is_some_and(was_given))
        .map(|live| Sent { session: live.view.session, node: live.node, transport: live.view.transport })
        .collect();
    let is_acked = stand.acked.epoch == place.epoch && stand.acked.offset >= place.offset;
    Ok(HttpResponse::Ok().json(TraceBody {
        notification: NotificationView(&notification),
        user: stand.user,
        muted: notification.muted,
        acked: is_acked,
        sent,
        push: pushes.into_iter().map(Pushed::from).collect(),
        asked,
    }))
}
