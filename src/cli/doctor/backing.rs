//! What a server stands on: its database, the bus, and the key for Web Push.

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret;

use super::findings::{Findings, milliseconds};
use crate::{
    app::store_options,
    bridge, clock,
    config::{Config, StoreUrl},
    domain::Timestamp,
    push::VapidKey,
    store,
};

/// What clocks may differ by before anybody notices: tokens allow for more.
const CLOCK_CLOSE: Duration = Duration::from_secs(2);

/// A publish waits for the database about twice.
const DATABASE_NEAR: Duration = Duration::from_millis(50);

/// The oldest Redis that has all we need.
const REDIS_MAJOR_MIN: u32 = 7;

pub async fn examine(config: &Config, findings: &mut Findings) {
    let options = store_options(config);
    let examined = actix_web::web::block(move || store::examine(&options)).await;
    match examined.map_err(|error| error.to_string()).and_then(|examined| examined.map_err(|e| e.to_string()))
    {
        Ok(examined) => database(&config.store.url, &examined, findings),
        Err(error) => findings.fail(
            "database",
            format!("store.url: {error}"),
            "start it, or correct store.url: user, password, name, and what it lets in",
        ),
    }
    bus(config, findings).await;
    if config.push.enabled {
        push(config, findings);
    }
}

fn database(url: &StoreUrl, examined: &store::Examined, findings: &mut Findings) {
    let check = "database";
    if let StoreUrl::Sqlite(path) = url {
        folder(path, findings);
    }
    let state = match (&examined.migrations.unknown.first(), examined.migrations.pending.len()) {
        (Some(unknown), _) => {
            let detail = format!("{url} was changed by a newer version of tidings (migration {unknown})");
            let fix = "run that version; this one starts if that one allows it, and says so";
            return findings.warn(check, detail, fix);
        }
        (None, 0) => "of this version".to_owned(),
        (None, count) => format!("{count} migrations behind, which `serve` or `migrate up` runs"),
    };
    let taken = if examined.is_taken { ", and a server works with it" } else { "" };
    findings.ok(check, format!("{url} is {state}{taken}; {}", milliseconds(examined.round_trip)));
    if let Some(there) = examined.clock {
        clocks("the database", there, findings);
        if examined.round_trip > DATABASE_NEAR {
            let detail = format!("logging in and asking took {}", milliseconds(examined.round_trip));
            findings.warn(check, detail, "put server and database into one place: each publish waits for it");
        }
    }
}

fn folder(path: &Path, findings: &mut Findings) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() || metadata.permissions().readonly() => {
            let detail = format!("store.url: {} is no folder that can be written", folder.display());
            findings.fail("database", detail, "give it to the user that the server runs as");
        }
        Ok(_) => {}
        Err(error) => {
            let detail = format!("store.url: {}: {error}", folder.display());
            findings.fail("database", detail, "make the folder, for the user that the server runs as");
        }
    }
}

async fn bus(config: &Config, findings: &mut Findings) {
    let check = "bus";
    let Some(url) = &config.bridge.url else {
        let is_alone = matches!(config.store.url, StoreUrl::Sqlite(_));
        let detail = if is_alone {
            "bridge.url is not set: one instance needs none"
        } else {
            "bridge.url is not set: right for one instance; several hear of each other by the database alone"
        };
        return findings.ok(check, detail.to_owned());
    };
    let examined = match bridge::examine(url, config.bridge.timeout).await {
        Ok(examined) => examined,
        Err(error) => {
            let fix = "start it, or correct bridge.url; a user of its ACL needs what README names";
            return findings.fail(check, format!("bridge.url: {error}"), fix);
        }
    };
    let bridge::Examined { round_trip, clock, version, eviction } = examined;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < REDIS_MAJOR_MIN) {
        return findings.fail(check, format!("Redis {version} is too old"), "Redis 7.0 or newer is needed");
    }
    let name = format!("Redis {version}").trim_end().to_owned();
    findings.ok(check, format!("{name} answers within {}", milliseconds(round_trip)));
    if round_trip * 4 > config.bridge.timeout {
        let detail = format!("an answer took {}, and bridge.timeout is near that", milliseconds(round_trip));
        findings.warn(check, detail, "put Redis nearer, or raise bridge.timeout");
    }
    if !matches!(eviction.as_str(), "" | "noeviction") {
        let detail = format!("maxmemory-policy is {eviction}: a full Redis may throw away who is in a room");
        findings.warn(check, detail, "maxmemory-policy noeviction");
    }
    clocks("Redis", clock, findings);
}

fn clocks(what: &str, there: Timestamp, findings: &mut Findings) {
    let ahead = there.as_micros() - clock::now().as_micros();
    let apart = Duration::from_micros(ahead.unsigned_abs());
    if apart <= CLOCK_CLOSE {
        return findings.ok("clock", format!("within {} of {what}", milliseconds(apart)));
    }
    let word = if ahead > 0 { "behind" } else { "ahead of" };
    let detail = format!("this machine is {:.1} s {word} {what}", apart.as_secs_f64());
    findings.warn("clock", detail, "keep all clocks right (chrony, systemd-timesyncd): tokens end by them");
}

fn push(config: &Config, findings: &mut Findings) {
    let (check, push) = ("web push", &config.push);
    // One that is none has stopped us before.
    let key = push.vapid_private_key.as_ref().and_then(|key| VapidKey::parse(key.expose_secret()).ok());
    let key = key.map_or("the key is kept in the database".to_owned(), |key| {
        format!("the public key is {}", key.public_text())
    });
    let subject = push.subject.as_deref().unwrap_or_default();
    let is_reserved =
        [".example", ".invalid", ".test", ".localhost", "example.com", "example.org", "example.net"]
            .iter()
            .any(|end| subject.trim_end_matches('/').ends_with(end));
    if is_reserved {
        let fix = "set push.subject to an address of yours: services write there before they refuse you, and Apple's refuses \
                   what is no address";
        return findings.warn(check, format!("push.subject is {subject}, which nobody reads"), fix);
    }
    findings.ok(check, format!("services may write to {subject}; {key}"));
}
