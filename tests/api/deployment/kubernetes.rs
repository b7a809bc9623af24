//! The manifests: each names only what the others have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{configured, yaml};
use crate::{app::SECRET, engines::front::committed, tidy::reading::root};

/// All that `kubectl apply -k` would send, by kind and name.
fn manifests() -> BTreeMap<(String, String), Value> {
    let base = yaml::one("kubernetes/kustomization.yaml");
    let files = base["resources"].as_array().unwrap().iter().map(|file| file.as_str().unwrap());
    let documents = files.flat_map(|file| yaml::all(&format!("kubernetes/{file}")));
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let named = documents.map(|one| ((text(&one["kind"]), text(&one["metadata"]["name"])), one));
    named.collect()
}

fn of(kind: &str) -> Value {
    let found = manifests().into_iter().find(|((of, _), _)| of == kind);
    found.unwrap_or_else(|| panic!("no {kind}")).1
}

/// The pods of the deployment.
pub fn pod() -> Value {
    of("Deployment")["spec"]["template"]["spec"].clone()
}

/// The ports of the container, by name.
fn ports() -> BTreeMap<String, u64> {
    let pod = pod();
    let ports = pod["containers"][0]["ports"].as_array().unwrap();
    let named =
        ports.iter().map(|port| (port["name"].as_str().unwrap(), port["containerPort"].as_u64().unwrap()));
    named.map(|(name, port)| (name.to_owned(), port)).collect()
}

/// Whether all of these labels are among those.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted =
        selector.as_object().filter(|wanted| !wanted.is_empty()).unwrap_or_else(|| panic!("{selector}"));
    wanted.iter().all(|(name, value)| &labels[name] == value)
}

#[test]
fn the_base_has_every_manifest_and_each_is_of_a_version_that_clusters_know() {
    let base = yaml::one("kubernetes/kustomization.yaml");
    let files = std::fs::read_dir(root().join("deploy/kubernetes")).unwrap();
    let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|file| file != "kustomization.yaml");
    let mut named: Vec<String> =
        base["resources"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    files.sort();
    named.sort();
    assert_eq!(files, named);
    let versions = [
        ("ConfigMap", "v1"),
        ("Deployment", "apps/v1"),
        ("HorizontalPodAutoscaler", "autoscaling/v2"),
        ("Ingress", "networking.k8s.io/v1"),
        ("Namespace", "v1"),
        ("NetworkPolicy", "networking.k8s.io/v1"),
        ("PodDisruptionBudget", "policy/v1"),
        ("PrometheusRule", "monitoring.coreos.com/v1"),
        ("Service", "v1"),
        ("ServiceMonitor", "monitoring.coreos.com/v1"),
    ];
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    for ((kind, _), one) in manifests() {
        kinds.insert(kind, one["apiVersion"].as_str().unwrap().to_owned());
    }
    let kinds: Vec<(&str, &str)> = kinds.iter().map(|(kind, version)| (&**kind, &**version)).collect();
    assert_eq!(kinds, versions);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(base["images"][0]["newTag"], version);
    assert_eq!(base["namespace"], of("Namespace")["metadata"]["name"]);
}

/// The operator reads rules of its own kind: these are those that are tested, word by word.
#[test]
fn a_cluster_has_the_alerts_that_everybody_has() {
    let file = "kubernetes/prometheusrule.yaml";
    let (alerts, kept) = (committed("prometheus/alerts.yml"), committed(file));
    let (_, groups) = alerts.split_once("\ngroups:\n").unwrap();
    let (by_hand, _) = kept.split_once("\n  groups:\n").unwrap();
    let indented: String = groups
        .lines()
        .map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") })
        .collect();
    let made = format!("{by_hand}\n  groups:\n{indented}");
    if std::env::var("TIDINGS_TEST_WRITE").is_ok() {
        return std::fs::write(root().join("deploy").join(file), made).unwrap();
    }
    assert!(kept == made, "{file} is not what alerts.yml is; its first lines say how it is made anew");
    assert_eq!(yaml::one(file)["spec"]["groups"], yaml::one("prometheus/alerts.yml")["groups"]);
}

