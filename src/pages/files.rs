//! The files of `web/`, in the binary.

use std::sync::LazyLock;

use actix_web::http::header::EntityTag;
use aws_lc_rs::digest;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../web/", $name)).as_slice())),*]
    };
}

/// As they are asked for, and what they are.
static EMBEDDED: &[(&str, &[u8])] = &embedded![
    "admin.html",
    "admin/admin.css",
    "admin/api.js",
    "admin/chart.js",
    "admin/console.js",
    "admin/dialog.js",
    "admin/follow.js",
    "admin/form.js",
    "admin/format.js",
    "admin/listing.js",
    "admin/main.js",
    "admin/overview.js",
    "admin/publish.js",
    "admin/rooms.js",
    "admin/section.js",
    "admin/sessions.js",
    "admin/sign-in.js",
    "admin/table.css",
    "admin/table.js",
    "admin/unread.js",
    "admin/users.js",
    "demo.html",
    "demo/backend.js",
    "demo/demo.css",
    "demo/latency.js",
    "demo/main.js",
    "demo/plug.js",
    "demo/seat.js",
    "demo/ticker.js",
    "docs.html",
    "docs/block.js",
    "docs/book.js",
    "docs/call.js",
    "docs/curl.js",
    "docs/docs.css",
    "docs/frame.js",
    "docs/main.js",
    "docs/schema.js",
    "docs/text.js",
    "embed.js",
    "frame.css",
    "icon.svg",
    "pages.css",
    "vendor/element.js",
    "vendor/lit.js",
    "vendor/sw.js",
    "vendor/tidings.js",
    "vendor/uplot.css",
    "vendor/uplot.js",
];

static FILES: LazyLock<Vec<(&str, File)>> =
    LazyLock::new(|| EMBEDDED.iter().map(|&(name, bytes)| (name, File::new(name, bytes))).collect());

/// A file as it is sent.
pub struct File {
    pub media_type: &'static str,
    pub bytes: &'static [u8],
    pub tag: EntityTag,
}

impl File {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        let tag: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { media_type: media_type(name), bytes, tag: EntityTag::new_strong(tag) }
    }
}

/// The file of this name.
pub fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, file)| file)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn walk(folder: &Path, top: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                found.push(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn what_stands_in_the_folder_is_in_the_binary() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut there = Vec::new();
        walk(&top, &top, &mut there);
        // What tells of the files is no part of the pages.
        there.retain(|name| ![".json", ".md", ".d.ts"].iter().any(|end| name.ends_with(end)));
        there.sort();
        let mut embedded: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        embedded.sort_unstable();
        assert_eq!(embedded, there);
    }

    #[test]
    fn a_page_has_nothing_inline_and_nothing_from_elsewhere() {
        for (name, bytes) in EMBEDDED.iter().filter(|(name, _)| name.ends_with(".html")) {
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains("://"), "{name}");
            for script in text.split("<script").skip(1) {
                assert!(script.trim_start().starts_with("type=\"module\" src=\"assets/"), "{name}");
            }
        }
    }
}
