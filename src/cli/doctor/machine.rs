//! What this machine gives: the addresses that are listened on, and open files.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use super::findings::Findings;
use crate::{
    app::Capacity,
    cli::server::url_of,
    config::{BasePath, Config},
};

/// How long a server on this machine may take to say that it is one.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn examine(config: &Config, findings: &mut Findings) {
    let http = &config.http;
    listener("http.listen", http.listen, &http.base_path, findings).await;
    if let Some(address) = http.admin_listen {
        listener("http.admin_listen", address, &http.base_path, findings).await;
    }
    files(config, findings);
}

async fn listener(key: &str, address: SocketAddr, base_path: &BasePath, findings: &mut Findings) {
    let check = "listener";
    match TcpListener::bind(address) {
        Ok(_) => findings.ok(check, format!("{key}: {address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if is_ours(&url_of(address, base_path)).await {
                findings.ok(check, format!("{key}: a tidings server answers at {address}"));
            } else {
                let fix = format!("stop it, or choose another address with --set {key}=ADDRESS:PORT");
                findings.fail(check, format!("{key}: another program listens at {address}"), &fix);
            }
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let fix = "ports below 1024 need CAP_NET_BIND_SERVICE (AmbientCapabilities of systemd); a proxy in front needs \
                       none: choose a larger one";
            findings.fail(check, format!("{key}: {address} may not be listened on"), fix);
        }
        Err(error) => {
            let fix = format!("choose an address of this machine: --set {key}=ADDRESS:PORT");
            findings.fail(check, format!("{key}: {address}: {error}"), &fix);
        }
    }
}

async fn is_ours(base: &str) -> bool {
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let answer = client.get(format!("{base}/health")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success() && answer.headers().contains_key("x-request-id"))
}

fn files(config: &Config, findings: &mut Findings) {
    let (check, wanted) = ("open files", config.limits.sessions);
    let Capacity { sessions, .. } = Capacity::new(config.http.workers, config.store.pool_size, wanted);
    match wanted {
        Some(wanted) if sessions < wanted => findings.warn(
            check,
            format!("the limit on open files is enough for {sessions} sessions, and limits.sessions is {wanted}"),
            "raise it (LimitNOFILE of systemd, --ulimit nofile of Docker, ulimit -Hn), or lower limits.sessions",
        ),
        _ => findings.ok(check, format!("enough for {sessions} sessions")),
    }
}
