//! A bare TCP connection, for bytes that no client library would send.

use std::net::{IpAddr, SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::app::DEADLINE;

pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(timeout(DEADLINE, TcpStream::connect(address)).await.unwrap().unwrap())
    }

    /// From this address of this machine.
    pub async fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        socket.bind((source, 0).into()).unwrap();
        Self(timeout(DEADLINE, socket.connect(address)).await.unwrap().unwrap())
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(DEADLINE, self.0.write_all(bytes.as_ref())).await.unwrap().unwrap();
    }

    /// Everything until the server closes (or resets) the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset ends it as a close does.
        let _ = timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await.expect("the server does not close");
        bytes
    }

    /// The next frame of the server: its first byte and its payload.
    pub async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let read = async {
            let first = self.0.read_u8().await?;
            let length = match self.0.read_u8().await? {
                126 => u64::from(self.0.read_u16().await?),
                127 => self.0.read_u64().await?,
                short => u64::from(short),
            };
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await?;
            Ok::<_, std::io::Error>((first, payload))
        };
        timeout(DEADLINE, read).await.expect("no frame in time").unwrap()
    }

    /// Reads frames up to the close frame; its code, or none.
    pub async fn read_close(&mut self) -> Option<u16> {
        loop {
            let (first, payload) = self.read_frame().await;
            if first == 0x88 {
                return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
    }

    /// The head of an answer, up to the empty line.
    pub async fn read_head(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let byte = timeout(DEADLINE, self.0.read_u8()).await.expect("no answer in time");
            bytes.push(
                byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&bytes))),
            );
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The body that the head of an answer tells the length of.
    pub async fn read_body(&mut self, head: &str) -> Vec<u8> {
        let length = field(head, "Content-Length").unwrap_or_else(|| panic!("{head}"));
        let mut body = vec![0; length.parse().unwrap()];
        timeout(DEADLINE, self.0.read_exact(&mut body)).await.expect("no body in time").unwrap();
        body
    }

    /// Upgrades to a WebSocket by hand; what follows are frames.
    pub async fn upgrade(&mut self, path: &str, headers: &str) -> String {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
            self.0.peer_addr().unwrap()
        );
        self.write(head).await;
        self.read_head().await
    }
}

/// A field of a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A masked frame, as a client sends it (RFC 6455 section 5.2), with a mask of zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// The header alone, whatever length it declares.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | length as u8),
        126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}
