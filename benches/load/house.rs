//! What members connect to.

use std::net::SocketAddr;

use crate::server::Server;

/// One server, or several to which members connect in turn, with a bus between them.
pub struct House {
    pub servers: Vec<Server>,
    pub bus: Option<Server>,
}

impl House {
    pub fn of(server: Server) -> Self {
        Self { servers: vec![server], bus: None }
    }

    /// The address for this member.
    pub fn address(&self, member: usize) -> SocketAddr {
        self.servers[member % self.servers.len()].address
    }

    /// The processes whose time counts.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        let servers = self.servers.iter().map(|server| server.child.id());
        servers.chain(self.bus.iter().map(|bus| bus.child.id()))
    }
}
