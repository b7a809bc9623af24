//! Where in a file a setting stands: what is wrong is found sooner by its line.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

/// The lines of sections (`http`) and settings (`http.listen`).
pub struct Lines(HashMap<String, usize>);

impl Lines {
    /// Of a text that is no TOML nothing is known.
    pub fn of(text: &str) -> Self {
        let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let mut lines = HashMap::new();
        if let Ok(document) = DeTable::parse(text) {
            for (section, value) in document.get_ref() {
                lines.insert(section.get_ref().to_string(), line(section.span().start));
                let DeValue::Table(keys) = value.get_ref() else { continue };
                for key in keys.keys() {
                    let name = format!("{}.{}", section.get_ref(), key.get_ref());
                    lines.insert(name, line(key.span().start));
                }
            }
        }
        Self(lines)
    }

    /// Counted from 1; the first where the name is not there.
    pub fn line(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_the_line_of_its_key_however_it_is_written() {
        let lines =
            Lines::of("[http]\n# listen = 1\nlisten = \"x\"\n\n[log]\nlevel = '''\n\n'''\nformat = 1\n");
        let names = ["http", "http.listen", "log", "log.level", "log.format", "log.none"];
        assert_eq!(names.map(|name| lines.line(name)), [1, 3, 5, 6, 9, 1]);
        let lines = Lines::of("http.listen = 1\nlog = { level = 1,\n format = 2 }");
        assert_eq!(["http.listen", "log.level", "log.format"].map(|name| lines.line(name)), [1, 2, 3]);
        assert_eq!(Lines::of("[http").line("http"), 1);
    }
}
