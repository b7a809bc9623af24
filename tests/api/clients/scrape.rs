//! What `GET /metrics` shows: each sample by its name and labels.

use std::collections::BTreeMap;

use super::http::Answer;

pub fn samples(answer: &Answer) -> BTreeMap<String, f64> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("tidings_") || name.starts_with("process_"), "{line}");
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}
