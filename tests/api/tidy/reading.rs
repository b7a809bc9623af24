//! Reads sources and papers as far as order needs it.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files of a folder: name inside it, text.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(top: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let top = root().join(folder);
    let mut found = Vec::new();
    walk(&top, &top, &mut found);
    found.sort();
    found
}

/// Whether a file of src holds tests alone.
pub fn is_test_file(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

/// A file without the tests inside it.
pub fn program(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// Without comments.
pub fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The tests that meet the server from outside, without this module: it names everything.
pub fn outside_tests() -> String {
    let files = sources("tests").into_iter().filter(|(file, _)| !file.contains("tidy"));
    files.map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

/// The tests beside the code they test.
pub fn inside_tests() -> String {
    let tests = |(file, text): (String, String)| {
        if is_test_file(&file) { text } else { text[program(&text).len()..].to_owned() }
    };
    sources("src").into_iter().map(tests).collect::<Vec<_>>().join("\n")
}

/// The paths behind `crate::` in a file, two levels deep, with the braces of `use` opened.
pub fn imports(text: &str) -> Vec<String> {
    let text: String = code(text).split_whitespace().collect();
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let tree = match rest.strip_prefix('{') {
            Some(inner) => branches(inner),
            None => vec![rest],
        };
        for path in tree.into_iter().filter(|path| !path.is_empty()) {
            let end =
                path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
            found.push(path[..end].trim_matches(':').to_owned());
        }
    }
    found
}

/// The parts of `a, b::{c, d}, e} …` up to the brace that closes it.
fn branches(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts
}

/// The rows of the tables under these headings, without those of later parts; `\|` is no border.
pub fn rows(paper: &str, headings: &[&str]) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(paper)).unwrap();
    let mut rows = Vec::new();
    let mut is_inside = false;
    let mut is_body = false;
    for line in text.lines() {
        if line.starts_with('#') {
            is_inside = headings.iter().any(|heading| line.starts_with(heading));
        }
        let cells: Vec<String> = line
            .replace("\\|", "/")
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        is_body = line.starts_with('|') && (is_body || line.starts_with("|---"));
        if is_inside
            && is_body
            && !line.starts_with("|---")
            && cells.last().is_none_or(|last| last != "later")
        {
            rows.push(cells);
        }
    }
    assert!(!rows.is_empty(), "{paper} has no table under {headings:?}");
    rows
}

/// The words in backticks.
pub fn ticked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

pub fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// Whether a call is made or named; what stands in braces is a name of any kind.
pub fn is_called(tests: &str, call: &str) -> bool {
    let (method, path) = call.split_once(' ').unwrap();
    let (path, end) = match path.split_once('{') {
        Some((before, _)) => (before, "{n"),
        None => (path, "\"? `\n"),
    };
    let made = [
        format!("{method} {path}"),
        format!("\"{method}\", \"{path}"),
        format!("{}(\"{path}", method.to_lowercase()),
        format!("{}(&format!(\"{path}", method.to_lowercase()),
    ];
    made.iter().any(|made| {
        tests.match_indices(made.as_str()).any(|(at, _)| {
            tests[at + made.len()..].starts_with(|c: char| end.contains(c) || path.starts_with("/v1/send"))
        })
    })
}

/// Whether a bad input is named, alone or in the name of a test.
pub fn is_case_named(tests: &str, case: &str) -> bool {
    has_word(tests, case)
        || ["fn ", "_"].iter().any(|before| tests.contains(&format!("{before}{}_", case.to_lowercase())))
}

/// The functions of a file, one within the other left out: name, text.
pub fn functions(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        let head = ["async fn ", "fn "].iter().find_map(|head| line.strip_prefix(head));
        if let Some((name, _)) = head.and_then(|rest| rest.split_once('(')) {
            open = Some((name.to_owned(), String::new()));
        }
        if let Some((_, body)) = &mut open {
            body.push_str(line);
            body.push('\n');
        }
        if line == "}" {
            found.extend(open.take());
        }
    }
    found
}
