use actix_web::http::header::HeaderValue;
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const DEFAULT: fn() -> CredentialOptions =
    || CredentialOptions { query_token: true, cookie: "tidings_token".to_owned() };

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn text(secret: &Secret) -> String {
    match secret {
        Secret::Token(token) => token.expose_secret().to_owned(),
        Secret::Ticket(ticket) => format!("ticket {}", ticket.expose_secret()),
    }
}

/// The token found on a WebSocket handshake and its kind; a ticket says that it is one.
fn find(
    pairs: &[(&'static str, &str)],
    query: &str,
) -> Result<Option<(String, CredentialKind)>, CredentialError> {
    let found = DEFAULT().find(Route::WebSocket, &headers(pairs), query)?;
    Ok(found.map(|found| (text(&found.secret), found.kind)))
}

fn explicit(token: &str) -> Result<Option<(String, CredentialKind)>, CredentialError> {
    Ok(Some((token.to_owned(), CredentialKind::Explicit)))
}

fn cookie(token: &str) -> Result<Option<(String, CredentialKind)>, CredentialError> {
    Ok(Some((token.to_owned(), CredentialKind::Cookie)))
}

#[test]
fn a_token_is_found_in_each_place_where_it_may_travel() {
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(find(&[("authorization", &format!("{scheme} t1"))], ""), explicit("t1"));
    }
    assert_eq!(find(&[("authorization", "Bearer   t1 ")], ""), explicit("t1"));
    assert_eq!(find(&[("sec-websocket-protocol", "tidings.v1, bearer.t1")], ""), explicit("t1"));
    assert_eq!(
        find(&[("sec-websocket-protocol", "bearer.t1"), ("sec-websocket-protocol", "tidings.v1")], ""),
        explicit("t1")
    );
    assert_eq!(find(&[], "rooms=a&token=t1&since=x"), explicit("t1"));
    assert_eq!(find(&[], "%74oken=t%31"), explicit("t1"));
    assert_eq!(find(&[], "rooms=a&ticket=t%31"), explicit("ticket t1"));
    assert_eq!(find(&[], "ticket=t1&ticket=t1"), explicit("ticket t1"));
    assert_eq!(find(&[("cookie", "a=b; tidings_token=t1; c=d")], ""), cookie("t1"));
    assert_eq!(find(&[("cookie", "a=b"), ("cookie", "tidings_token=t1")], ""), cookie("t1"));
}

#[test]
fn a_request_without_any_credential_is_anonymous() {
    assert_eq!(find(&[], ""), Ok(None));
    let other = [
        ("cookie", "Tidings_Token=t1; xtidings_token=t2"),
        ("sec-websocket-protocol", "tidings.v1, Bearer.t1"),
    ];
    assert_eq!(find(&other, "rooms=token&tokens=1&Token=t"), Ok(None));
}

#[test]
fn a_subprotocol_counts_only_on_a_websocket_handshake() {
    let headers = headers(&[("sec-websocket-protocol", "tidings.v1, bearer.t1")]);
    assert!(DEFAULT().find(Route::Other, &headers, "").unwrap().is_none());
}

#[test]
fn b09_another_scheme_is_unusable_and_a_second_authorization_header_ambiguous() {
    for other in ["Basic YWxpY2U6cHc=", "Digest x", "t1", "Bearer\tt1", "bearert1 x", "\u{e9} t1", ""] {
        assert_eq!(find(&[("authorization", other)], ""), Err(CredentialError::Unusable), "{other}");
    }
    let cookie = ("cookie", "tidings_token=t1");
    assert_eq!(find(&[("authorization", "Basic x"), cookie], ""), Err(CredentialError::Unusable));
    let twice = [("authorization", "Bearer t1"), ("authorization", "Bearer t1")];
    assert_eq!(find(&twice, ""), Err(CredentialError::Ambiguous));
}

#[test]
fn what_is_presented_is_never_overlooked() {
    // An empty or mangled token is handed on, and the verifier refuses it.
    assert_eq!(find(&[("authorization", "Bearer")], ""), explicit(""));
    assert_eq!(find(&[], "token"), explicit(""));
    assert_eq!(find(&[], "token=%ff"), explicit("\u{fffd}"));
    assert_eq!(find(&[("sec-websocket-protocol", "bearer.")], ""), explicit(""));
    assert_eq!(find(&[("cookie", "tidings_token=")], ""), cookie(""));
}

#[test]
fn two_different_explicit_credentials_are_ambiguous_and_the_same_one_twice_is_fine() {
    let header = ("authorization", "Bearer t1");
    let subprotocol = ("sec-websocket-protocol", "tidings.v1, bearer.t1");
    assert_eq!(find(&[header, subprotocol], "token=t1&token=t1"), explicit("t1"));
    for (pairs, query) in [
        (vec![header], "token=t2"),
        (vec![subprotocol], "token=t2"),
        (vec![header, ("sec-websocket-protocol", "bearer.t2")], ""),
        (vec![("sec-websocket-protocol", "bearer.t1, bearer.t2")], ""),
        (vec![], "token=t1&token=t2"),
        (vec![header], "ticket=t1"),
        (vec![], "token=t1&ticket=t1"),
        (vec![], "ticket=t1&ticket=t2"),
    ] {
        assert_eq!(find(&pairs, query), Err(CredentialError::Ambiguous), "{pairs:?} {query}");
    }
}

#[test]
fn a_cookie_beside_an_explicit_credential_is_ignored() {
    let cookie = ("cookie", "tidings_token=t2");
    assert_eq!(find(&[cookie, ("authorization", "Bearer t1")], ""), explicit("t1"));
    assert_eq!(find(&[cookie], "token=t1"), explicit("t1"));
    assert_eq!(find(&[cookie], "ticket=t1"), explicit("ticket t1"));
}

#[test]
fn two_cookies_of_the_name_count_only_if_they_agree() {
    assert_eq!(find(&[("cookie", "tidings_token=t1; tidings_token=t1")], ""), cookie("t1"));
    let planted = [("cookie", "tidings_token=t1"), ("cookie", "tidings_token=t2")];
    assert_eq!(find(&planted, ""), Err(CredentialError::Unusable));
}

#[test]
fn a_query_token_that_is_switched_off_is_refused_and_never_anonymous_and_a_ticket_is_none() {
    let options = CredentialOptions { query_token: false, ..DEFAULT() };
    let found = options.find(Route::Other, &HeaderMap::new(), "token=t1");
    assert_eq!(found.err(), Some(CredentialError::Unusable));
    let found = options.find(Route::Other, &HeaderMap::new(), "ticket=t1").unwrap().unwrap();
    assert_eq!(text(&found.secret), "ticket t1");
}

#[test]
fn the_name_of_the_cookie_is_configurable() {
    let options = CredentialOptions { cookie: "sid".to_owned(), ..DEFAULT() };
    let headers = headers(&[("cookie", "tidings_token=t1; sid=t2")]);
    let found = options.find(Route::Other, &headers, "").unwrap().unwrap();
    assert_eq!(text(&found.secret), "t2");
}

#[test]
fn a_credential_does_not_show_its_token() {
    for query in ["token=t0psecret", "ticket=t0psecret"] {
        let found = DEFAULT().find(Route::Other, &HeaderMap::new(), query).unwrap().unwrap();
        assert!(!format!("{found:?}").contains("t0psecret"));
    }
}

proptest! {
    #[test]
    fn any_request_has_one_credential_or_none_or_an_error(
        query in "([a-z=&%0-9]|token=|ticket=){0,20}",
        header in "(Bearer |bearer |Basic )?[ -~]{0,20}",
        jar in "([a-z=; ]|tidings_token=){0,12}",
    ) {
        let pairs = [("authorization", header.as_str()), ("cookie", &jar), ("sec-websocket-protocol", &header)];
        if let Ok(found) = find(&pairs, &query) {
            // There is an Authorization header, so nobody is anonymous and no cookie speaks.
            prop_assert!(found.is_some_and(|(_, kind)| kind == CredentialKind::Explicit));
        }
    }
}
