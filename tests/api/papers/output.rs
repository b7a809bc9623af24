//! What is printed, held against what the paper shows: times, ids and epochs are others each time, all else is the same.

use std::{collections::HashMap, iter::Peekable};

/// What the paper's epochs are this time.
#[derive(Default)]
pub struct Story {
    epochs: HashMap<String, String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Time,
    Id,
    Decimal,
    /// Where something stands in its stream.
    Position {
        epoch: &'a str,
        offset: &'a str,
    },
    Text(&'a str),
}

impl Story {
    /// A command of the paper, as it is typed this time.
    pub fn as_typed(&self, command: &str) -> String {
        self.epochs
            .iter()
            .fold(command.to_owned(), |command, (paper, now)| command.replace(paper.as_str(), now))
    }

    /// Holds lines against those of the paper; where it is all there is to come, none may be left.
    pub fn compare(
        &mut self,
        expected: &[&str],
        printed: impl Iterator<Item = String>,
        is_all: bool,
        place: &str,
    ) {
        // Not all that is printed ends its line, so the sandbox does, and some end it twice.
        let mut printed = printed.filter(|line| !line.is_empty()).peekable();
        let mut lines = expected.iter().filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            if *line == "…" {
                let next = lines.peek().copied();
                self.skip(&mut printed, next.copied());
                continue;
            }
            let found = printed.next().unwrap_or_else(|| panic!("{place}: {line:?} is not printed"));
            assert!(self.is_same(line, &found), "{place}: the paper has {line:?}, and printed is {found:?}");
        }
        if is_all && expected.last() != Some(&"…") {
            let rest: Vec<String> = printed.collect();
            assert!(rest.is_empty(), "{place}: more is printed: {rest:?}");
        }
    }

    /// Any lines, up to the one that the paper goes on with.
    fn skip(&mut self, printed: &mut Peekable<impl Iterator<Item = String>>, next: Option<&str>) {
        let Some(next) = next else { return };
        while printed.peek().is_some_and(|line| !self.is_same(next, line)) {
            printed.next();
        }
    }

    fn is_same(&mut self, paper: &str, printed: &str) -> bool {
        let (start, is_whole) = paper.strip_suffix('…').map_or((paper, true), |start| (start, false));
        let (paper, printed) = (tokens(start), tokens(printed));
        let is_long_enough =
            if is_whole { paper.len() == printed.len() } else { paper.len() <= printed.len() };
        is_long_enough && paper.iter().zip(&printed).all(|(paper, printed)| self.stands_for(paper, printed))
    }

    fn stands_for(&mut self, paper: &Token<'_>, printed: &Token<'_>) -> bool {
        match (paper, printed) {
            (
                Token::Position { epoch: paper, offset },
                Token::Position { epoch: printed, offset: printed_offset },
            ) => {
                let epoch = self.epochs.entry((*paper).to_owned()).or_insert_with(|| (*printed).to_owned());
                epoch == printed && offset == printed_offset
            }
            (paper, printed) => paper == printed,
        }
    }
}

fn tokens(mut line: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    while let Some(first) = line.chars().next() {
        let (token, length) = if is_time(line) { (Token::Time, TIME.len()) } else { word(line, first) };
        found.push(token);
        line = &line[length..];
    }
    found
}

/// A letter stands for itself, `0` for any digit.
const TIME: &str = "0000-00-00T00:00:00.000Z";

fn is_time(line: &str) -> bool {
    let fits = |(form, byte): (u8, u8)| form == byte || form == b'0' && byte.is_ascii_digit();
    line.len() >= TIME.len() && TIME.bytes().zip(line.bytes()).all(fits)
}

fn word(line: &str, first: char) -> (Token<'_>, usize) {
    let length = run(line, |c| c.is_ascii_alphanumeric() || c == '_');
    if length == 0 {
        return (Token::Text(&line[..first.len_utf8()]), first.len_utf8());
    }
    let text = &line[..length];
    let decimals = line[length..].strip_prefix('.').map_or(0, |rest| run(rest, |c| c.is_ascii_digit()));
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    if decimals > 0 && length == 8 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        let offset = &line[length + 1..length + 1 + decimals];
        return (Token::Position { epoch: text, offset }, length + 1 + decimals);
    }
    if decimals > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return (Token::Decimal, length + 1 + decimals);
    }
    if length >= 8 && has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit) {
        return (Token::Id, length);
    }
    (Token::Text(text), length)
}

/// How many bytes of such characters a text begins with.
fn run(text: &str, is_of_it: impl Fn(char) -> bool) -> usize {
    text.find(|c: char| !is_of_it(c)).unwrap_or(text.len())
}

#[test]
fn what_differs_each_time_is_the_same_and_all_else_is_not() {
    let mut story = Story::default();
    let paper =
        r#"{"id":"ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW","position":"szlhwm0g.1","at":"2026-11-22T04:33:51.602Z"}"#;
    let printed =
        r#"{"id":"ntf_01KQ0RGBFJAPQ3ZKRMXZC4KYHX","position":"aaaaaaaa.1","at":"2027-01-02T00:00:00.000Z"}"#;
    assert!(story.is_same(paper, printed));
    assert_eq!(story.as_typed("listen --since general@szlhwm0g.2"), "listen --since general@aaaaaaaa.2");
    assert!(!story.is_same("szlhwm0g.1", "bbbbbbbb.1"), "it was another one before");
    assert!(!story.is_same("szlhwm0g.2", "aaaaaaaa.3"));
    assert!(story.is_same("reconnecting in 0.6 s", "reconnecting in 12.1 s"));
    assert!(story.is_same("curl: (7) Failed …", "curl: (7) Failed to connect"));
    assert!(!story.is_same("{\"unread\":2}", "{\"unread\":3}"));
}
