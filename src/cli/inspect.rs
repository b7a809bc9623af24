//! `tidings token inspect`: what a token says, and what the configured server makes of it.
//!
//! Never prints the token or a key. A token is untrusted text: what it says is escaped.

use std::{
    io::{self, Read},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Failure,
    dev_folder::DevFolder,
    output::{Form, print},
    token::granted,
};
use crate::{
    auth::Verifier,
    clock,
    config::{Algorithm, Auth, Problem, Resolved, format_duration},
    domain::Timestamp,
    observe::logs::escaped,
};

/// More than any token that is not refused for its length, in bytes.
const INPUT_MAX: u64 = 64 << 10;

/// Claims that are times.
const TIMES: [&str; 3] = ["iat", "nbf", "exp"];

#[derive(Args)]
pub struct Inspect {
    /// The token [default: standard input]
    jwt: Option<String>,
    #[command(flatten)]
    form: Form,
}

impl Inspect {
    pub fn run(self, resolved: Resolved) -> Result<(), Failure> {
        let text = match self.jwt {
            Some(text) => text,
            None => text_of_input()?,
        };
        let token = text.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        let auth = with_dev_secret(resolved.config.auth.clone())?;
        let (header, claims) = (part(token, 0), part(token, 1));
        let now = clock::now();
        let verdict = Verifier::new(auth.verifier_options())
            .map_err(|error| resolved.refusal(Problem { key: error.setting(), text: error.to_string() }))
            .map(|verifier| verifier.verify(token, now));
        if self.form.json {
            let identity = verdict.as_ref().ok().and_then(|verdict| verdict.as_ref().ok());
            let refused = verdict.as_ref().ok().and_then(|verdict| verdict.as_ref().err());
            let json = json!({
                "header": header, "claims": claims, "is_accepted": identity.is_some(),
                "reason": refused.map(|error| error.reason()),
                "user": identity.map(|identity| &identity.user),
                "scopes": identity.map(|identity| identity.scopes.words()),
            });
            print(&json.to_string())?;
        } else if !self.form.quiet {
            let said = said(header.as_ref(), &auth, now).into_iter().chain(said(claims.as_ref(), &auth, now));
            said.map(|line| escaped(&line)).try_for_each(|line| print(&line))?;
        }
        match verdict? {
            Err(error) => Err(Failure::Failed(format!("refused: {}", error.reason()))),
            Ok(_) if self.form.json => Ok(()),
            Ok(_) if self.form.quiet => print("accepted"),
            Ok(identity) => {
                print(&format!("accepted: {}, allows {}", identity.user, granted(&identity.scopes)))?;
                self.form.say("whether it has been revoked is known to the server alone");
                Ok(())
            }
        }
    }
}

/// Where no secret is set, the server that is meant is the one of `tidings dev`.
fn with_dev_secret(mut auth: Auth) -> Result<Auth, Failure> {
    if auth.algorithm == Algorithm::Hs256 && auth.secret.is_none() {
        auth.secret = DevFolder::here().secret()?;
    }
    Ok(auth)
}

fn text_of_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(INPUT_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("the token cannot be read: {error}")))?;
    Ok(text)
}

/// The header or the claims, as far as they can be read.
fn part(token: &str, index: usize) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A line for each thing that is said, with what would have to be there.
fn said(part: Option<&Map<String, Value>>, auth: &Auth, now: Timestamp) -> Vec<String> {
    let line = |(name, value): (&String, &Value)| {
        let time = TIMES.contains(&name.as_str()).then(|| value.as_f64()).flatten().and_then(time);
        let shown = match (&time, value) {
            (Some(time), _) => time.to_string(),
            (None, Value::String(text)) => text.clone(),
            (None, value) => value.to_string(),
        };
        let (algorithm, is_named) = (auth.algorithm.as_str(), |name: &String| names(value, name));
        let remark = match (name.as_str(), time) {
            (_, Some(time)) => format!("  ({})", distance(time, now)),
            ("kid", _) if !auth.jwks.as_ref().is_none_or(|jwks| has_key(jwks, value)) => {
                "  (no key in auth.jwks is called so)".to_owned()
            }
            ("alg", _) if value != algorithm => format!("  (auth.algorithm is {algorithm})"),
            ("aud", _) if !auth.audience.as_ref().is_none_or(is_named) => {
                expected("audience", &auth.audience)
            }
            ("iss", _) if !auth.issuer.as_ref().is_none_or(is_named) => expected("issuer", &auth.issuer),
            _ => String::new(),
        };
        format!("{name:<6} {shown}{remark}")
    };
    part.into_iter().flatten().map(line).collect()
}

