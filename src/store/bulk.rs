//! Statements over many rows at once, as only PostgreSQL has them: columns go there as arrays, so the text
//! is the same for any number of rows, and is prepared once.

use std::collections::BTreeMap;

use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text},
};

use super::{
    locks::Want,
    messages::IdempotencyKey,
    prepared::Prepared,
    push_jobs::{Push, signed},
    rows::{InboxRow, broken},
    transaction::{Answer, Unwritten},
};
use crate::{
    domain::{Epoch, Timestamp, UserId},
    hub::messages::InboxFact,
    random,
};

/// The names of the statements that are [`Prepared`].
struct ClaimKeys;
struct Advance;
struct Store;
struct Pushed;
struct Keep;

/// A key that nobody has used is there from now on, with an answer that is still empty; so is one that is
/// older than `since`. One that is under way elsewhere is waited for.
const CLAIM_KEYS: &str = r#"
INSERT INTO idempotency_keys AS kept (publisher, "key", digest, receipts, created_at)
SELECT want.publisher, want."key", want.digest, '', $4
FROM unnest($1, $2, $3) AS want (publisher, "key", digest)
ORDER BY want.publisher COLLATE "C", want."key" COLLATE "C"
ON CONFLICT (publisher, "key") DO UPDATE
SET digest = excluded.digest, receipts = '', created_at = excluded.created_at
WHERE kept.created_at < $5
RETURNING publisher, "key""#;

/// An inbox that wants no numbers, or whose user has mutes, is locked and stays as it is, as `WHERE` says;
/// and one that is not there is made only if something will be in it. The look for it is a subquery that is
/// asked for each row by the primary key, and not `EXISTS`, which may become a walk over the whole table.
const ADVANCE: &str = r#"
INSERT INTO inboxes (user_id, epoch, last_offset, unread, unseen, version, changed_at)
SELECT want.user_id, want.epoch, want.numbers, want.numbers, want.numbers, want.numbers, $5
FROM unnest($1, $2, $3, $4) AS want (user_id, epoch, numbers, is_made)
WHERE want.is_made OR (SELECT TRUE FROM inboxes AS present WHERE present.user_id = want.user_id)
ORDER BY want.user_id COLLATE "C"
ON CONFLICT (user_id) DO UPDATE
SET last_offset = inboxes.last_offset + excluded.last_offset,
    unread = inboxes.unread + excluded.unread,
    unseen = inboxes.unseen + excluded.unseen,
    version = inboxes.version + excluded.version,
    changed_at = excluded.changed_at
WHERE excluded.last_offset > 0 AND inboxes.mutes = 0
RETURNING user_id, epoch, last_offset, pruned_offset, unread, unseen, version, marks_version, subscriptions"#;

/// What recipients share goes there once.
const STORE: &str = r#"
INSERT INTO notifications (user_id, "offset", id, "type", v, created_at, expires_at, payload, push)
SELECT row.user_id, row."offset", row.id, draft."type", draft.v, $11, draft.expires_at, draft.payload,
    CASE WHEN row.is_pushed THEN draft.push END
FROM unnest($1, $2, $3, $4, $5) AS row (user_id, "offset", id, draft, is_pushed)
JOIN unnest($6, $7, $8, $9, $10) WITH ORDINALITY AS draft ("type", v, expires_at, payload, push, place)
    ON draft.place = row.draft"#;

const PUSH: &str = r#"
INSERT INTO push_jobs (user_id, "offset", subscription_id, urgency, due_at, created_at)
SELECT push.user_id, push."offset", subscription.id, push.urgency, push.due_at, $5
FROM unnest($1, $2, $3, $4) AS push (user_id, "offset", urgency, due_at)
JOIN push_subscriptions AS subscription ON subscription.user_id = push.user_id
WHERE subscription.disabled_at IS NULL"#;

const KEEP: &str = r#"
UPDATE idempotency_keys AS kept SET receipts = answer.receipts
FROM unnest($1, $2, $3) AS answer (publisher, "key", receipts)
WHERE kept.publisher = answer.publisher AND kept."key" = answer."key""#;

#[derive(QueryableByName)]
struct ClaimedKey {
    #[diesel(sql_type = Text)]
    publisher: String,
    #[diesel(sql_type = Text)]
    key: String,
}

