use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::signing::*, *};

const ALGORITHMS: [(Algorithm, &str); 3] =
    [(Algorithm::Rs256, RS256_PUBLIC), (Algorithm::Es256, ES256_PUBLIC), (Algorithm::EdDsa, EDDSA_PUBLIC)];

/// Why the default verifier refuses a token with these claims, or "accepted".
fn verdict_of(extra: Value) -> &'static str {
    verdict(&hs256(), &token(Algorithm::Hs256, extra))
}

fn verdict(verifier: &Verifier, token: &str) -> &'static str {
    verifier.verify(token, now()).map_or_else(|refused| refused.reason(), |_| "accepted")
}

#[test]
fn a_good_token_says_who_it_is() {
    let options = VerifierOptions { default_scopes: Scopes::parse("join:lobby"), ..hs256_options() };
    let token = token(
        Algorithm::Hs256,
        json!({"scope": "notify openid", "jti": "t1", "iat": NOW - 9, "nbf": NOW, "aud": "any", "iss": "any"}),
    );
    let identity = Verifier::new(options).unwrap().verify(&token, now()).unwrap();
    assert_eq!(identity.user.as_str(), "alice");
    assert_eq!(identity.scopes.words(), ["notify", "join:lobby"]);
    assert_eq!(identity.expires_at, Timestamp::from_secs(NOW + 60));
    assert_eq!(identity.issued_at, Some(Timestamp::from_secs(NOW - 9)));
    let is_good = |after| hs256().check_expiry(&identity, Timestamp::from_secs(NOW + after)).is_ok();
    assert!(is_good(59) && !is_good(66), "it is judged again later");
    assert_eq!(identity.token_id.as_deref(), Some("t1"));
}

#[test]
fn every_configured_algorithm_verifies_its_own_tokens_and_no_others() {
    let secret = (Algorithm::Hs256, hs256());
    let public = ALGORITHMS.map(|(alg, pem)| (alg, Verifier::new(public_options(alg, pem)).unwrap()));
    let all: Vec<_> = public.into_iter().chain([secret]).collect();
    for (of_verifier, verifier) in &all {
        for (of_token, _) in &all {
            let accepted = verifier.verify(&token(*of_token, json!({})), now()).is_ok();
            assert_eq!(accepted, of_verifier == of_token, "{of_verifier} judges {of_token}");
        }
    }
    let other = Verifier::new(public_options(Algorithm::EdDsa, OTHER_PUBLIC)).unwrap();
    assert_eq!(verdict(&other, &token(Algorithm::EdDsa, json!({}))), "no configured key made the signature");
}

#[test]
fn b02_an_unsigned_token_is_refused_however_it_is_spelled() {
    let claims = base64url(claims(json!({})).to_string().as_bytes());
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        for signature in ["", "AAAA"] {
            let header = base64url(json!({ "alg": alg }).to_string().as_bytes());
            assert!(hs256().verify(&format!("{header}.{claims}.{signature}"), now()).is_err(), "{alg}");
        }
        let signed = raw_token(&json!({ "alg": alg }).to_string(), &claims, SECRET.as_bytes());
        assert!(hs256().verify(&signed, now()).is_err(), "{alg}");
    }
}

#[test]
fn b03_a_public_key_is_never_taken_for_a_secret() {
    for (algorithm, pem) in ALGORITHMS {
        let verifier = Verifier::new(public_options(algorithm, pem)).unwrap();
        let claims = claims(json!({})).to_string();
        for alg in ["HS256", algorithm.as_str()] {
            for secret in [pem, pem.trim_end()] {
                let forged = raw_token(&json!({ "alg": alg }).to_string(), &claims, secret.as_bytes());
                assert!(verifier.verify(&forged, now()).is_err(), "{algorithm} with {alg}");
            }
        }
    }
}

#[test]
fn another_algorithm_of_the_same_key_is_refused() {
    for alg in [Alg::HS384, Alg::HS512] {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = encode(&Header::new(alg), &claims(json!({})), &key).unwrap();
        assert_eq!(verdict(&hs256(), &token), "another algorithm than the configured one");
    }
    let verifier = Verifier::new(public_options(Algorithm::Rs256, RS256_PUBLIC)).unwrap();
    for alg in [Alg::RS512, Alg::PS256] {
        let key = private_key(Algorithm::Rs256);
        let token = encode(&Header::new(alg), &claims(json!({})), &key).unwrap();
        assert_eq!(verdict(&verifier, &token), "another algorithm than the configured one");
    }
}

#[test]
fn b04_a_token_with_one_bit_flipped_is_refused() {
    let verifiers = ALGORITHMS.map(|(alg, pem)| (alg, Verifier::new(public_options(alg, pem)).unwrap()));
    for (algorithm, verifier) in verifiers.into_iter().chain([(Algorithm::Hs256, hs256())]) {
        let token = token(algorithm, json!({})).into_bytes();
        for bit in 0..token.len() * 8 {
            let mut flipped = token.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(flipped) = String::from_utf8(flipped) {
                assert!(verifier.verify(&flipped, now()).is_err(), "{algorithm}, bit {bit}");
            }
        }
    }
}