fn expected(setting: &str, value: &Option<String>) -> String {
    format!("  (auth.{setting} is {})", value.as_deref().unwrap_or_default())
}

/// Whether a claim is this text, or has it among several.
fn names(value: &Value, name: &str) -> bool {
    value == name || value.as_array().is_some_and(|values| values.iter().any(|value| value == name))
}

/// Whether there is a key of this name in a set.
fn has_key(jwks: &str, id: &Value) -> bool {
    let set: Value = serde_json::from_str(jwks).unwrap_or_default();
    let keys = set.get("keys").and_then(Value::as_array);
    keys.is_some_and(|keys| keys.iter().any(|key| key.get("kid") == Some(id)))
}

/// A time that can be written.
fn time(seconds: f64) -> Option<Timestamp> {
    let is_written = (0.0..253_402_300_800.0).contains(&seconds);
    is_written.then(|| Timestamp::from_secs(seconds as i64))
}

/// How long ago that was, or when it will be.
fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.as_secs() - now.as_secs();
    let whole = Duration::from_secs(seconds.unsigned_abs());
    // In the largest unit that is there once: nobody counts seconds over days.
    let unit = [86_400, 3600, 60].into_iter().find(|unit| whole.as_secs() >= *unit).unwrap_or(1);
    let rounded = format_duration(&Duration::from_secs(whole.as_secs() / unit * unit));
    if seconds < 0 { format!("{rounded} ago") } else { format!("in {rounded}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(claims: Value, auth: &Auth) -> Vec<String> {
        said(claims.as_object(), auth, Timestamp::from_secs(1_000_000))
    }

    #[test]
    fn times_are_told_as_a_date_and_from_now() {
        let claims = json!({ "exp": 996_400, "iat": 1_000_090.5, "nbf": "soon" });
        let lines = lines(claims, &Auth::default());
        assert_eq!(
            lines,
            [
                "exp    1970-01-12T12:46:40.000Z  (1h ago)",
                "iat    1970-01-12T13:48:10.000Z  (in 1m)",
                "nbf    soon"
            ]
        );
        assert_eq!(distance(Timestamp::from_secs(0), Timestamp::from_secs(90_000)), "1d ago");
        assert_eq!(distance(Timestamp::from_secs(7), Timestamp::from_secs(7)), "in 0");
    }

    #[test]
    fn what_is_not_what_the_settings_ask_for_is_told_beside_it() {
        let auth = Auth { audience: Some("a".to_owned()), issuer: Some("b".to_owned()), ..Auth::default() };
        let lines = lines(json!({ "alg": "RS256", "aud": ["x", "y"], "iss": "c" }), &auth);
        assert_eq!(lines[0], "alg    RS256  (auth.algorithm is HS256)");
        assert_eq!(lines[1], "aud    [\"x\",\"y\"]  (auth.audience is a)");
        assert_eq!(lines[2], "iss    c  (auth.issuer is b)");
        let auth = Auth { jwks: Some(r#"{"keys":[{"kid":"old"}]}"#.to_owned()), ..auth };
        let lines = ["old", "new"].map(|id| self::lines(json!({ "kid": id }), &auth).concat());
        assert_eq!(lines, ["kid    old", "kid    new  (no key in auth.jwks is called so)"]);
        let auth = Auth { jwks: None, ..auth };
        let fine =
            said(json!({ "alg": "HS256", "aud": ["x", "a"], "iss": "b" }).as_object(), &auth, clock::now());
        assert!(!fine.concat().contains("auth."), "{fine:?}");
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        for text in ["", "a", "a.b.c", "....", "bm8.bm8.x"] {
            assert!(part(text, 0).is_none() && part(text, 1).is_none(), "{text}");
        }
    }
}
