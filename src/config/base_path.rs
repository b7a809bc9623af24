//! The path under which everything is answered (`http.base_path`), for a proxy that has other things beside it.

use std::{fmt, str::FromStr};

use crate::domain::Invalid;

/// Begins with a slash and ends with none, so that a route can stand behind it; empty where there is no prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BasePath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // What would be written in two ways, or walked away from, is no prefix that a proxy and we agree on.
        let is_segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let is_path = text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
        (text.is_empty() || is_path).then(|| Self(text.to_owned())).ok_or_else(|| {
            Invalid::new(
                "a path is expected that begins with / and does not end with it, of letters, digits and -._~, such as \
                 /tidings",
            )
        })
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_begins_with_a_slash_and_ends_with_none() {
        for good in ["", "/tidings", "/a/b.c-d_e~f", "/..a", "/V1"] {
            assert_eq!(good.parse::<BasePath>().unwrap().as_str(), good);
        }
        for bad in [
            "/",
            "tidings",
            "/tidings/",
            "//tidings",
            "/a//b",
            "/.",
            "/a/..",
            "/a b",
            "/a%20b",
            "/{a}",
            "/a?b",
            "/a#b",
            "/ü",
            "https://example.com/tidings",
        ] {
            assert!(bad.parse::<BasePath>().is_err(), "{bad}");
        }
    }
}
