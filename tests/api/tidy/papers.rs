//! How many shell blocks of each paper are played on another machine than that of its page: whoever adds one says so in
//! its fence, and here that it was meant.

use std::collections::BTreeMap;

use super::reading::root;
use crate::papers::blocks;

/// By machine. What stands there in the place of what is the files in `tests/machines`.
const ELSEWHERE: [(&str, &str, usize); 13] = [
    ("README.md", "build", 1),
    ("README.md", "databases", 2),
    ("client/README.md", "page", 1),
    ("docs/logs.md", "systemd", 1),
    ("docs/operations.md", "databases", 2),
    ("docs/operations.md", "docker", 4),
    ("docs/operations.md", "kubernetes", 1),
    ("docs/operations.md", "load", 1),
    ("docs/operations.md", "systemd", 4),
    ("docs/performance.md", "build", 1),
    ("docs/performance.md", "load", 1),
    ("docs/reliability.md", "build", 2),
    ("docs/security.md", "build", 1),
];

#[test]
fn every_shell_block_that_is_played_on_another_machine_is_meant_to_be() {
    let mut elsewhere: BTreeMap<(String, String), usize> = BTreeMap::new();
    for page in blocks::pages() {
        for block in blocks::of(&page) {
            if let Some(machine) = block.machine {
                *elsewhere.entry((page.clone(), machine)).or_default() += 1;
            }
        }
    }
    let counted: Vec<(&str, &str, usize)> =
        elsewhere.iter().map(|((page, machine), count)| (&**page, &**machine, *count)).collect();
    assert_eq!(counted, ELSEWHERE);
    let machines = std::fs::read_dir(root().join("tests/machines")).unwrap();
    for machine in machines.map(|machine| machine.unwrap().file_name().into_string().unwrap()) {
        assert!(ELSEWHERE.iter().any(|(_, used, _)| *used == machine), "nothing is played on {machine}");
    }
}

/// The stand-in of `make run` does what the recipe does when it has built.
#[test]
fn what_make_run_runs_is_what_the_papers_are_played_with() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    assert!(makefile.contains("\ttarget/release/tidings dev\n"));
}
