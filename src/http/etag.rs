//! Answers that a client may have already (RFC 9110 section 13).

use actix_web::{
    HttpRequest,
    http::header::{self, EntityTag},
};

/// Whether the client has this already (RFC 9110 section 13.1.2: weak comparison).
pub fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.parse::<EntityTag>().is_ok_and(|known| known.weak_eq(tag)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_tag_is_known_strong_or_weak_alone_or_in_a_list() {
        let tag = EntityTag::new_strong("aaaaaaaa.5.2".to_owned());
        let known = |value: &str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, value)).to_http_request();
            is_known(&request, &tag)
        };
        for value in [r#""aaaaaaaa.5.2""#, r#"W/"aaaaaaaa.5.2""#, r#""x", "aaaaaaaa.5.2""#, "*"] {
            assert!(known(value), "{value}");
        }
        for value in [r#""aaaaaaaa.5.3""#, "aaaaaaaa.5.2", ""] {
            assert!(!known(value), "{value}");
        }
    }
}
