//! Where settings come from, each source as a layer of `section.key` with its origin.
//!
//! The environment is given, never read here, so that two readers (or two tests) do not meet in it.

use std::{collections::BTreeMap, ffi::OsString, fs, io, os::unix::fs::PermissionsExt as _, path::PathBuf};

use config::{FileFormat, Map, Source, Value};

use super::{
    ConfigError, keys,
    lines::Lines,
    table::{self, Kind},
};

/// The bit of a file by which those may read it who are neither its owner nor of its group.
const OTHERS_READ: u32 = 0o004;

/// What to read settings from; the later field wins.
#[derive(Default)]
pub struct Sources {
    /// `--config`; where missing `TIDINGS_CONFIG`, else `tidings.toml` in `folder` if it is there.
    pub file: Option<PathBuf>,
    /// Where `tidings.toml` is looked for; empty is the current folder.
    pub folder: PathBuf,
    pub environment: BTreeMap<String, OsString>,
    /// Whether `PORT=n` is a port of loopback only, instead of every address.
    pub is_port_local: bool,
    /// What a verb sets by itself, under its name.
    pub preset: Option<(&'static str, Vec<(&'static str, String)>)>,
    /// `--set section.key=value`.
    pub overrides: Vec<String>,
}

/// Settings of one source by `section.key`; each value knows its origin.
pub(super) type Layer = Map<String, Value>;

impl Sources {
    /// All layers, the later over the earlier.
    pub(super) fn layers(&self) -> Result<[Layer; 4], ConfigError> {
        let known = keys::all();
        Ok([self.file(&known)?, self.environment(&known)?, self.preset(), self.overrides(&known)?])
    }

    fn file(&self, known: &[String]) -> Result<Layer, ConfigError> {
        let (path, from) = self.path();
        let text = match fs::read_to_string(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && from.is_empty() => {
                return Ok(Layer::new());
            }
            result => result.map_err(|cause| ConfigError::Unreadable {
                what: format!("{path:?}{from}"),
                cause,
                fix: "name a file that this user may read, or write one with `tidings init`",
            })?,
        };
        let sections = config::File::from_str(&text, FileFormat::Toml).collect().map_err(|error| {
            ConfigError::Malformed { path: path.clone(), detail: without_excerpt(&error) }
        })?;
        let lines = Lines::of(&text);
        let place =
            |name: &str| format!("{}:{}", path.display().to_string().escape_debug(), lines.line(name));
        let unknown = |name: &str| ConfigError::Unknown {
            name: format!("{} in {}", name.escape_debug(), place(name)),
            suggestion: nearest(name, known),
        };
        let mut layer = Layer::new();
        for (section, value) in sections {
            let keys = value.into_table().map_err(|_| unknown(&section))?;
            for (key, value) in keys {
                let key = format!("{section}.{key}");
                if !known.contains(&key) {
                    return Err(unknown(&key));
                }
                layer.insert(key.clone(), Value::new(Some(&place(&key)), value.kind));
            }
        }
        Ok(layer)
    }

    /// Where the file is, and who says so; nobody says where it is looked for anyway.
    pub fn path(&self) -> (PathBuf, &'static str) {
        let named = self.raw("TIDINGS_CONFIG").map(|path| (PathBuf::from(path), " (from TIDINGS_CONFIG)"));
        let named = self.file.clone().map(|path| (path, " (from --config)")).or(named);
        named.unwrap_or_else(|| (self.folder.join("tidings.toml"), ""))
    }

    /// That everybody on the machine may read a secret: the first one in the file, if it is such a file. One that
    /// `NAME_FILE` names is not looked at, since who hands it over (Docker, Kubernetes) sees to that.
    pub(super) fn shown_secret(&self) -> Option<String> {
        let (path, _) = self.path();
        let mode = fs::metadata(&path).ok()?.permissions().mode();
        let set = (mode & OTHERS_READ != 0).then(|| self.file(&keys::all()).ok())??;
        let secret = table::all().find(|one| one.kind == Kind::Secret && set.contains_key(one.key))?;
        Some(format!(
            "{} (from {}) may be read by everybody on this machine: chmod 600 the file, and where the server is not \
             its owner, name a file of the secret alone by {}_FILE",
            secret.key,
            set.get(secret.key)?.origin()?,
            secret.variable()
        ))
    }