#[test]
fn b05_an_expired_token_and_one_from_the_future_are_refused_after_the_leeway() {
    assert_eq!(verdict_of(json!({"exp": NOW - 4})), "accepted");
    assert_eq!(verdict_of(json!({"exp": NOW as f64 - 4.9})), "accepted");
    for late in [NOW - 5, NOW - 10, 0] {
        assert_eq!(verdict_of(json!({"exp": late})), "it has expired");
    }
    assert_eq!(verdict_of(json!({"nbf": NOW + 5})), "accepted");
    for early in [json!(NOW + 6), json!(NOW as f64 + 5.1), json!(NOW + 60)] {
        assert_eq!(verdict_of(json!({"nbf": early})), "it is not valid yet");
    }
}

#[test]
fn b05_a_token_for_another_audience_or_of_another_issuer_is_refused() {
    let options = VerifierOptions {
        audience: Some("tidings".to_owned()),
        issuer: Some("https://id.example".to_owned()),
        ..hs256_options()
    };
    let verifier = Verifier::new(options).unwrap();
    let judge = |aud: Value, iss: Value| {
        verdict(&verifier, &token(Algorithm::Hs256, json!({"aud": aud, "iss": iss})))
    };
    let issuer = || json!("https://id.example");
    assert_eq!(judge(json!("tidings"), issuer()), "accepted");
    assert_eq!(judge(json!(["other", "tidings"]), issuer()), "accepted");
    for aud in [json!("other"), json!("tidings2"), json!(["other"]), json!([]), Value::Null] {
        assert_eq!(judge(aud, issuer()), "it is for another audience");
    }
    for aud in [json!(1), json!({"tidings": 1}), json!(["tidings", 1])] {
        assert_eq!(judge(aud, issuer()), "a claim has the wrong type");
    }
    for iss in [json!("https://id.example/"), json!("HTTPS://id.example"), Value::Null] {
        assert_eq!(judge(json!("tidings"), iss), "it is of another issuer");
    }
    assert_eq!(judge(json!("tidings"), json!([issuer()])), "a claim has the wrong type");
}

