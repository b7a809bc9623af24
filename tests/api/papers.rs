//! What the papers say to type is typed, block by block, and does what they say (README, docs, client/README).
//!
//! A block of `sh` is run in one shell for the whole page, and has to succeed; so is one of `console`, where a line that
//! begins with `$ ` is typed, and what stands below it is what has to be printed. Words behind `sh` or `console` say what
//! is different: `terminal N`, another terminal, in which something may go on while the next block is typed; `server`,
//! the last command serves until the block ends; `on NAME`, another machine, of which `tests/machines/NAME` says what it
//! has, and what stands there in the place of what a test cannot have; tidy counts those.

pub mod blocks;
mod output;
mod sandbox;

use std::{collections::BTreeMap, thread};

use blocks::{Block, How, Line};
use output::Story;
use sandbox::{Sandbox, Terminal};

/// Plays the blocks of a page in order.
fn play(page: &str) {
    let sandbox = Sandbox::new();
    let mut shell = Terminal::open(&sandbox);
    let mut terminals: BTreeMap<String, Terminal> = BTreeMap::new();
    let mut machines: BTreeMap<String, Machine> = BTreeMap::new();
    let mut story = Story::default();
    for block in blocks::of(page) {
        let place = format!("{page}:{}", block.line);
        if let Some(name) = &block.machine {
            let machine = machines.entry(name.clone()).or_insert_with(|| Machine::start(name));
            machine.run(&block, &place);
            continue;
        }
        match &block.how {
            How::Run if block.is_dialogue => talk(&mut shell, &block, &mut story, &place),
            How::Run => shell.run(&block.text(), &place),
            How::Server => {
                // It needs the ports that others had.
                terminals.clear();
                shell.serve(&block.text(), &place);
            }
            How::Terminal(name) => {
                let terminal = terminals.entry(name.clone()).or_insert_with(|| Terminal::open(&sandbox));
                if block.is_dialogue {
                    go_on(terminal, &sandbox, &block, &mut story, &place);
                } else {
                    terminal.start(&block.text(), &place);
                }
            }
        }
    }
}

/// Another machine than that of the page; its shell ends before it does.
struct Machine {
    shell: Terminal,
    _sandbox: Sandbox,
}

impl Machine {
    fn start(name: &str) -> Self {
        let sandbox = Sandbox::of(name);
        let mut shell = Terminal::open(&sandbox);
        shell.run(&format!(". \"$REPOSITORY/tests/machines/{name}/open\""), name);
        Self { shell, _sandbox: sandbox }
    }

    fn run(&mut self, block: &Block, place: &str) {
        match block.how {
            How::Run if !block.is_dialogue => self.shell.run(&block.text(), place),
            How::Server => self.shell.serve(&block.text(), place),
            _ => panic!("{place}: on another machine there is one shell, and nobody to talk"),
        }
    }
}

/// Each command ends before the next one is typed, and has printed just that.
fn talk(shell: &mut Terminal, block: &Block, story: &mut Story, place: &str) {
    for (command, expected) in block.dialogue() {
        let Line::Typed(command) = command else { panic!("{place}: only a terminal of its own goes on") };
        let printed = shell.ask(&story.as_typed(command), place);
        story.compare(&expected, printed.into_iter(), true, place);
    }
}

/// Each command has printed that before the next one is typed, and may go on.
fn go_on(terminal: &mut Terminal, sandbox: &Sandbox, block: &Block, story: &mut Story, place: &str) {
    for (command, expected) in block.dialogue() {
        match command {
            Line::Typed(command) => terminal.start_quietly(&story.as_typed(command)),
            Line::Interrupt => *terminal = Terminal::open(sandbox),
            Line::Nothing => {}
        }
        story.compare(&expected, terminal.lines(place), false, place);
    }
}

#[test]
fn the_readme_does_what_it_says() {
    play("README.md");
}

#[test]
fn the_readme_of_the_client_does_what_it_says() {
    play("client/README.md");
}

#[test]
fn every_page_of_the_docs_does_what_it_says() {
    thread::scope(|scope| {
        for page in blocks::pages().into_iter().filter(|page| page.starts_with("docs/")) {
            scope.spawn(move || play(&page));
        }
    });
}
