//! The two connections to Redis: one for what is asked and said, one for what is heard.

use std::{cell::RefCell, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    ProtocolVersion, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};

use super::{calls::Call, cluster::Cluster, pushes::PushSender, scripts::Script};
use crate::domain::Invalid;

/// Why the bus is away.
#[derive(Debug, thiserror::Error)]
pub enum Loss {
    #[error("Redis does not answer")]
    Late,
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
    #[error("Redis has ended the connection")]
    Disconnected,
    /// It is there, and does not let us do what we must.
    #[error("Redis refuses: {0}")]
    Refused(String),
}

impl Loss {
    /// Whether it was there, and did not let us in: who waits longer is let in no more.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Redis(error) => matches!(
                error.kind(),
                ErrorKind::AuthenticationFailed
                    | ErrorKind::Extension
                    | ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm)
            ),
            Self::Refused(_) | Self::Late | Self::Disconnected => false,
        }
    }
}

/// How often a request looks whether it is late. Time is told in these steps, so a process that was stopped
/// meanwhile has aged its requests by one, and finds their answers in the socket (X4).
const STEPS: u32 = 4;

/// Waits for so long, by the time that the process itself has run.
pub async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Result<T, Loss> {
    let mut future = std::pin::pin!(future);
    for _ in 0..STEPS {
        tokio::select! {
            biased;
            value = &mut future => return Ok(value),
            () = tokio::time::sleep(patience / STEPS) => {}
        }
    }
    Err(Loss::Late)
}

/// Where Redis is.
#[derive(Debug)]
pub struct Address {
    client: Client,
    /// The servers of a cluster, as they were known last.
    servers: RefCell<Vec<ConnectionInfo>>,
}

impl Address {
    /// # Errors
    /// If it is not the URL of a Redis. The text is not repeated: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, Invalid> {
        let wrong = |_| {
            Invalid::new(
                "redis://USER:PASSWORD@HOST:PORT/DATABASE is expected, or rediss:// for TLS, \
                 or redis+unix:///PATH of a socket",
            )
        };
        let info = url.into_connection_info().map_err(wrong)?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err(Invalid::new("TLS that believes anybody is none; leave #insecure out"));
        }
        // What is heard comes between the answers.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(wrong)?;
        // Another provider in the same process would leave open which of them TLS is to use.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self { client, servers: RefCell::default() })
    }

    fn info(&self) -> &ConnectionInfo {
        self.client.get_connection_info()
    }

    /// The same as the URL's, at another place.
    fn at(&self, (host, port): (String, u16)) -> ConnectionInfo {
        let addr = match self.info().addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        self.info().clone().set_addr(addr)
    }
}

#[derive(Clone)]
pub struct Connection {
    server: Server,
    timeout: Duration,
}

#[derive(Clone)]
enum Server {
    Alone { commands: MultiplexedConnection, subscriber: MultiplexedConnection },
    Cluster(Cluster),
}

impl Connection {
    /// Connects, and gives Redis the scripts.
    ///
    /// # Errors
    /// Where Redis is not there, or is not what we need.
    pub async fn open(address: &Address, pushes: &PushSender, timeout: Duration) -> Result<Self, Loss> {
        // Name, socket, TLS and login are more than one request.
        let connecting = async {
            let known = address.servers.borrow().clone();
            if !known.is_empty() {
                return Ok(Server::Cluster(Cluster::open(&known, pushes).await?));
            }
            let commands = connect(address, pushes).await?;
            if info(commands.clone(), "cluster").await?.contains("cluster_enabled:1") {
                let servers = [address.info().clone()];
                return Ok(Server::Cluster(Cluster::open(&servers, pushes).await?));
            }
            Ok::<_, Loss>(Server::Alone { commands, subscriber: connect(address, pushes).await? })
        };
        let server = within(timeout * STEPS, connecting).await?;
        if server.is_err() {
            // Whatever was known of it: the URL is where it is to be.
            address.servers.take();
        }
        let connection = Self { server: server?, timeout };
        connection.load_scripts().await?;
        if let Server::Cluster(cluster) = &connection.server {
            let others = within(timeout, cluster.servers()).await??;
            let others = others.into_iter().map(|server| address.at(server));
            *address.servers.borrow_mut() = others.chain([address.info().clone()]).collect();
        }
        Ok(connection)
    }

    pub fn is_cluster(&self) -> bool {
        matches!(self.server, Server::Cluster(_))
    }