#[test]
fn b06_a_time_is_a_json_number_that_is_a_date() {
    for name in ["exp", "nbf", "iat"] {
        for bad in [json!("9999999999"), json!(true), json!(1e300), json!(i64::MAX), json!(-1)] {
            assert_eq!(verdict_of(json!({ name: bad })), "a claim has the wrong type", "{name}: {bad}");
        }
        for nested in [json!([NOW]), json!({ "at": NOW })] {
            assert_ne!(verdict_of(json!({ name: nested })), "accepted", "{name}: {nested}");
        }
        let null = raw_token(
            r#"{"alg":"HS256"}"#,
            &format!(
                r#"{{"{name}":null,"sub":"alice","{}":{NOW}}}"#,
                if name == "exp" { "x" } else { "exp" }
            ),
            SECRET.as_bytes(),
        );
        assert_eq!(verdict(&hs256(), &null), "a claim has the wrong type", "{name}");
    }
    // Milliseconds where seconds are due are no date.
    assert_eq!(verdict_of(json!({"exp": 1_790_000_060_000_i64})), "a claim has the wrong type");
    assert_eq!(verdict_of(json!({"exp": 9_999_999_999_i64, "iat": 1.5, "nbf": 0})), "accepted");
    let infinite = raw_token(r#"{"alg":"HS256"}"#, r#"{"sub":"alice","exp":1e400}"#, SECRET.as_bytes());
    assert!(hs256().verify(&infinite, now()).is_err());
}

#[test]
fn a_token_without_exp_or_with_a_sub_that_is_no_user_is_refused() {
    assert_eq!(verdict_of(json!({"exp": null})), "exp is missing");
    for sub in
        [Value::Null, json!(""), json!("a b"), json!("bob;--"), json!("\u{fc}"), json!("x".repeat(129))]
    {
        assert_eq!(verdict_of(json!({"sub": sub})), "sub is missing or not a user id");
    }
    for claim in [json!({"sub": 7}), json!({"scope": ["notify"]}), json!({"jti": 7})] {
        assert_eq!(verdict_of(claim), "a claim has the wrong type");
    }
}

#[test]
fn claims_that_can_be_read_in_two_ways_are_refused() {
    for bad in [
        format!(r#"{{"sub":"alice","sub":"bob","exp":{}}}"#, NOW + 60),
        format!(r#"{{"sub":"alice","\u0073ub":"bob","exp":{}}}"#, NOW + 60),
        format!(r#"{{"sub":"alice","exp":1,"exp":{}}}"#, NOW + 60),
        format!(r#"{{"sub":"alice","exp":{},"x":{}1{}}}"#, NOW + 60, "[".repeat(40), "]".repeat(40)),
        "[]".to_owned(),
        "\"alice\"".to_owned(),
        "{".to_owned(),
    ] {
        let token = raw_token(r#"{"alg":"HS256"}"#, &bad, SECRET.as_bytes());
        assert!(hs256().verify(&token, now()).is_err(), "{bad}");
    }
}

#[test]
fn b07_b08_what_is_not_three_parts_of_base64url_within_8_kib_is_refused_unread() {
    let good = token(Algorithm::Hs256, json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let padded = |len: usize| {
        let rest = json!({"pad": ""});
        let bare = token(Algorithm::Hs256, rest).len();
        token(Algorithm::Hs256, json!({"pad": "x".repeat((len - bare) * 3 / 4)}))
    };
    assert!(hs256().verify(&padded(8100), now()).is_ok());
    for bad in [
        padded(9 * 1024),
        "A".repeat(1 << 20),
        String::new(),
        "..".to_owned(),
        parts[0].to_owned(),
        parts[..2].join("."),
        format!("{good}."),
        format!("{good}.AAAA.AAAA"),
        format!(" {good}"),
        format!("{good}\n"),
        good.replacen('.', " .", 1),
        format!("{good}="),
        good.replacen('e', "+", 1),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}\u{e9}", good),
    ] {
        assert_eq!(verdict(&hs256(), &bad), "it is too long or not three parts of base64url");
    }
}

#[test]
fn a_header_may_name_a_key_but_not_bring_one() {
    let claims = claims(json!({})).to_string();
    let judge = |header: Value, secret: &str| {
        let header = raw_token(&header.to_string(), &claims, secret.as_bytes());
        hs256().verify(&header, now()).is_ok()
    };
    let own_key = json!({"kty": "oct", "k": base64url(OTHER_SECRET.as_bytes())});
    for brought in [
        json!({"alg": "HS256", "jwk": own_key}),
        json!({"alg": "HS256", "jku": "https://evil.example/keys"}),
        json!({"alg": "HS256", "x5u": "https://evil.example/cert"}),
    ] {
        assert!(judge(brought.clone(), SECRET), "{brought} is ignored");
        assert!(!judge(brought.clone(), OTHER_SECRET), "{brought} is ignored");
    }
    assert!(judge(json!({"alg": "HS256", "kid": "a-key_7"}), SECRET));
    for kid in ["", "../../dev/null", "a' OR '1'='1", "a b", "a.b", &"x".repeat(65)] {
        assert!(!judge(json!({"alg": "HS256", "kid": kid}), SECRET), "{kid}");
    }
    assert!(!judge(json!({"alg": "HS256", "kid": 7}), SECRET));
    for crit in [json!(["exp"]), json!([]), json!("exp")] {
        assert!(!judge(json!({"alg": "HS256", "crit": crit}), SECRET), "{crit}");
    }
}

#[test]
fn every_refusal_reads_the_same_outside() {
    let expired = hs256().verify(&token(Algorithm::Hs256, json!({"exp": 1})), now()).unwrap_err();
    let junk = hs256().verify("junk", now()).unwrap_err();
    assert_ne!(expired.reason(), junk.reason());
    assert_eq!(expired.to_string(), junk.to_string());
}

#[test]
fn the_self_test_notices_a_verifier_that_errs_either_way() {
    let mut forgiving = hs256();
    forgiving.rules.leeway = Duration::from_secs(3600);
    let fault = self_test::run(&forgiving, &hs256_options());
    assert_eq!(fault, Err(KeyError::SelfTest("an expired token is accepted")));
    let other = VerifierOptions { secret: Some(SecretString::from(OTHER_SECRET)), ..hs256_options() };
    assert_eq!(self_test::run(&hs256(), &other), Err(KeyError::SelfTest("a good token is refused")));
    let confused = public_options(Algorithm::Rs256, SECRET);
    let fault = self_test::run(&hs256(), &confused);
    assert_eq!(fault, Err(KeyError::SelfTest("a public key is taken for a secret")));
}

proptest! {
    #[test]
    fn any_text_is_an_identity_or_an_error(text in ".*|[A-Za-z0-9_.-]*|[A-Za-z0-9_-]{1,40}(\\.[A-Za-z0-9_-]{1,40}){2}") {
        prop_assert!(hs256().verify(&text, now()).is_err());
    }

    #[test]
    fn any_signed_text_is_an_identity_or_an_error(header in r#".*|\{"alg":"HS256"(,"[a-z]{3}":[0-9]+)?\}"#, claims in r#".*|\{("[a-z]{3}":("[a-z]*"|[0-9.e-]{1,9}),?)*\}"#) {
        let _ = hs256().verify(&raw_token(&header, &claims, SECRET.as_bytes()), now());
    }
}
