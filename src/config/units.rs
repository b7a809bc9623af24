//! How settings are written: durations, sizes, words, lists and secrets as text.
//!
//! Every module here is for `#[serde(with = …)]` on a field of a section.
//! A text that a person got wrong is quoted in the error, a secret never is.

use std::{fmt::Display, net::SocketAddr, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::Invalid;

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 4] = [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads a number with one of the units; without a unit only where the table has an empty one.
fn parse_amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits)?.trim_start();
    let amount: u64 = digits.parse().ok()?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    amount.checked_mul(*factor)
}

/// Writes an amount with the largest unit that leaves no fraction.
fn format_amount(amount: u64, units: &[(&str, u64)]) -> String {
    let unit = units.iter().rev().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor));
    let (name, factor) = unit.copied().unwrap_or(("", 1));
    format!("{}{name}", amount / factor)
}

/// Reads a duration: a whole number with `ms`, `s`, `m`, `h` or `d`, or plain `0`.
///
/// # Errors
/// Says how a duration is written.
pub fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    let millis = if text == "0" { Some(0) } else { parse_amount(text, &DURATIONS) };
    let invalid = || Invalid::new("a duration is a whole number with ms, s, m, h or d, such as 25s");
    millis.map(Duration::from_millis).ok_or_else(invalid)
}

/// Writes a duration as [`parse_duration`] reads it.
pub fn format_duration(duration: &Duration) -> String {
    format_amount(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &DURATIONS)
}

fn parse_size(text: &str) -> Result<usize, Invalid> {
    let bytes = parse_amount(text, &SIZES).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| {
        Invalid::new("a size is a number of bytes, or one with KiB, MiB or GiB, such as 64KiB")
    })
}

/// Reads the text of a setting and quotes it where it is wrong.
fn parsed<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(text.trim()).map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
}

pub mod duration {
    use super::*;

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        parsed(deserializer, parse_duration)
    }
}

/// Sizes in bytes.
pub mod size {
    use super::*;

    pub fn serialize<S: Serializer>(size: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_amount(*size as u64, &SIZES))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        parsed(deserializer, parse_size)
    }
}

/// Reads an address with its port.
fn parse_address(text: &str) -> Result<SocketAddr, Invalid> {
    let invalid = || Invalid::new("an address with a port is expected, such as 127.0.0.1:9090 or [::1]:9090");
    text.parse().map_err(|_| invalid())
}

/// Addresses to listen on.
pub mod address {
    pub use super::text::serialize;
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        parsed(deserializer, parse_address)
    }
}

/// The same; an empty one is missing.
pub mod optional_address {
    pub use super::optional::serialize;
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
        parsed(deserializer, |text| (!text.is_empty()).then(|| parse_address(text)).transpose())
    }
}

/// Limits on a count: `0` is none.
pub mod limit {
    use super::*;

    pub fn serialize<S: Serializer>(limit: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(limit.unwrap_or(0) as u64)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
        usize::deserialize(deserializer).map(|limit| (limit > 0).then_some(limit))
    }
}

/// Anything that is read from a text and shown as one.
pub mod text {
    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        parsed(deserializer, str::parse)
    }
}

/// How much is logged; in capitals or not.
pub mod level {
    use log::LevelFilter;

    use super::*;

    pub fn serialize<S: Serializer>(level: &LevelFilter, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&level.as_str().to_ascii_lowercase())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
        let expected = "one of these is expected: off error warn info debug trace";
        parsed(deserializer, |text| text.parse().map_err(|_| Invalid::new(expected)))
    }
}

/// A text that may be missing; an empty one is.
pub mod optional {
    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        parsed(deserializer, |text| (!text.is_empty()).then(|| text.parse()).transpose())
    }
}

/// Several of something: an array in the file, commas elsewhere.
pub mod list {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    pub fn serialize<T: Display, S: Serializer>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(T::to_string))
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = OneOrMany::deserialize(deserializer)
            .map_err(|_| D::Error::custom("a list of texts is expected, or one text with commas"))?;
        let texts = match texts {
            OneOrMany::One(text) => text.split(',').map(str::to_owned).collect(),
            OneOrMany::Many(texts) => texts,
        };
        let parse = |text: &str| text.parse().map_err(|error| D::Error::custom(format!("{text:?}: {error}")));
        texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(parse).collect()
    }
}

/// What is shown in the place of a secret.
pub const HIDDEN: &str = "(hidden)";

/// Texts that never reach a log, an error or a printout; an empty one is none.
pub mod secret {
    use secrecy::SecretString;

    use super::*;

    pub fn serialize<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(|_| HIDDEN).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("a text is expected"))?;
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

/// Defines a setting that is one of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::domain::Invalid::new(
                        concat!("one of these is expected:", $(" ", $word),+)
                    )),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}
pub(super) use words;

#[cfg(test)]
mod tests;