    /// Which run of the server this is; nothing of a cluster, of which each server has its own.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn run(&self) -> Result<String, Loss> {
        let Server::Alone { commands, .. } = &self.server else { return Ok(String::new()) };
        let info = within(self.timeout, info(commands.clone(), "server")).await??;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        Ok(run.unwrap_or_default().trim().to_owned())
    }

    async fn load_scripts(&self) -> Result<(), Loss> {
        match &self.server {
            Server::Cluster(cluster) => within(self.timeout, cluster.load_scripts()).await?,
            Server::Alone { commands, .. } => {
                let mut pipeline = Pipeline::new();
                for script in Script::ALL {
                    pipeline.cmd("SCRIPT").arg("LOAD").arg(script.source());
                }
                let mut commands = commands.clone();
                within(self.timeout, pipeline.exec_async(&mut commands)).await??;
                Ok(())
            }
        }
    }

    /// Makes calls in order, and gives what Redis answered to each: an error of one is among the answers.
    ///
    /// # Errors
    /// Where there is no answer; the calls may have been made all the same.
    pub async fn call(&self, calls: &[Call]) -> Result<Vec<Value>, Loss> {
        let mut answers = self.send(calls.iter()).await?;
        // Redis was told to forget its scripts. What was refused for that was not done, and is done now, unless
        // others have given it the scripts meanwhile, and what came behind was done before it.
        if let Some(first) = answers.iter().position(is_unknown_script) {
            self.load_scripts().await?;
            let behind = answers.iter().zip(calls).skip(first);
            if behind.into_iter().any(|(answer, call)| call.is_script() && !is_unknown_script(answer)) {
                return Err(Loss::Refused(
                    "it has forgotten its scripts in the middle of our work".to_owned(),
                ));
            }
            let refused = answers.iter().zip(calls).filter(|(answer, _)| is_unknown_script(answer));
            let mut again = self.send(refused.map(|(_, call)| call)).await?.into_iter();
            for answer in answers.iter_mut().filter(|answer| is_unknown_script(answer)) {
                *answer = again.next().unwrap_or(Value::Nil);
            }
        }
        Ok(answers)
    }

    /// Makes one call that must succeed.
    ///
    /// # Errors
    /// As [`Self::call`], and where Redis refuses.
    pub async fn call_one(&self, call: Call) -> Result<Value, Loss> {
        let answer = self.call(&[call]).await?.into_iter().next().unwrap_or(Value::Nil);
        match answer {
            Value::ServerError(error) => Err(Loss::Refused(error.to_string())),
            answer => Ok(answer),
        }
    }

    async fn send<'a>(&self, calls: impl Iterator<Item = &'a Call>) -> Result<Vec<Value>, Loss> {
        match &self.server {
            Server::Cluster(cluster) => within(self.timeout, cluster.call(calls)).await?,
            Server::Alone { commands, .. } => {
                let mut pipeline = Pipeline::new();
                calls.for_each(|call| _ = pipeline.add_command(call.cmd.clone()));
                let mut commands = commands.clone();
                let count = pipeline.len();
                Ok(within(self.timeout, commands.req_packed_commands(&pipeline, 0, count)).await??)
            }
        }
    }

    /// # Errors
    /// Where they are not followed now.
    pub async fn subscribe(&self, channels: &[String]) -> Result<(), Loss> {
        match self.server.clone() {
            Server::Cluster(cluster) => within(self.timeout, cluster.subscribe(channels)).await?,
            Server::Alone { mut subscriber, .. } => {
                Ok(within(self.timeout, subscriber.subscribe(channels)).await??)
            }
        }
    }

    /// # Errors
    /// Where they may be followed still.
    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), Loss> {
        match self.server.clone() {
            Server::Cluster(cluster) => within(self.timeout, cluster.unsubscribe(channels)).await?,
            Server::Alone { mut subscriber, .. } => {
                Ok(within(self.timeout, subscriber.unsubscribe(channels)).await??)
            }
        }
    }

    /// Whether what is heard still comes through. What is asked shows by itself.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn ping(&self) -> Result<(), Loss> {
        match self.server.clone() {
            Server::Cluster(cluster) => within(self.timeout, cluster.ping()).await?,
            Server::Alone { mut subscriber, .. } => {
                within(self.timeout, async { cmd("PING").exec_async(&mut subscriber).await }).await??;
                Ok(())
            }
        }
    }
}

pub async fn connect(address: &Address, pushes: &PushSender) -> Result<MultiplexedConnection, Loss> {
    let pushes = pushes.clone();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_push_sender(move |info| {
            pushes.push(info);
            Ok::<(), ()>(())
        });
    Ok(address.client.get_multiplexed_async_connection_with_config(&config).await?)
}

/// What the server says of itself; nothing to who may not ask.
pub async fn info(mut commands: MultiplexedConnection, section: &str) -> Result<String, Loss> {
    match commands.req_packed_command(cmd("INFO").arg(section)).await? {
        Value::ServerError(_) => Ok(String::new()),
        info => Ok(redis::from_redis_value(info).unwrap_or_default()),
    }
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}
