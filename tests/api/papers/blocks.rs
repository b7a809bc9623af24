//! The shell blocks of a page.

use std::fs;

use crate::tidy::reading::root;

/// What is to be typed, or was printed.
pub struct Block {
    /// Of the page, from 1 on.
    pub line: usize,
    pub how: How,
    /// Another machine than that of the page, with a shell of its own.
    pub machine: Option<String>,
    /// Commands with what they print, or commands alone.
    pub is_dialogue: bool,
    lines: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum How {
    Run,
    Server,
    Terminal(String),
}

/// One line of a dialogue that is not printed.
pub enum Line<'a> {
    Typed(&'a str),
    /// `^C`
    Interrupt,
    /// What has gone on since the block before goes on.
    Nothing,
}

impl Block {
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// What is typed, each with what is printed behind it.
    pub fn dialogue(&self) -> Vec<(Line<'_>, Vec<&str>)> {
        let mut said: Vec<(Line<'_>, Vec<&str>)> = Vec::new();
        for line in &self.lines {
            match line.strip_prefix("$ ") {
                Some(command) => said.push((Line::Typed(command), Vec::new())),
                None if line == "^C" => said.push((Line::Interrupt, Vec::new())),
                None => {
                    if said.is_empty() {
                        said.push((Line::Nothing, Vec::new()));
                    }
                    said.last_mut().unwrap().1.push(line);
                }
            }
        }
        said
    }
}

/// The pages whose blocks are run.
pub fn pages() -> Vec<String> {
    let folder = fs::read_dir(root().join("docs")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.sort();
    pages.extend(["README.md", "client/README.md"].map(str::to_owned));
    pages
}

pub fn of(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim() == "```" && open.is_some() {
            blocks.extend(open.take());
        } else if let Some(block) = &mut open {
            block.lines.push(line.to_owned());
        } else {
            open = begin(line.trim_start(), number + 1);
        }
    }
    // Blocks of other languages are read over, so that their fences are no beginnings.
    blocks.retain(|block| !block.lines.is_empty() && block.line > 0);
    blocks
}

/// The beginning of a block; of another language it has no line.
fn begin(fence: &str, line: usize) -> Option<Block> {
    let info = fence.strip_prefix("```")?;
    let (language, words) = info.split_once(' ').unwrap_or((info, ""));
    let is_shell = matches!(language, "sh" | "bash" | "shell" | "console");
    let (machine, words) = match words.trim().strip_prefix("on ") {
        Some(rest) => {
            let (name, words) = rest.split_once(' ').unwrap_or((rest, ""));
            (Some(name.to_owned()), words)
        }
        None => (None, words),
    };
    let how = match words.trim() {
        "" => How::Run,
        "server" => How::Server,
        words => match words.strip_prefix("terminal ") {
            Some(name) => How::Terminal(name.to_owned()),
            None if is_shell => panic!("line {line}: {words:?} says nothing of how the block is run"),
            None => How::Run,
        },
    };
    let line = if is_shell { line } else { 0 };
    Some(Block { line, how, machine, is_dialogue: language == "console", lines: Vec::new() })
}
