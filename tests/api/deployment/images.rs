//! The image, and those that compose starts together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{IpAddr, Ipv4Addr},
    process::Command,
};

use serde_json::Value;

use super::{configured, read, with_secrets, yaml};
use tidings::domain::Network;

use crate::{
    engines::front::committed,
    tidy::reading::{root, sources},
};

/// Services of a compose file that run tidings.
pub fn servers(file: &str) -> Vec<(String, Value)> {
    let compose = yaml::one(file);
    let services = compose["services"].as_object().unwrap().clone().into_iter();
    services.filter(|(_, service)| service["image"] == "tidings").collect()
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.map(|text| text.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()).collect()
}

/// The instructions of each stage, with continued lines as one.
fn stages() -> Vec<Vec<(String, String)>> {
    let text = committed("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut stages: Vec<Vec<(String, String)>> = Vec::new();
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap();
        if word == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().expect("it begins with FROM").push((word.to_owned(), rest.trim().to_owned()));
    }
    stages
}

#[test]
fn the_image_holds_the_program_alone_and_runs_as_nobody_with_its_own_folder() {
    let stages = stages();
    let [build, last] = &stages[..] else { panic!("two stages") };
    let of = |word: &str| -> Vec<&str> {
        last.iter().filter(|(name, _)| name == word).map(|(_, rest)| rest.as_str()).collect()
    };
    let built = build.iter().map(|(_, rest)| rest.as_str()).collect::<Vec<_>>().join("\n");
    let compiler = read("Cargo.toml");
    let (_, version) = compiler.split_once("rust-version = \"").unwrap();
    let version = version.split('"').next().unwrap();
    assert!(built.contains(&format!("rust:{version}-bookworm")), "the compiler of Cargo.toml");
    assert!(built.contains("--locked") && built.matches("--mount=type=cache").count() == 2, "{built}");
    assert_eq!(of("COPY").len(), 1, "only the program is taken over");
    let user = of("USER")[0].split(':').next().unwrap();
    assert!(
        user.parse::<u32>().is_ok_and(|user| user > 0),
        "a number, so that others can see that it is not root"
    );
    assert!(of("RUN")[0].contains(&format!("--uid {user} ")));
    let shell = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap().join(" ");
    assert_eq!(shell(of("ENTRYPOINT")[0]) + " " + &shell(of("CMD")[0]), "tidings serve");
    let (_, check) = of("HEALTHCHECK")[0].split_once("CMD ").unwrap();
    assert_eq!(shell(check), "tidings health");
    for label in ["title", "description", "version", "revision", "licenses"] {
        assert!(of("LABEL")[0].contains(&format!("org.opencontainers.image.{label}=")), "{label}");
    }
    // All that it writes is in its volume, and the port that it listens on is the one that is named.
    let variables: BTreeMap<String, String> = of("ENV")[0]
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain([("TIDINGS_AUTH_SECRET".to_owned(), "a".repeat(32))])
        .collect();
    let config = configured(variables);
    assert_eq!(of("EXPOSE"), [config.http.listen.port().to_string()]);
    let volume = of("VOLUME")[0];
    assert!(config.store.url.to_string().starts_with(&format!("sqlite://{volume}/")));
}

/// A build sees what `Dockerfile.dockerignore` lets through, and nothing else.
#[test]
fn the_image_is_built_of_what_it_is_given() {
    let ignore = committed("Dockerfile.dockerignore");
    let let_through: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let folder = tempfile::tempdir().unwrap();
    for name in &let_through {
        let (from, to) = (root().join(name), folder.path().join(name));
        let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
        assert!(copied.success(), "{name}");
    }
    // Cargo looks for each target that the manifest names.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let read = Command::new(cargo)
        .current_dir(&folder)
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    // And the compiler for each file that the program holds.
    for (file, text) in sources("src") {
        let text = crate::tidy::reading::program(&text);
        for rest in ["include_str!(\"", "include_bytes!(\""].iter().flat_map(|word| text.split(word).skip(1))
        {
            let named = rest.split('"').next().unwrap();
            let is_test = file.contains("tests") || file == "auth/signing.rs";
            let path = folder.path().join("src").join(&file).parent().unwrap().join(named);
            assert!(
                is_test || fs::exists(&path).unwrap(),
                "{file} holds {named}, which a build does not see"
            );
        }
        for rest in text.split("embed_migrations!(\"").skip(1) {
            assert!(folder.path().join(rest.split('"').next().unwrap()).exists(), "{rest}");
        }
    }
}