#[test]
fn whatever_is_selected_is_there() {
    let deployment = of("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let own = |selector: &Value| assert!(selects(selector, labels), "{selector}");
    own(&deployment["spec"]["selector"]["matchLabels"]);
    own(&of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]);
    own(&of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]);
    own(
        &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    );
    let target = of("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"].clone();
    assert_eq!([&target["kind"], &target["name"]], [&json!("Deployment"), &deployment["metadata"]["name"]]);

    let ports = ports();
    let services: Vec<Value> =
        manifests().into_iter().filter(|((kind, _), _)| kind == "Service").map(|(_, one)| one).collect();
    for service in &services {
        own(&service["spec"]["selector"]);
        for port in service["spec"]["ports"].as_array().unwrap() {
            assert!(ports.contains_key(port["targetPort"].as_str().unwrap()), "{port}");
        }
    }
    let has = |service: &Value, port: &str| {
        service["spec"]["ports"].as_array().unwrap().iter().any(|one| one["name"] == port)
    };
    let monitor = of("ServiceMonitor")["spec"].clone();
    let scraped: Vec<&Value> = services
        .iter()
        .filter(|service| selects(&monitor["selector"]["matchLabels"], &service["metadata"]["labels"]))
        .collect();
    assert!(scraped.len() == 1 && has(scraped[0], monitor["endpoints"][0]["port"].as_str().unwrap()));
    assert_eq!(monitor["endpoints"][0]["path"], "/metrics");
    let backend = of("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].clone();
    let led = services.iter().find(|service| service["metadata"]["name"] == backend["name"]).unwrap();
    assert!(has(led, backend["port"]["name"].as_str().unwrap()) && !has(led, "admin"), "clients alone");
    for rule in of("NetworkPolicy")["spec"]["ingress"].as_array().unwrap() {
        for port in rule["ports"].as_array().unwrap() {
            assert!(ports.contains_key(port["port"].as_str().unwrap()), "{port}");
        }
    }
}

#[test]
fn a_pod_starts_with_what_it_is_set_is_asked_what_the_server_answers_and_may_do_little() {
    let settings = of("ConfigMap")["data"].as_object().unwrap().clone();
    let settings = settings.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned()));
    // Those of the secret, as the page says.
    let secrets = [
        ("TIDINGS_AUTH_SECRET", SECRET),
        ("TIDINGS_BRIDGE_SECRET", SECRET),
        ("TIDINGS_STORE_URL", "postgres://tidings@db/tidings"),
        ("TIDINGS_BRIDGE_URL", "redis://redis"),
    ];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = configured(settings.chain(secrets).collect());
    let ports = ports();
    assert_eq!(u64::from(config.http.listen.port()), ports["http"]);
    assert_eq!(u64::from(config.http.admin_listen.unwrap().port()), ports["admin"]);
    let host = of("Ingress")["spec"]["rules"][0]["host"].clone();
    assert_eq!(config.http.public_url.unwrap(), format!("https://{}", host.as_str().unwrap()));

    let pod = pod();
    let container = &pod["containers"][0];
    let probes = [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")];
    for (probe, path) in probes {
        let asked = &container[probe]["httpGet"];
        assert_eq!([&asked["path"], &asked["port"]], [&json!(path), &json!("http")], "{probe}");
    }
    let allowed = &container["securityContext"];
    assert_eq!(allowed["allowPrivilegeEscalation"], false);
    assert_eq!(allowed["readOnlyRootFilesystem"], true);
    assert_eq!(allowed["capabilities"], json!({ "drop": ["ALL"] }));
    assert_eq!(
        [&pod["securityContext"]["runAsNonRoot"], &pod["automountServiceAccountToken"]],
        [true, false]
    );
    let update = &of("Deployment")["spec"]["strategy"]["rollingUpdate"];
    assert_eq!([&update["maxUnavailable"], &update["maxSurge"]], [0, 1]);
}
