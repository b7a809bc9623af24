//! Where a client stands in a stream: `epoch.offset` (PROTOCOL.md section 1).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::Invalid;

/// Number of an event in its stream; counts from 1, without holes. 0 is "nothing yet".
pub type Offset = u64;

/// Largest offset that the databases can hold (a signed 64-bit integer).
const OFFSET_MAX: Offset = i64::MAX as Offset;

/// One life of a stream's numbering: 8 characters of `[a-z0-9]`.
///
/// Epochs compare for equality only. Offsets of two epochs have nothing to do with each other:
/// a restored backup or an erased user starts a new one, so an old position is never mistaken.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; 8]);

impl Epoch {
    /// The epoch of a stream that has never had an event; with offset 0 "from the very start".
    pub const NONE: Self = Self(*b"00000000");

    /// Makes an epoch of random bits; 36^8 lives are enough that none comes twice.
    pub fn from_random(mut bits: u64) -> Self {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut epoch = *b"00000000";
        for byte in &mut epoch {
            if let Some(letter) = ALPHABET.get((bits % 36) as usize) {
                *byte = *letter;
            }
            bits /= 36;
        }
        if epoch == Self::NONE.0 { Self(*b"aaaaaaaa") } else { Self(epoch) }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Epoch {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match <[u8; 8]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => {
                Ok(Self(bytes))
            }
            _ => Err(Invalid::new("an epoch is 8 characters of a-z 0-9")),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in one stream, written `epoch.offset`, for example `k3x9q2ab.42`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Position {
    pub epoch: Epoch,
    pub offset: Offset,
}

impl Position {
    /// `00000000.0`: from the very start, whatever the epoch.
    pub const START: Self = Self { epoch: Epoch::NONE, offset: 0 };

    pub fn new(epoch: Epoch, offset: Offset) -> Self {
        Self { epoch, offset }
    }
}

impl FromStr for Position {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("a position is epoch.offset, such as k3x9q2ab.42");
        let (epoch, offset) = text.split_once('.').ok_or_else(invalid)?;
        // `u64::from_str` would take a leading plus sign and zeros, and so two texts for one position.
        let is_canonical = offset == "0" || offset.starts_with(|c: char| ('1'..='9').contains(&c));
        let offset = offset.parse().ok().filter(|offset| is_canonical && *offset <= OFFSET_MAX);
        Ok(Self { epoch: epoch.parse().map_err(|_| invalid())?, offset: offset.ok_or_else(invalid)? })
    }
}

impl TryFrom<String> for Position {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch.as_str(), self.offset)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_a_position_is_refused() {
        for bad in [
            "",
            "abc",
            ".",
            "k3x9q2ab",
            "k3x9q2ab.",
            ".1",
            "k3x9q2ab.-1",
            "k3x9q2ab.+1",
            "k3x9q2ab.01",
            "k3x9q2ab.9223372036854775808",
            "K3X9Q2AB.1",
            "k3x9q2a.1",
            "k3x9q2ab.1.2",
            "k3x9q2ab. 1",
        ] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_letter_of_an_epoch_is_random() {
        assert_eq!(Epoch::from_random(0).to_string(), "aaaaaaaa");
        assert_eq!(Epoch::from_random(1 + 36 * 35).as_str(), "b9aaaaaa");
        assert_eq!(Epoch::from_random(2 * 36_u64.pow(7)).as_str(), "aaaaaaac");
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_it_was_written(bits: u64, offset in 0..=OFFSET_MAX) {
            let position = Position::new(Epoch::from_random(bits), offset);
            prop_assert_eq!(position.to_string().parse::<Position>(), Ok(position));
        }

        #[test]
        fn any_text_is_a_position_or_an_error(text in ".*") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }
}