#[test]
fn compose_files_name_only_what_is_there() {
    for file in ["compose.yaml", "compose.scale.yaml"] {
        let compose = yaml::one(file);
        let services = compose["services"].as_object().unwrap();
        for (name, service) in services {
            let about = format!("{file}: {name}");
            for mount in texts(&service["volumes"]) {
                let source = mount.split(':').next().unwrap();
                let is_there = match source.strip_prefix("./") {
                    Some(path) => root().join("deploy").join(path).exists(),
                    None => compose["volumes"].get(source).is_some(),
                };
                assert!(is_there, "{about}: {source}");
            }
            let networks = match &service["networks"] {
                Value::Object(named) => named.keys().cloned().collect(),
                list => texts(list),
            };
            for network in networks {
                assert!(compose["networks"].get(&network).is_some(), "{about}: {network}");
            }
            let needed = match &service["depends_on"] {
                Value::Object(needed) => needed.clone(),
                list => texts(list).into_iter().map(|name| (name, Value::Null)).collect(),
            };
            for (other, condition) in needed {
                let other = services.get(&other).unwrap_or_else(|| panic!("{about} needs {other}"));
                // The image of tidings has a check of its own.
                let has_check = other["healthcheck"].is_object() || other["image"] == "tidings";
                assert!(condition["condition"] != "service_healthy" || has_check, "{about}");
            }
            assert!(service["restart"] == "unless-stopped", "{about}");
            // Latest is another one tomorrow.
            let image = service["image"].as_str().unwrap();
            assert!(image == "tidings" || image.contains(':') && !image.ends_with(":latest"), "{about}");
        }
    }
}

#[test]
fn instances_of_compose_start_with_what_they_are_set_and_write_nowhere_else() {
    for (file, count) in [("compose.yaml", 1), ("compose.scale.yaml", 2)] {
        let servers = servers(file);
        assert_eq!(servers.len(), count);
        for (name, service) in servers {
            let variables = service["environment"].as_object().unwrap().iter();
            let variables =
                variables.map(|(name, value)| (name.clone(), with_secrets(value.as_str().unwrap())));
            let config = configured(variables.collect());
            assert_eq!(config.bridge.url.is_some(), count > 1, "{file}: {name}");
            assert!(service["read_only"] == true && texts(&service["cap_drop"]) == ["ALL"], "{file}: {name}");
            let context = service["build"]["context"].as_str().unwrap();
            let dockerfile = service["build"]["dockerfile"].as_str().unwrap();
            assert!(root().join("deploy").join(context).join(dockerfile).exists(), "{file}: {name}");
        }
    }
}

/// nginx asks for the addresses of its instances once, and is believed by its own; so nobody else may ever get them.
#[test]
fn whoever_is_known_by_its_address_keeps_it_when_all_are_made_anew() {
    let scale = yaml::one("compose.scale.yaml");
    let own = |service: &Value| -> Ipv4Addr {
        let address = &service["networks"]["inside"]["ipv4_address"];
        address.as_str().expect("an address of its own").parse().unwrap()
    };
    let network = &scale["networks"]["inside"]["ipam"]["config"][0];
    let within = |field: &str| network[field].as_str().unwrap().parse::<Network>().unwrap();
    let mut fixed = vec![own(&scale["services"]["nginx"])];
    let conf = committed("nginx/tidings.conf");
    for (name, service) in servers("compose.scale.yaml") {
        let trusted = &service["environment"]["TIDINGS_HTTP_TRUSTED_PROXIES"];
        assert_eq!(trusted.as_str().unwrap(), fixed[0].to_string(), "{name}");
        assert!(conf.contains(&format!("server {name}:8080 ")), "{name}");
        fixed.push(own(&service));
    }
    fixed.push(network["gateway"].as_str().unwrap().parse().unwrap());
    let count = fixed.iter().collect::<BTreeSet<_>>().len();
    assert_eq!(count, fixed.len());
    for address in fixed.into_iter().map(IpAddr::from) {
        assert!(within("subnet").contains(address) && !within("ip_range").contains(address), "{address}");
    }
}

/// What is not TLS is for this machine alone; nginx is for others once it has a certificate, and not by the plain port
/// any more.
#[test]
fn nothing_is_open_to_others_without_tls() {
    for file in ["compose.yaml", "compose.scale.yaml"] {
        for (name, service) in yaml::one(file)["services"].as_object().unwrap() {
            for port in texts(&service["ports"]) {
                assert!(port.starts_with("127.0.0.1:"), "{file}: {name}: {port}");
            }
        }
    }
    assert!(committed("compose.tls.yaml").contains("    ports: !override [\"443:443\"]"));
    assert!(committed("nginx/tls.conf").contains("listen 443 ssl"));
}
