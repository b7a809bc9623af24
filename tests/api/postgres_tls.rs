//! TLS to PostgreSQL, where it is built in: to a server with a certificate that the test has made.

use std::{
    fs::OpenOptions,
    io::Write,
    net::Ipv4Addr,
    path::Path,
    process::{Command, id},
};

use diesel::connection::SimpleConnection;

use crate::{
    app::{App, SECRET, program},
    engines::postgres::Server,
};

/// The loopback network has an address for each process, so that the port can stay what it is.
fn own_address() -> Ipv4Addr {
    let [_, a, b, c] = id().to_be_bytes();
    Ipv4Addr::new(127, 64 + a % 128, b, c)
}

/// Makes a certificate that is its own authority.
fn certify(folder: &Path, name: &str, address: Ipv4Addr) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=tidings test", "-addext"])
        .arg(format!("subjectAltName=IP:{address}"))
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .output()
        .expect("this test needs openssl, which is not installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[actix_web::test]
async fn a_server_is_reached_by_tls_and_only_if_the_authority_vouches_for_it() {
    let mut server = Server::start().await;
    let (address, folder) = (own_address(), server.folder.path().to_owned());
    certify(&folder, "server", address);
    certify(&folder, "stranger", address);
    server.give("server.key");
    let settings = format!(
        "ALTER SYSTEM SET listen_addresses = '{address}';
         ALTER SYSTEM SET ssl_cert_file = '../server.pem';
         ALTER SYSTEM SET ssl_key_file = '../server.key';
         ALTER SYSTEM SET ssl = on"
    );
    // One by one, since none may be in a transaction.
    for setting in settings.split(';') {
        server.connect().batch_execute(setting).unwrap();
    }
    let mut access = OpenOptions::new().append(true).open(folder.join("data/pg_hba.conf")).unwrap();
    access.write_all(b"hostssl all all 127.0.0.0/8 trust\n").unwrap();
    server.restart("-INT").await;

    let url = |authority: &str| {
        let authority = folder.join(authority);
        format!(
            "postgres://tidings@{address}/postgres?sslmode=verify-full&sslrootcert={}",
            authority.display()
        )
    };
    let app = App::start_with(&[("store.url", &url("server.pem"))]);
    app.publish("alice", 1).await;
    assert_eq!(app.unread("alice").await["unread"], 1);
    let plain = "SELECT count(*) AS number FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = 'tidings' AND NOT ssl";
    assert!(!server.backends().is_empty());
    assert_eq!(server.numbers(plain), [0]);

    let refused = program()
        .current_dir(&folder)
        .args(["serve", "--set", "http.listen=127.0.0.1:0", "--set", &format!("auth.secret={SECRET}")])
        .args(["--set", &format!("store.url={}", url("stranger.pem"))])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("certificate verify failed"), "{said}");
}
