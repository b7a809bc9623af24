//! Sessions that come and go all the time, in all the ways there are. Nobody judges what they are told, but they must
//! leave nothing behind. Every other one comes under a name that nobody has had before.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt::{self, task::JoinHandle};
use serde_json::json;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    app::token,
    clients::{
        http::Http,
        raw::{frame, header},
        room::EVERYWHERE,
    },
    cluster::Cluster,
    engines::proxy::{Proxy, Target},
    scene::{PATIENCE, attempt},
    traffic::Dice,
};

/// How often a client says that it is there, before it is asked.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long a client that has said goodbye waits for the other side.
const FAREWELL: Duration = Duration::from_secs(3);

/// What the kernel takes in for a client that does not read.
const NARROW_BYTES: u32 = 4096;

/// The room that fills the outbox of whoever does not read it: so much, so often.
const BUSY: &str = "busy";
const BUSY_BYTES: usize = 24 << 10;
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// Users who come again.
const REGULARS: u64 = 50;

const WAYS: [Way; 4] = [Way::WebSocket, Way::WebSocket, Way::EventStream, Way::Poll];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    WebSocket,
    EventStream,
    Poll,
}

const ENDS: [End; 8] = [
    End::Close,
    End::Drop,
    End::Reset,
    End::HalfClose,
    End::MidFrame,
    End::HalfCloseMidFrame,
    End::Garbage,
    End::Deaf,
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// As a good client does.
    Close,
    /// The process of the client ends.
    Drop,
    Reset,
    /// It says nothing more and reads on.
    HalfClose,
    MidFrame,
    HalfCloseMidFrame,
    Garbage,
    /// It never reads, and is ended by the server.
    Deaf,
}

/// What is no frame, or no good one.
fn garbage(dice: &mut Dice) -> Vec<u8> {
    match dice.below(6) {
        0 => b"\x81\x05hello".to_vec(),
        1 => frame(0xC1, b"{}"),
        2 => frame(0x83, b"{}"),
        3 => frame(0x81, b"\xC0\x80"),
        4 => header(0x81, 1 << 40),
        _ => (0..200).map(|_| dice.below(256) as u8).collect(),
    }
}

/// What all of a crowd share.
struct Place {
    /// The nodes, and the ways to them through bad networks.
    addresses: Vec<SocketAddr>,
    guests: Cell<u64>,
    is_resting: Cell<bool>,
    is_over: Cell<bool>,
    /// How often, by what.
    tally: RefCell<BTreeMap<String, usize>>,
}

impl Place {
    /// Whether nobody is wanted.
    fn is_closed(&self) -> bool {
        self.is_over.get() || self.is_resting.get()
    }
}

pub struct Crowd {
    pub doors: Vec<Proxy>,
    place: Rc<Place>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    pub fn start(cluster: &Cluster, count: usize, visit: Duration, dice: &mut Dice) -> Self {
        let nodes: Vec<SocketAddr> = cluster.nodes.iter().map(|node| node.app.address).collect();
        let doors: Vec<Proxy> = nodes.iter().map(|node| Proxy::start(Target::Port(*node))).collect();
        let addresses = nodes.iter().copied().chain(doors.iter().map(|door| door.address)).collect();
        let place = Rc::new(Place {
            addresses,
            guests: Cell::new(0),
            is_resting: Cell::new(false),
            is_over: Cell::new(false),
            tally: RefCell::default(),
        });
        let guest = |_| rt::spawn(Guest { place: place.clone(), visit, dice: dice.fork() }.live());
        let mut tasks: Vec<JoinHandle<()>> = (0..count).map(guest).collect();
        let speaker = Http::new(nodes[0], Some(&token("speaker", EVERYWHERE, 7200)));
        tasks.push(rt::spawn(fill(place.clone(), speaker)));
        Self { doors, place, tasks }
    }

    pub fn visits(&self) -> usize {
        let tally = self.place.tally.borrow();
        WAYS[1..].iter().filter_map(|way| tally.get(&format!("{way:?}"))).sum()
    }

    /// Whoever is there leaves, and nobody comes, as long as it rests.
    pub fn rest(&self, is_resting: bool) {
        self.place.is_resting.set(is_resting);
    }

    /// Waits until all have gone, and says how often they came.
    pub async fn end(self) -> String {
        self.place.is_over.set(true);
        let visits = self.visits();
        for task in self.tasks {
            task.await.unwrap();
        }
        let tally = self.place.tally.borrow();
        let each: Vec<String> = tally.iter().map(|(what, count)| format!("{what} {count}")).collect();
        format!("{visits} visits ({})", each.join(", "))
    }
}

/// Says something large in the busy room, again and again.
async fn fill(place: Rc<Place>, speaker: Http) {
    let body = json!({ "data": "x".repeat(BUSY_BYTES) }).to_string();
    while !place.is_over.get() {
        rt::time::sleep(BUSY_PAUSE).await;
        if place.is_resting.get() {
            continue;
        }
        let request = speaker.request("POST", &format!("/v1/rooms/{BUSY}/messages"));
        let request = request.insert_header(("Content-Type", "application/json")).force_close();
        // What is refused while something fails is said no more.
        let _ = attempt(&speaker, request, body.clone()).await;
    }
}

struct Guest {
    place: Rc<Place>,
    visit: Duration,
    dice: Dice,
}

impl Guest {
    async fn live(mut self) {
        // Not all in the same instant.
        rt::time::sleep(self.dice.millis(2000)).await;
        while !self.place.is_over.get() {
            if self.place.is_resting.get() {
                rt::time::sleep(self.dice.millis(1000)).await;
                continue;
            }
            if let Err(error) = self.come_and_go().await {
                self.note(&format!("failed ({:?})", error.kind()));
                rt::time::sleep(self.dice.millis(500)).await;
            }
        }
    }