    fn environment(&self, known: &[String]) -> Result<Layer, ConfigError> {
        let mut layer = Layer::new();
        let mut names = vec!["TIDINGS_CONFIG".to_owned()];
        for key in known {
            let name = keys::variable(key);
            let value = match self.variable(key, &name)? {
                Some(value) => Some(value),
                None => self.conventional(key)?,
            };
            if let Some((origin, text)) = value {
                layer.insert(key.clone(), Value::new(Some(&origin), text));
            }
            names.extend([format!("{name}_FILE"), name]);
        }
        for name in self.environment.keys().filter(|name| name.starts_with("TIDINGS_")) {
            if !names.contains(name) && !is_injected(name) && self.raw(name).is_some() {
                let suggestion = keys::nearest(name, names.into_iter());
                let name = format!("environment variable {}", name.escape_debug());
                return Err(ConfigError::Unknown { name, suggestion });
            }
        }
        Ok(layer)
    }

    /// The names that platforms give to the same things.
    fn conventional(&self, key: &str) -> Result<Option<(String, String)>, ConfigError> {
        match key {
            "store.url" => self.variable(key, "DATABASE_URL"),
            "bridge.url" => self.variable(key, "REDIS_URL"),
            "http.listen" => {
                let Some((origin, port)) = self.variable(key, "PORT")? else { return Ok(None) };
                match port.parse::<u16>() {
                    Ok(port) => {
                        let address = if self.is_port_local { "127.0.0.1" } else { "0.0.0.0" };
                        Ok(Some((origin, format!("{address}:{port}"))))
                    }
                    Err(_) => Err(setting(key, origin, "a port number is expected, such as 8080")),
                }
            }
            _ => Ok(None),
        }
    }

    /// The origin and the value of a variable, or of the file that `NAME_FILE` names.
    fn variable(&self, key: &str, name: &str) -> Result<Option<(String, String)>, ConfigError> {
        let name_of_file = format!("{name}_FILE");
        match (self.raw(name), self.raw(&name_of_file)) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                let origin = format!("environment variables {name} and {name_of_file}");
                Err(setting(key, origin, "both are set; keep one"))
            }
            (Some(value), None) => {
                let origin = format!("environment variable {name}");
                let text = value.clone().into_string();
                let text = text.map_err(|_| setting(key, origin.clone(), "the value is not UTF-8"))?;
                Ok(Some((origin, text)))
            }
            (None, Some(path)) => {
                let origin = format!("environment variable {name_of_file}, {path:?}");
                let text = fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable {
                    what: format!("{key} (from {origin})"),
                    cause,
                    fix: "name a file of text that this user may read",
                })?;
                // Editors and `echo` end a file with a line break that is no part of the value.
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                Ok(Some((origin, text.to_owned())))
            }
        }
    }

    /// A variable that is set; an empty one is not.
    fn raw(&self, name: &str) -> Option<&OsString> {
        self.environment.get(name).filter(|value| !value.is_empty())
    }

    fn preset(&self) -> Layer {
        let Some((verb, settings)) = &self.preset else { return Layer::new() };
        let value = |text: &String| Value::new(Some(&(*verb).to_owned()), text.clone());
        settings.iter().map(|(key, text)| ((*key).to_owned(), value(text))).collect()
    }

    fn overrides(&self, known: &[String]) -> Result<Layer, ConfigError> {
        let mut layer = Layer::new();
        for text in &self.overrides {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            if !known.iter().any(|name| name == key) {
                let name = format!("--set {}", key.escape_debug());
                return Err(ConfigError::Unknown { name, suggestion: nearest(key, known) });
            }
            if !text.contains('=') {
                return Err(setting(key, "--set".to_owned(), "a value is expected: section.key=value"));
            }
            layer.insert(key.to_owned(), Value::new(Some(&"--set".to_owned()), value));
        }
        Ok(layer)
    }
}

fn setting(key: &str, origin: String, problem: &str) -> ConfigError {
    ConfigError::Setting { key: key.to_owned(), origin: Some(origin), problem: problem.to_owned() }
}

fn nearest(name: &str, known: &[String]) -> Option<String> {
    keys::nearest(name, known.iter().cloned())
}

/// The parser shows the line it stumbled over, and that may be the one with the secret.
fn without_excerpt(error: &config::ConfigError) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains('|')).map(str::trim).collect();
    lines.join(": ").escape_debug().to_string()
}

/// What Kubernetes and Docker links set for a service of our name.
fn is_injected(name: &str) -> bool {
    let port = name.strip_prefix("TIDINGS_PORT");
    name == "TIDINGS_SERVICE_HOST"
        || name.starts_with("TIDINGS_SERVICE_PORT")
        || port.is_some_and(|rest| {
            let number = rest.strip_prefix('_').unwrap_or_default();
            rest.is_empty() || number.starts_with(|c: char| c.is_ascii_digit())
        })
}
