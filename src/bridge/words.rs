//! How values of the domain are written on the bus: strictly, and not as clients see them. Times are
//! microseconds, since what a database holds must come back the same.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    domain::{
        Counters, MarkAs, MarkTarget, Notification, NotificationId, NotificationType, Position, Timestamp,
    },
    hub::messages::MarkedChange,
};

/// What reads back as it is shown.
pub mod text {
    use std::{fmt::Display, str::FromStr};

    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// JSON that came from outside: as it was written, and checked again.
pub mod json {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::Json;

    pub fn serialize<S: Serializer>(value: &Json, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        Json::parse(<&RawValue>::deserialize(deserializer)?.get()).map_err(D::Error::custom)
    }
}

mod micros {
    use super::*;

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_micros())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

mod optional_micros {
    use super::*;

    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_micros).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_micros))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Notification")]
pub struct NotificationWords {
    id: NotificationId,
    #[serde(with = "text")]
    position: Position,
    notification_type: NotificationType,
    v: u32,
    #[serde(with = "json")]
    payload: crate::domain::Json,
    key: Option<String>,
    #[serde(with = "micros")]
    created_at: Timestamp,
    #[serde(with = "optional_micros")]
    expires_at: Option<Timestamp>,
    #[serde(with = "optional_micros")]
    seen_at: Option<Timestamp>,
    #[serde(with = "optional_micros")]
    read_at: Option<Timestamp>,
    #[serde(with = "optional_micros")]
    archived_at: Option<Timestamp>,
    muted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Counters")]
pub struct CountersWords {
    unread: u64,
    unseen: u64,
    version: u64,
    marks_version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MarkTarget", rename_all = "snake_case")]
enum MarkTargetWords {
    Ids(Vec<NotificationId>),
    UpTo(#[serde(with = "text")] Position),
    All,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MarkedChange", rename_all = "snake_case")]
pub enum MarkedChangeWords {
    As(MarkAs, #[serde(with = "MarkTargetWords")] MarkTarget),
    Deleted(Vec<NotificationId>),
}
