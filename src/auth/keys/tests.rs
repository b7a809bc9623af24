use jsonwebtoken::{Algorithm as Alg, Header, encode};
use serde_json::{Value, json};

use super::{
    super::{Verifier, VerifierOptions, signing::*},
    *,
};

fn refused(options: VerifierOptions) -> KeyError {
    Verifier::new(options).err().unwrap()
}

fn jwks(algorithm: Algorithm, keys: Value) -> VerifierOptions {
    let jwks = Some(json!({ "keys": keys }).to_string());
    VerifierOptions { algorithm, jwks, ..VerifierOptions::default() }
}

/// The public part of a test key as a JWK, with other fields over it.
fn jwk(algorithm: Algorithm, extra: Value) -> Value {
    let jwk = Jwk::from_encoding_key(&private_key(algorithm), algorithm.into()).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    for (name, value) in extra.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

fn other_ed_jwk(kid: &str) -> Value {
    let key = DecodingKey::from_ed_pem(OTHER_PUBLIC.as_bytes()).unwrap();
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(key.try_get_as_bytes().unwrap())})
}

fn ed_token(kid: Option<&str>) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Alg::EdDSA) };
    encode(&header, &claims(json!({})), &private_key(Algorithm::EdDsa)).unwrap()
}

#[test]
fn the_previous_secret_is_still_accepted_and_no_other() {
    let previous_secret = Some(OTHER_SECRET.into());
    let verifier = Verifier::new(VerifierOptions { previous_secret, ..hs256_options() }).unwrap();
    for (secret, is_ours) in [(SECRET, true), (OTHER_SECRET, true), ("x".repeat(32).as_str(), false)] {
        let token = raw_token(r#"{"alg":"HS256"}"#, &claims(json!({})).to_string(), secret.as_bytes());
        assert_eq!(verifier.verify(&token, now()).is_ok(), is_ours);
    }
}

#[test]
fn a_missing_or_weak_secret_stops_the_start() {
    let with = |secret: Option<&str>, previous: Option<&str>| VerifierOptions {
        secret: secret.map(SecretString::from),
        previous_secret: previous.map(SecretString::from),
        ..VerifierOptions::default()
    };
    assert_eq!(refused(with(None, Some(SECRET))), KeyError::NoSecret);
    let short = KeyError::ShortSecret { setting: "auth.secret", bytes: 31 };
    assert_eq!(refused(with(Some(&SECRET[1..]), None)), short);
    let short = KeyError::ShortSecret { setting: "auth.previous_secret", bytes: 0 };
    assert_eq!(refused(with(Some(SECRET), Some(""))), short);
    let pem = KeyError::SecretIsPem { setting: "auth.secret" };
    assert_eq!(refused(with(Some(RS256_PUBLIC), None)), pem);
    assert!(!format!("{:?}", with(Some(SECRET), None)).contains(SECRET));
}

#[test]
fn a_public_key_that_does_not_fit_the_algorithm_stops_the_start() {
    let private = String::from_utf8_lossy(EDDSA_PRIVATE);
    for (algorithm, pem) in [
        (Algorithm::Rs256, ES256_PUBLIC),
        (Algorithm::Rs256, RSA1024_PUBLIC),
        (Algorithm::Es256, EDDSA_PUBLIC),
        (Algorithm::Es256, P384_PUBLIC),
        (Algorithm::EdDsa, RS256_PUBLIC),
        (Algorithm::EdDsa, &private),
        (Algorithm::EdDsa, "not a PEM"),
        (Algorithm::EdDsa, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        (Algorithm::EdDsa, &EDDSA_PUBLIC.replace("-----END", "")),
    ] {
        assert_eq!(refused(public_options(algorithm, pem)), KeyError::BadPem(algorithm), "{pem}");
    }
    let none = VerifierOptions { algorithm: Algorithm::Es256, ..VerifierOptions::default() };
    assert_eq!(refused(none), KeyError::NoPublicKey(Algorithm::Es256));
    let forgotten = VerifierOptions { public_key: Some(RS256_PUBLIC.to_owned()), ..hs256_options() };
    assert_eq!(refused(forgotten), KeyError::KeyWithoutAlgorithm);
    let long = VerifierOptions { leeway: std::time::Duration::from_secs(6), ..hs256_options() };
    assert_eq!(refused(long), KeyError::LongLeeway);
}

#[test]
fn a_refusal_names_the_setting_to_change() {
    let short = VerifierOptions { previous_secret: Some("short".into()), ..hs256_options() };
    let no_set = VerifierOptions {
        algorithm: Algorithm::EdDsa,
        jwks: Some("[]".to_owned()),
        ..VerifierOptions::default()
    };
    let long = VerifierOptions { leeway: std::time::Duration::from_secs(6), ..hs256_options() };
    let forgotten = VerifierOptions { public_key: Some(RS256_PUBLIC.to_owned()), ..hs256_options() };
    for (options, setting) in [
        (VerifierOptions::default(), "auth.secret"),
        (short, "auth.previous_secret"),
        (forgotten, "auth.algorithm"),
        (public_options(Algorithm::EdDsa, "not a PEM"), "auth.public_key"),
        (no_set, "auth.jwks"),
        (long, "auth.leeway"),
    ] {
        assert_eq!(refused(options).setting(), setting);
    }
}

#[test]
fn an_old_and_a_new_public_key_may_stand_in_one_pem() {
    let both = format!("# rotated in spring\n{OTHER_PUBLIC}\n{EDDSA_PUBLIC}");
    let verifier = Verifier::new(public_options(Algorithm::EdDsa, &both)).unwrap();
    assert!(verifier.verify(&ed_token(None), now()).is_ok());
    // A PEM has no names, so the one in the token selects nothing.
    assert!(verifier.verify(&ed_token(Some("any")), now()).is_ok());
}

#[test]
fn a_kid_selects_a_key_of_the_set_by_exact_match() {
    let ours = |kid: &str| jwk(Algorithm::EdDsa, json!({ "kid": kid }));
    let verifier = Verifier::new(jwks(Algorithm::EdDsa, json!([other_ed_jwk("a"), ours("b")]))).unwrap();
    for (kid, is_accepted) in
        [(Some("b"), true), (None, true), (Some("a"), false), (Some("B"), false), (Some("bb"), false)]
    {
        assert_eq!(verifier.verify(&ed_token(kid), now()).is_ok(), is_accepted, "{kid:?}");
    }
}

#[test]
fn every_algorithm_takes_a_key_set() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let verifier =
            Verifier::new(jwks(algorithm, json!([jwk(algorithm, json!({"use": "sig"}))]))).unwrap();
        assert!(verifier.verify(&token(algorithm, json!({})), now()).is_ok(), "{algorithm}");
    }
}

