//! How many shell blocks of each paper are not run: whoever adds one says why in its fence, and here that it was meant.

use crate::papers::blocks::{self, How};

const NOT_RUN: [(&str, usize); 7] = [
    ("docs/logs.md", 1),
    ("docs/operations.md", 10),
    ("docs/performance.md", 2),
    ("docs/reliability.md", 2),
    ("docs/security.md", 1),
    ("README.md", 3),
    ("client/README.md", 1),
];

#[test]
fn every_shell_block_is_run_or_says_why_not() {
    let mut not_run = Vec::new();
    for page in blocks::pages() {
        let blocks = blocks::of(&page);
        let reasons = blocks.iter().filter_map(|block| match &block.how {
            How::NotRun(why) => Some((block.line, why)),
            _ => None,
        });
        let mut count = 0;
        for (line, why) in reasons {
            assert!(why.len() > 10, "{page}:{line}: {why:?} is no reason");
            count += 1;
        }
        if count > 0 {
            not_run.push((page, count));
        }
    }
    let known = NOT_RUN.map(|(page, count)| (page.to_owned(), count));
    assert_eq!(not_run, known, "blocks that are not run, and those that are meant not to be");
}

/// The stand-in of `make run` does what the recipe does when it has built.
#[test]
fn what_make_run_runs_is_what_the_papers_are_played_with() {
    let makefile = std::fs::read_to_string(super::reading::root().join("Makefile")).unwrap();
    assert!(makefile.contains("\ttarget/release/tidings dev\n"));
}