/// Locks keys, which are in order; says which of them are new.
pub(super) fn claim_keys(
    conn: &mut PgConnection,
    keys: &[(&UserId, &IdempotencyKey)],
    since: Timestamp,
    now: Timestamp,
) -> QueryResult<Vec<(String, String)>> {
    let (mut publishers, mut words, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for (publisher, key) in keys {
        publishers.push(publisher.as_str());
        words.push(key.key.as_str());
        digests.push(key.digest.as_slice());
    }
    let claim = sql_query(CLAIM_KEYS)
        .bind::<Array<Text>, _>(publishers)
        .bind::<Array<Text>, _>(words)
        .bind::<Array<Binary>, _>(digests)
        .bind::<BigInt, _>(now.as_micros())
        .bind::<BigInt, _>(since.as_micros());
    let claimed: Vec<ClaimedKey> = Prepared::new(ClaimKeys, claim).load(conn)?;
    Ok(claimed.into_iter().map(|claimed| (claimed.publisher, claimed.key)).collect())
}

/// An inbox that has taken its numbers, or was made.
#[derive(QueryableByName)]
pub(super) struct AdvancedRow {
    #[diesel(sql_type = Text)]
    pub(super) user_id: String,
    #[diesel(sql_type = BigInt)]
    pub(super) subscriptions: i64,
    #[diesel(embed)]
    pub(super) row: InboxRow,
}

/// Locks inboxes, which are in order, and takes their numbers.
pub(super) fn advance(
    conn: &mut PgConnection,
    wants: &BTreeMap<UserId, Want>,
    now: Timestamp,
) -> QueryResult<Vec<AdvancedRow>> {
    let users: Vec<&str> = wants.keys().map(|user| user.as_str()).collect();
    let epochs: Vec<Epoch> = users.iter().map(|_| Epoch::from_random(random::bits())).collect();
    let epochs: Vec<&str> = epochs.iter().map(Epoch::as_str).collect();
    let numbers: Vec<i64> = wants.values().map(|want| want.numbers().into()).collect();
    let are_made: Vec<bool> = wants.values().map(|want| want.is_made).collect();
    let advance = sql_query(ADVANCE)
        .bind::<Array<Text>, _>(users)
        .bind::<Array<Text>, _>(epochs)
        .bind::<Array<BigInt>, _>(numbers)
        .bind::<Array<Bool>, _>(are_made)
        .bind::<BigInt, _>(now.as_micros());
    Prepared::new(Advance, advance).load(conn)
}

/// Stores what some facts say was appended; `words` are what a push of each draft says. Nothing of it is muted, has a collapse key, or was marked.
pub(super) fn store(
    conn: &mut PgConnection,
    facts: &[InboxFact],
    unwritten: &[Unwritten],
    words: &[Option<String>],
    now: Timestamp,
) -> QueryResult<()> {
    let (mut users, mut offsets, mut ids, mut drafts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut are_pushed, mut pushes) = (Vec::new(), Vec::new());
    let (mut types, mut versions, mut ends, mut payloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut draft_before = None;
    for Unwritten { place, draft, is_pushed } in unwritten {
        let Some(InboxFact::Appended { user, notification, .. }) = facts.get(*place) else { continue };
        if draft_before != Some(draft) {
            draft_before = Some(draft);
            types.push(notification.notification_type.as_str());
            versions.push(i64::from(notification.v));
            ends.push(notification.expires_at.map(Timestamp::as_micros));
            payloads.push(notification.payload.as_str());
            pushes.push(draft.checked_sub(1).and_then(|draft| words.get(draft)?.as_deref()));
        }
        users.push(user.as_str());
        offsets.push(i64::try_from(notification.position.offset).map_err(broken)?);
        ids.push(notification.id.as_str());
        drafts.push(i64::try_from(types.len()).map_err(broken)?);
        are_pushed.push(*is_pushed);
    }
    let store = sql_query(STORE)
        .bind::<Array<Text>, _>(users)
        .bind::<Array<BigInt>, _>(offsets)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<BigInt>, _>(drafts)
        .bind::<Array<Bool>, _>(are_pushed)
        .bind::<Array<Text>, _>(types)
        .bind::<Array<BigInt>, _>(versions)
        .bind::<Array<Nullable<BigInt>>, _>(ends)
        .bind::<Array<Text>, _>(payloads)
        .bind::<Array<Nullable<Text>>, _>(pushes)
        .bind::<BigInt, _>(now.as_micros());
    Prepared::new(Store, store).execute(conn).map(drop)
}

/// Writes the jobs of notifications, one for each subscription of their users.
pub(super) fn push(conn: &mut PgConnection, pushes: &[Push], now: Timestamp) -> QueryResult<()> {
    let column = |of: fn(&Push) -> i64| pushes.iter().map(of).collect::<Vec<_>>();
    let push = sql_query(PUSH)
        .bind::<Array<Text>, _>(pushes.iter().map(|push| push.user.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(column(|push| signed(push.offset)))
        .bind::<Array<Text>, _>(pushes.iter().map(|push| push.urgency.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(column(|push| push.due_at.as_micros()))
        .bind::<BigInt, _>(now.as_micros());
    Prepared::new(Pushed, push).execute(conn).map(drop)
}

/// Puts answers in the place of those that [`claim_keys`] has left empty.
pub(super) fn keep(conn: &mut PgConnection, answers: &[Answer]) -> QueryResult<()> {
    let column = |of: fn(&Answer) -> &str| answers.iter().map(of).collect::<Vec<_>>();
    let keep = sql_query(KEEP)
        .bind::<Array<Text>, _>(column(|answer| answer.publisher.as_str()))
        .bind::<Array<Text>, _>(column(|answer| &answer.key))
        .bind::<Array<Text>, _>(column(|answer| &answer.receipts));
    Prepared::new(Keep, keep).execute(conn).map(drop)
}