    fn note(&self, what: &str) {
        *self.place.tally.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    async fn come_and_go(&mut self) -> io::Result<()> {
        let place = self.place.clone();
        let way = WAYS[self.dice.below(WAYS.len() as u64) as usize];
        let end = ENDS[self.dice.below(ENDS.len() as u64) as usize];
        let is_deaf = end == End::Deaf && way != Way::Poll;
        let address = place.addresses[self.dice.below(place.addresses.len() as u64) as usize];
        let until = Instant::now() + self.dice.millis(self.visit.as_millis() as u64);
        let socket = TcpSocket::new_v4()?;
        if is_deaf {
            socket.set_recv_buffer_size(NARROW_BYTES)?;
        }
        let stream = in_time(PATIENCE, socket.connect(address)).await?;
        let request = self.request(way, is_deaf);
        let mut visitor = Visitor { stream, way, request };
        visitor.enter().await?;
        self.note(&format!("{way:?}"));
        if is_deaf {
            visitor.endure(self.visit, &place).await?;
        } else {
            visitor.stay(until, &place).await?;
            visitor.leave(end, &mut self.dice).await?;
        }
        self.note(&format!("{end:?}"));
        Ok(())
    }

    /// The head of a request by somebody, into a room with all others, a busy one, or one of its own.
    fn request(&mut self, way: Way, is_deaf: bool) -> String {
        let number = self.place.guests.replace(self.place.guests.get() + 1);
        let user = match self.dice.below(2) {
            0 => format!("guest{number}"),
            _ => format!("regular{}", self.dice.below(REGULARS)),
        };
        let room = match self.dice.below(4) {
            _ if is_deaf => BUSY.to_owned(),
            0 => "one".to_owned(),
            1 => format!("regulars{}", self.dice.below(REGULARS)),
            _ => format!("room{number}"),
        };
        let token = token(&user, EVERYWHERE, 3600);
        let (path, upgrade) = match way {
            Way::WebSocket => (
                format!("/v1/ws?rooms={room}"),
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            ),
            Way::EventStream => (format!("/v1/sse?rooms={room}"), ""),
            Way::Poll => (format!("/v1/poll?rooms={room}&since=inbox@00000000.0&wait=5"), ""),
        };
        format!("GET {path} HTTP/1.1\r\nHost: tidings\r\nAuthorization: Bearer {token}\r\n{upgrade}\r\n")
    }
}

async fn in_time<T>(patience: Duration, task: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, task).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// One connection of a guest.
struct Visitor {
    stream: TcpStream,
    way: Way,
    request: String,
}

impl Visitor {
    async fn enter(&mut self) -> io::Result<()> {
        in_time(PATIENCE, self.stream.write_all(self.request.as_bytes())).await?;
        if self.way == Way::Poll {
            return Ok(());
        }
        let mut head = Vec::new();
        while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            if in_time(PATIENCE, self.stream.read_buf(&mut head)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.get(9..12).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        match status.as_str() {
            "101" | "200" => Ok(()),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    /// Reads what comes, and shows now and then that it is there.
    async fn stay(&mut self, until: Instant, place: &Place) -> io::Result<()> {
        let mut sign = Instant::now();
        let mut buffer = vec![0; 16 << 10];
        while Instant::now() < until && !place.is_closed() {
            if self.way == Way::WebSocket && sign <= Instant::now() {
                sign += SIGN_OF_LIFE;
                let commands = [frame(0x81, br#"{"type":"ping"}"#), frame(0x89, b"there")];
                in_time(PATIENCE, self.stream.write_all(&commands.concat())).await?;
            }
            let patience = until.saturating_duration_since(Instant::now()).min(SIGN_OF_LIFE);
            match timeout(patience, self.stream.read(&mut buffer)).await {
                Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(Ok(_)) if self.way == Way::Poll => {
                    in_time(PATIENCE, self.stream.write_all(self.request.as_bytes())).await?;
                }
                Ok(read) => drop(read?),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Never reads, and says that it is there, until the server has had enough or the time is over.
    async fn endure(&mut self, patience: Duration, place: &Place) -> io::Result<()> {
        let end = Instant::now() + patience;
        while Instant::now() < end && !place.is_closed() {
            rt::time::sleep(SIGN_OF_LIFE).await;
            if self.way == Way::WebSocket && self.stream.write_all(&frame(0x8A, b"")).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn leave(mut self, end: End, dice: &mut Dice) -> io::Result<()> {
        let is_websocket = self.way == Way::WebSocket;
        let part = match end {
            End::Close if is_websocket => frame(0x88, &1000_u16.to_be_bytes()),
            End::MidFrame | End::HalfCloseMidFrame if is_websocket => {
                frame(0x81, &[b'{'; 100])[..50].to_vec()
            }
            End::MidFrame | End::HalfCloseMidFrame => self.request.as_bytes()[..50].to_vec(),
            End::Garbage => garbage(dice),
            _ => Vec::new(),
        };
        in_time(FAREWELL, self.stream.write_all(&part)).await?;
        match end {
            End::Reset => SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?,
            End::HalfClose | End::HalfCloseMidFrame => {
                in_time(FAREWELL, self.stream.shutdown()).await?;
                self.read_to_end().await;
            }
            End::Close | End::Garbage if is_websocket => self.read_to_end().await,
            _ => {}
        }
        Ok(())
    }

    async fn read_to_end(&mut self) {
        let mut buffer = vec![0; 16 << 10];
        let reading = async { while self.stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
        // Whoever does not answer a goodbye is left.
        let _ = timeout(FAREWELL, reading).await;
    }
}
