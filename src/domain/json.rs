//! A JSON value that came from outside, checked and kept as it was written.

mod fields;

use std::{borrow::Cow, collections::HashSet, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

pub use fields::Fields;

use super::Invalid;

/// Deepest nesting of arrays and objects (limits, PROTOCOL.md section 6).
pub const JSON_DEPTH_MAX: u8 = 32;

/// A checked JSON text: well formed, at most [`JSON_DEPTH_MAX`] deep, no key twice in an object, every
/// number within a double's range (RFC 8259 section 6).
///
/// Kept as text and shared, because numbers and the order of keys come back as they were sent.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// Checks a text that came from outside.
    ///
    /// # Errors
    /// Says what is wrong and where (line and column), never quoting the text.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        check(text)?;
        Self::trusted(text)
    }

    /// Takes a text that [`check`] has seen already, alone or as a part of a larger one.
    ///
    /// # Errors
    /// If the text is not JSON after all.
    pub fn trusted(text: &str) -> Result<Self, Invalid> {
        let raw = RawValue::from_string(text.to_owned()).map_err(|error| Invalid::new(describe(&error)))?;
        Ok(Self(raw.into()))
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

/// A part of a text that [`check`] has seen.
impl From<&RawValue> for Json {
    fn from(raw: &RawValue) -> Self {
        Self(raw.to_owned().into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What users say is not for logs.
        write!(f, "Json({} bytes)", self.0.get().len())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Checks a whole text by the rules of [`Json`] without keeping anything of it.
///
/// # Errors
/// Says what is wrong and where.
pub fn check(text: &str) -> Result<(), Invalid> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk { depth_left: JSON_DEPTH_MAX }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| Invalid::new(describe(&error)))
}

/// The fault and its place. serde_json's own text may quote the input; ours never does.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let rule = [TOO_DEEP, KEY_TWICE].into_iter().find(|rule| text.starts_with(rule));
    let rule = rule.unwrap_or(if text.starts_with("number out of range") {
        "a number is out of range"
    } else if error.is_eof() {
        "the text ends too early"
    } else {
        "this is not JSON"
    });
    format!("{rule} (line {} column {})", error.line(), error.column())
}

const TOO_DEEP: &str = "the value is nested too deep, more than 32 levels";
const KEY_TWICE: &str = "an object has a key twice";

/// Visits every value once; the only state is how much deeper it may go.
#[derive(Clone, Copy)]
struct Walk {
    depth_left: u8,
}

impl Walk {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        let mut keys = Keys::default();
        while let Some(Key(key)) = entries.next_key()? {
            if !keys.insert(key) {
                return Err(A::Error::custom(KEY_TWICE));
            }
            entries.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// Copied only where it is written with escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Most objects have no more keys than this, and looking through them costs less than hashing.
const FEW: usize = 16;

/// The keys of an object so far.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// Whether it is a new one.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() == FEW {
            return self.many.insert(key);
        }
        self.few.push(key);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_value_comes_back_as_it_was_written() {
        let text = r#"{"z":1,"a":1.10,"big":12345678901234567890123,"e":"\u2028😀\u0000","n":null}"#;
        assert_eq!(serde_json::to_string(&Json::parse(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn depth_keys_and_numbers_have_limits() {
        assert!(Json::parse(&nested(32)).is_ok());
        // One of the first is there again behind many, and one of the many.
        let many: String = (0..40).map(|key| format!("\"k{key}\":0,")).collect();
        let twice = format!("{{{many}\"k3\":1}}");
        assert!(Json::parse(&format!("{{{many}\"k30\":1}}")).is_err());
        for (bad, why) in [
            (nested(33).as_str(), TOO_DEEP),
            (nested(200).as_str(), TOO_DEEP),
            (r#"{"a":1,"a":2}"#, KEY_TWICE),
            (r#"{"a":1,"\u0061":2}"#, KEY_TWICE),
            (twice.as_str(), KEY_TWICE),
            ("[1e400]", "a number is out of range"),
            ("{", "the text ends too early"),
            ("secret", "this is not JSON"),
            ("1 2", "this is not JSON"),
        ] {
            let error = Json::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with(why), "{bad}: {error}");
            assert!(!error.contains("secret"));
        }
    }

    #[test]
    fn ten_thousand_keys_are_fine() {
        let keys: Vec<String> = (0..10_000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert!(Json::parse(&format!("{{{}}}", keys.join(","))).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_json_or_an_error(text in ".*") {
            prop_assert_eq!(Json::parse(&text).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
