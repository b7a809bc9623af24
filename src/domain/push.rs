//! Web Push in words: where a browser is told, in which words, how urgently, and what became of it.
//!
//! How it gets there (encryption, the key of the server, which endpoints are allowed) is the business of `push`.

mod words;

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
pub use words::{PushText, PushWish, PushWords};

use super::{Invalid, NotificationId, Timestamp, ids::name};

/// Largest `push` of a draft, in bytes of its JSON text: no more fits into one push.
pub const PUSH_BYTES_MAX: usize = 4096;

/// Bytes of a hash that tell one thing from another: 24 characters of base64url.
const HASH_BYTES: usize = 18;

name!(
    /// Identity of a push subscription: `psh_` and a ULID, given by the server.
    PushSubscriptionId,
    check_subscription_id
);

fn check_subscription_id(text: &str) -> Result<(), Invalid> {
    let is_ulid = text.strip_prefix("psh_").is_some_and(|ulid| {
        ulid.len() == 26 && ulid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    });
    if is_ulid {
        Ok(())
    } else {
        Err(Invalid::new("a push subscription is psh_ and 26 characters of a ULID"))
    }
}

impl PushSubscriptionId {
    /// A fresh identity; sorts by the time of its making, to the millisecond.
    pub fn generate() -> Self {
        Self(format!("psh_{}", ulid::Ulid::generate()).into())
    }
}

/// Where a push service takes messages for one browser, and the keys that only this browser can read with. Checked by
/// `push` before it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// An `https:` URL.
    pub endpoint: String,
    /// The browser's public key: 65 bytes in base64url.
    pub p256dh: String,
    /// The secret that it shares with us: 16 bytes in base64url.
    pub auth: String,
}

impl fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever knows the endpoint and the keys can push.
        f.write_str("PushTarget(..)")
    }
}

/// One browser of a user that asked to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSubscription {
    pub id: PushSubscriptionId,
    pub target: PushTarget,
    pub created_at: Timestamp,
    /// From when on nothing is sent there, since its address is not one that may be connected to; until the browser
    /// registers it again.
    pub disabled_at: Option<Timestamp>,
}

/// How urgent a push is to the device (RFC 8030 section 5.3). One that is high goes through quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PushUrgency)]
pub enum Urgency {
    VeryLow,
    Low,
    #[default]
    Normal,
    High,
}

impl Urgency {
    /// As the header says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

impl FromStr for Urgency {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::VeryLow, Self::Low, Self::Normal, Self::High]
            .into_iter()
            .find(|urgency| urgency.as_str() == text)
            .ok_or_else(|| Invalid::new("urgency is very-low, low, normal or high"))
    }
}

/// What a device knows a shown notification by: a later one with the same tag takes its place. At most 32 characters
/// of base64url, so it may be a topic, too (RFC 8030 section 5.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PushTag(Arc<str>);

impl PushTag {
    /// The notification itself, or all with its collapse key: by its hash, since a key may be of any characters.
    pub fn of(id: &NotificationId, key: Option<&str>) -> Self {
        key.map_or_else(|| Self(id.as_str().into()), |key| Self(hash(key).into()))
    }

    /// The summaries of what waited for the end of the quiet hours; each takes the place of the one before.
    pub fn summary() -> Self {
        Self("summary".into())
    }

    /// One that was kept.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for the eyes of a push service, which needs to know what replaces what and no more.
    pub fn topic(&self) -> String {
        hash(self.as_str())
    }
}

fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref().get(..HASH_BYTES).unwrap_or_default())
}

/// What has become of one notification for one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushState {
    /// It is due, or will be, or is on its way.
    Waiting,
    /// The push service has taken it.
    Sent,
    /// It was not worth a push any more.
    Withheld,
    /// The push service does not know the subscription any more.
    Gone,
    /// Given up after errors; an administrator may have it tried again.
    Dead,
}

impl PushState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Withheld => "withheld",
            Self::Gone => "gone",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for PushState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Waiting, Self::Sent, Self::Withheld, Self::Gone, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Invalid::new("a push is waiting, sent, withheld, gone or dead"))
    }
}

/// Why a notification is not worth a push any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The user has read it.
    Read,
    /// The user has seen it in a list.
    Seen,
    Archived,
    Deleted,
    Expired,
    /// The user has muted its type meanwhile.
    Muted,
    /// A page in front has shown it.
    Attended,
    /// The user wants no pushes.
    Off,
    /// The subscription was taken back.
    Unsubscribed,
    /// The subscription is disabled.
    Disabled,
    /// It was due for longer than a push service would have kept it.
    Late,
    /// A summary stands for it that names newer ones.
    Summarized,
}

impl Withheld {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Seen => "seen",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Muted => "muted",
            Self::Attended => "attended",
            Self::Off => "off",
            Self::Unsubscribed => "unsubscribed",
            Self::Disabled => "disabled",
            Self::Late => "late",
            Self::Summarized => "summarized",
        }
    }
}

#[cfg(test)]
mod tests;