#[test]
fn keys_of_a_set_that_are_for_something_else_are_passed_over() {
    let foreign = [
        jwk(Algorithm::EdDsa, json!({"use": "enc"})),
        jwk(Algorithm::EdDsa, json!({"key_ops": ["sign"]})),
        jwk(Algorithm::EdDsa, json!({"alg": "ES256"})),
        jwk(Algorithm::Rs256, json!({})),
        json!({"kty": "oct", "k": base64url(SECRET.as_bytes())}),
        json!({"kty": "new", "x": 1}),
    ];
    let only = foreign.to_vec();
    assert_eq!(refused(jwks(Algorithm::EdDsa, json!(only))), KeyError::EmptyJwks(Algorithm::EdDsa));
    let with_ours = [only, vec![jwk(Algorithm::EdDsa, json!({}))]].concat();
    let verifier = Verifier::new(jwks(Algorithm::EdDsa, json!(with_ours))).unwrap();
    assert!(verifier.verify(&ed_token(None), now()).is_ok());
}

#[test]
fn a_broken_key_set_stops_the_start_and_says_which_key() {
    let text = |jwks: &str| VerifierOptions {
        algorithm: Algorithm::EdDsa,
        jwks: Some(jwks.to_owned()),
        ..VerifierOptions::default()
    };
    for bad in ["", "{}", "[]", r#"{"keys":1}"#, EDDSA_PUBLIC] {
        assert_eq!(refused(text(bad)), KeyError::BadJwks, "{bad}");
    }
    let good = jwk(Algorithm::EdDsa, json!({}));
    let bad_point = jwk(Algorithm::EdDsa, json!({"x": "AAAA"}));
    let bad = KeyError::BadJwk { index: 1, algorithm: Algorithm::EdDsa };
    assert_eq!(refused(jwks(Algorithm::EdDsa, json!([good, bad_point]))), bad);
    let off_curve = jwk(Algorithm::Es256, json!({"y": base64url(&[1; 32])}));
    let bad = KeyError::BadJwk { index: 0, algorithm: Algorithm::Es256 };
    assert_eq!(refused(jwks(Algorithm::Es256, json!([off_curve]))), bad);
    let short = jwk(Algorithm::Rs256, json!({"n": base64url(&[0xff; 128])}));
    let bad = KeyError::BadJwk { index: 0, algorithm: Algorithm::Rs256 };
    assert_eq!(refused(jwks(Algorithm::Rs256, json!([short]))), bad);
    let bad_id = jwk(Algorithm::EdDsa, json!({"kid": "../x"}));
    assert_eq!(refused(jwks(Algorithm::EdDsa, json!([bad_id]))), KeyError::BadKeyId(0));
    let many = vec![good.clone(); KEYS_MAX + 1];
    assert_eq!(refused(jwks(Algorithm::EdDsa, json!(many))), KeyError::TooManyKeys);
}
