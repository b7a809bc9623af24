//! Each row of docs/requirements.md leads somewhere: to a test, a file or a page that is there, and to nothing that is
//! still to come.

use std::fs;

use super::reading::{root, sources, ticked};

/// Folders of the repository that a row may name a file of.
const FOLDERS: [&str; 9] =
    ["client/", "deploy/", "docs/", "examples/", "migrations/", "src/", "tests/", "web/", "benches/"];

/// A test in Rust is called by a sentence; all that is shorter is a word of ours.
const SENTENCE_MIN: usize = 25;

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Tests in TypeScript and those of pages, as one text.
fn tests_of_clients() -> String {
    let files = ["client/tests", "tests/browser"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    });
    files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
}

fn is_name(word: &str) -> bool {
    word.len() >= SENTENCE_MIN
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The places in the repository that a cell names, in backticks or not.
fn places(cell: &str) -> impl Iterator<Item = &str> {
    let words = cell.split(|c: char| c.is_whitespace() || "`(),;|".contains(c));
    words
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
}

#[test]
fn every_requirement_leads_to_a_test_or_a_page_that_is_there() {
    let rust: String = ["src", "tests"].into_iter().flat_map(sources).map(|(_, text)| text).collect();
    let (clients, metrics, text) =
        (tests_of_clients(), page("docs/metrics.md"), page("docs/requirements.md"));
    let readme = page("README.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| S"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() > 150);
    for row in &rows {
        let [id, _, shown] = row[..] else { panic!("{row:?} has three cells") };
        assert!(!shown.contains("later"), "{id} is open: {shown}");
        let mut leads = ["README", "PROTOCOL.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
            .iter()
            .any(|page| shown.contains(page));
        for place in places(shown) {
            assert!(root().join(place).exists(), "{id} names {place}");
            leads = true;
        }
        for word in ticked(shown) {
            if let Some(metric) = word.strip_prefix("tidings_").map(|_| word.split('{').next().unwrap()) {
                assert!(metrics.contains(&format!("| `{metric}` |")), "{id} names {metric}");
            } else if is_name(word) {
                assert!(rust.contains(&format!("fn {word}(")), "{id} names {word}");
                leads = true;
            } else if readme.contains(&format!("| {word} |")) {
                // A limit.
                leads = true;
            } else if word.split(' ').count() > 4 {
                assert!(clients.contains(word), "{id} names {word:?}");
                leads = true;
            }
        }
        for other in shown.split("as S").skip(1).map(|rest| rest.split([' ', ',', ';', ':']).next().unwrap())
        {
            assert!(rows.iter().any(|row| row[0] == format!("S{other}")), "{id} is as S{other}");
            leads = true;
        }
        assert!(leads, "{id} leads nowhere: {shown}");
    }
}
