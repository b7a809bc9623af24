//! What a request is called: by us and its caller (`X-Request-Id`), and among all that one act of a user has caused
//! (W3C Trace Context).
//!
//! Known wherever the request is worked on, so that the log and every answer name it without being handed it. We
//! are one more span of the caller's trace, or begin one. Whatever a caller sends may stand in our log: nothing is
//! taken over that is not of the right form.

use std::fmt;

use ulid::Ulid;

use crate::random;

const REQUEST_ID_CHARS_MAX: usize = 128;

/// Characters of a `traceparent` of version 00.
const TRACEPARENT_CHARS: usize = 55;

/// Unless the caller has said otherwise nobody records the trace.
const NOT_SAMPLED: u8 = 0;

tokio::task_local! {
    static CURRENT: Trace;
}

/// The names of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub request_id: String,
    pub parent: TraceParent,
}

/// A place in a trace: what comes in as `traceparent`, and goes out as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// Not 0.
    trace_id: u128,
    /// Not 0. Of what comes in, the caller's span; of what goes out, ours.
    span_id: u64,
    flags: u8,
}

impl Trace {
    /// The names of a request whose caller has given these; what is missing or of no use is made.
    pub fn begin(request_id: Option<&str>, traceparent: Option<&str>) -> Self {
        let fresh = Ulid::generate();
        Self {
            request_id: match request_id {
                Some(id) if is_usable(id) => id.to_owned(),
                _ => fresh.to_string(),
            },
            parent: match traceparent.and_then(TraceParent::parse) {
                Some(caller) => caller.child(),
                None => TraceParent::root(fresh),
            },
        }
    }

    /// The names are known while this runs.
    pub async fn cover<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Those of the request that is worked on.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// As the log and problems show it.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.parent.trace_id)
    }
}

impl TraceParent {
    /// Reads a `traceparent`: `00-<trace>-<span>-<flags>`, in small hexadecimal digits. A later version may say more
    /// behind that, and is read as far as this one goes (section 3.2 of the recommendation).
    fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(TRACEPARENT_CHARS)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace_id, span_id) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_valid = is_whole && parts.next().is_none() && trace_id != 0 && span_id != 0;
        is_valid.then_some(Self {
            trace_id,
            span_id: u64::try_from(span_id).ok()?,
            flags: u8::try_from(flags).ok()?,
        })
    }

    /// Our span in the trace of a caller.
    fn child(self) -> Self {
        Self { span_id: random::bits().max(1), ..self }
    }

    /// The beginning of a trace: the chance in it is that of a name of ours.
    fn root(fresh: Ulid) -> Self {
        let bits = u128::from(fresh);
        Self { trace_id: bits.max(1), span_id: (bits as u64).max(1), flags: NOT_SAMPLED }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the flags we know whether it is sampled, and pass on nothing else.
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags & 1)
    }
}

/// A number of so many digits, small ones.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok())?
}

fn is_usable(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_callers_id_is_printable_and_short() {
        assert!(is_usable("a-1") && is_usable(&"x".repeat(128)));
        assert!(!is_usable("") && !is_usable(&"x".repeat(129)) && !is_usable("a\tb") && !is_usable("ü"));
    }

    #[test]
    fn a_callers_trace_is_continued_by_a_span_of_ours() {
        for flags in ["00", "01"] {
            let trace = Trace::begin(Some("mine"), Some(&format!("00-{TRACE}-{SPAN}-{flags}")));
            assert_eq!((trace.request_id.as_str(), trace.trace_id().as_str()), ("mine", TRACE));
            let ours = trace.parent.to_string();
            assert!(
                ours.starts_with(&format!("00-{TRACE}-")) && ours.ends_with(&format!("-{flags}")),
                "{ours}"
            );
            assert!(!ours.contains(SPAN), "{ours}");
            assert!(TraceParent::parse(&ours).is_some());
        }
        // What a later version says more is not ours to repeat.
        let later = Trace::begin(None, Some(&format!("cc-{TRACE}-{SPAN}-ff-more")));
        assert_eq!(later.trace_id(), TRACE);
        assert!(later.parent.to_string().starts_with("00-") && later.parent.to_string().ends_with("-01"));
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace_of_its_own() {
        let zeros = |count: usize| "0".repeat(count);
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", zeros(32)),
            format!("00-{TRACE}-{}-01", zeros(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("0-0{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-+1"),
            "ü".repeat(40),
        ] {
            let trace = Trace::begin(None, Some(&bad));
            assert_ne!(trace.trace_id(), TRACE, "{bad}");
            let own = TraceParent::parse(&trace.parent.to_string()).unwrap();
            assert_eq!(own.flags, NOT_SAMPLED);
        }
        let [one, other] = [Trace::begin(None, None), Trace::begin(None, None)];
        assert_ne!(one.parent.trace_id, other.parent.trace_id);
        assert_ne!(one.parent.span_id, other.parent.span_id);
    }
}
