//! A connection that is lost while a transaction commits: whether it did is found out, and the publish is
//! answered, or stored now, and never twice.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::{
    app::App,
    clients::http::{Answer, Http},
    engines::postgres::Server,
};

/// Where the connection of the next commit is cut.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// The server never hears of it.
    BeforeServer,
    /// The server hears of it, and works on it.
    BehindServer,
    /// The server has answered.
    BeforeClient,
}

/// Stands between the program and the server, and cuts one connection when it is told to.
struct Proxy {
    port: u16,
    next: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), next: Arc::default() };
        let (next, socket) = (proxy.next.clone(), server.folder.path().join(".s.PGSQL.5432"));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&socket) else { continue };
                pass(client, server, &next);
            }
        });
        proxy
    }

    fn app(&self) -> App {
        let url = format!("postgres://tidings@127.0.0.1:{}/postgres?sslmode=disable", self.port);
        App::start_with(&[("store.url", &url)])
    }

    fn cut(&self, at: Cut) {
        *self.next.lock().unwrap() = Some(at);
    }
}

/// Passes on what client and server say, until one of them ends or the connection is cut.
fn pass(client: TcpStream, server: UnixStream, next: &Arc<Mutex<Option<Cut>>>) {
    let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
    let (mut from_server, mut to_server) = (server.try_clone().unwrap(), server);
    let is_cut = Arc::new(AtomicBool::new(false));
    let (next, cuts_answer) = (next.clone(), is_cut.clone());
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer) {
            let is_commit = buffer[..length].windows(6).any(|word| word == b"COMMIT");
            let cut = if is_commit { next.lock().unwrap().take() } else { None };
            if cut == Some(Cut::BeforeServer) {
                break;
            }
            cuts_answer.store(cut == Some(Cut::BeforeClient), Ordering::SeqCst);
            if to_server.write_all(&buffer[..length]).is_err() || cut == Some(Cut::BehindServer) {
                break;
            }
        }
        drop(to_server.shutdown(Shutdown::Both));
        drop(from_client.shutdown(Shutdown::Both));
    });
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer) {
            if is_cut.load(Ordering::SeqCst) || to_client.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        drop(from_server.shutdown(Shutdown::Both));
        drop(to_client.shutdown(Shutdown::Both));
    });
}

async fn publish(http: &Http, key: Option<&str>) -> Answer {
    let body = json!({ "to": ["alice", "bob"], "type": "test.event", "payload": {} });
    let mut request =
        http.request("POST", "/v1/notifications").insert_header(("Content-Type", "application/json"));
    if let Some(key) = key {
        request = request.insert_header(("Idempotency-Key", key));
    }
    http.send(request, body.to_string()).await
}

/// Publishes while the connection is cut, without a key and with one, to somebody new and to somebody known.
async fn is_stored_once(server: &Server, cut: Cut) {
    let proxy = Proxy::start(server);
    let app = proxy.app();
    let mut ws = app.ws("alice").await;
    let publisher = app.http(&app.publisher());
    for (key, stored) in [(None, 1), (Some("k"), 2)] {
        proxy.cut(cut);
        let answer = publish(&publisher, key).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("Idempotent-Replayed"), None);
        assert!(proxy.next.lock().unwrap().is_none(), "it was cut");
        let id = answer.json()["notifications"][0]["id"].clone();
        assert_eq!(ws.next_numbered().await["id"], id);
        assert_eq!(server.numbers("SELECT last_offset AS number FROM inboxes"), [stored, stored]);
        assert_eq!(server.numbers("SELECT count(*) AS number FROM notifications"), [2 * stored]);
    }
    let again = publish(&publisher, Some("k")).await;
    assert_eq!((again.status, again.header("Idempotent-Replayed")), (201, Some("true")));
}

#[actix_web::test]
async fn a_commit_whose_answer_is_lost_is_found() {
    is_stored_once(&Server::start().await, Cut::BeforeClient).await;
}

#[actix_web::test]
async fn a_commit_that_the_server_never_heard_of_is_done_again() {
    is_stored_once(&Server::start().await, Cut::BeforeServer).await;
}

#[actix_web::test]
async fn a_commit_that_the_server_still_works_on_is_waited_for() {
    let server = Server::start().await;
    // The tables are made by the first process.
    drop(server.app());
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notifications DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION slow()";
    server.connect().batch_execute(slow).unwrap();
    is_stored_once(&server, Cut::BehindServer).await;
}

/// It has no id by which it could be found, and is done again: what it has deleted is not missed.
#[actix_web::test]
async fn a_deletion_whose_answer_is_lost_is_done_and_told() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server);
    let app = proxy.app();
    let mut ws = app.ws("alice").await;
    let id = publish(&app.http(&app.publisher()), None).await.json()["notifications"][0]["id"].clone();
    assert_eq!(ws.expect("unread").await["counters"]["unread"], 1);
    proxy.cut(Cut::BeforeClient);
    let answer = app.user("alice").delete(&format!("/v1/notifications/{}", id.as_str().unwrap())).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(proxy.next.lock().unwrap().is_none(), "it was cut");
    assert_eq!(ws.expect("unread").await["counters"]["unread"], 0);
    assert_eq!(app.unread("alice").await["unread"], 0);
}
