//! Whether text that comes in parts is UTF-8, told with the first byte that is not.

/// Longest character, in bytes.
const CHARACTER_MAX: usize = 4;

/// The text so far is valid, but for the start of a character whose rest is still to come.
#[derive(Debug, Clone, Default)]
pub struct Utf8 {
    started: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl Utf8 {
    /// Takes the next part.
    ///
    /// # Errors
    /// If no further part could make a text of it.
    pub fn push(&mut self, mut part: &[u8]) -> Result<(), InvalidUtf8> {
        while !self.started.is_empty()
            && let Some((byte, rest)) = part.split_first()
        {
            self.started.push(*byte);
            part = rest;
            if begun(&self.started)?.is_empty() {
                self.started.clear();
            }
        }
        if !part.is_empty() {
            self.started.extend_from_slice(begun(part)?);
        }
        debug_assert!(self.started.len() < CHARACTER_MAX, "a whole character is valid, or it is not");
        Ok(())
    }

    /// Whether a text may end here.
    pub fn is_whole(&self) -> bool {
        self.started.is_empty()
    }
}

/// The character at the end of which only the start is there.
fn begun(text: &[u8]) -> Result<&[u8], InvalidUtf8> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(&[]),
        Err(error) if error.error_len().is_some() => Err(InvalidUtf8),
        Err(error) => Ok(text.get(error.valid_up_to()..).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn push_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<bool, InvalidUtf8> {
        let mut text = Utf8::default();
        parts.into_iter().try_for_each(|part| text.push(part))?;
        Ok(text.is_whole())
    }

    #[test]
    fn the_first_byte_that_cannot_be_is_refused() {
        let mut text = Utf8::default();
        assert_eq!(text.push("κό".as_bytes()), Ok(()));
        assert_eq!(text.push(b"\xF4"), Ok(()));
        assert!(!text.is_whole());
        assert_eq!(text.push(b"\x90"), Err(InvalidUtf8));
        for bad in [&b"\xC0"[..], b"\xED\xA0", b"\xE2\x82x", b"\x80"] {
            assert_eq!(push_all([bad]), Err(InvalidUtf8), "{bad:x?}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_judged_as_the_whole_is(
            text in ".{0,8}", noise in proptest::collection::vec(any::<u8>(), 0..4), size in 1..5usize,
        ) {
            let bytes = [text.as_bytes(), &noise].concat();
            let whole = match std::str::from_utf8(&bytes) {
                Ok(_) => Ok(true),
                Err(error) if error.error_len().is_none() => Ok(false),
                Err(_) => Err(InvalidUtf8),
            };
            prop_assert_eq!(push_all(bytes.chunks(size)), whole);
        }
    }
}
