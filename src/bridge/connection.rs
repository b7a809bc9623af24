//! The two connections to Redis: one for what is asked and said, one for what is heard.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, Pipeline, ProtocolVersion, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};

use super::{calls::Call, pushes::PushSender, scripts::Script};
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
#[derive(Debug, Clone)]
pub struct Address {
    client: Client,
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
        // What is heard comes between the answers.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Self { client: Client::open(info.set_redis_settings(settings)).map_err(wrong)? })
    }
}

#[derive(Clone)]
pub struct Connection {
    commands: MultiplexedConnection,
    subscriber: MultiplexedConnection,
    timeout: Duration,
}

impl Connection {
    /// Connects, and gives Redis the scripts.
    ///
    /// # Errors
    /// Where Redis is not there, or is not what we need.
    pub async fn open(address: &Address, pushes: &PushSender, timeout: Duration) -> Result<Self, Loss> {
        let connect = || async {
            let pushes = pushes.clone();
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None)
                .set_response_timeout(None)
                .set_push_sender(move |info| {
                    pushes.push(info);
                    Ok::<(), ()>(())
                });
            // Name, socket, TLS and login are more than one request.
            let connecting = address.client.get_multiplexed_async_connection_with_config(&config);
            Ok::<_, Loss>(within(timeout * STEPS, connecting).await??)
        };
        let connection = Self { commands: connect().await?, subscriber: connect().await?, timeout };
        connection.load_scripts().await?;
        Ok(connection)
    }

    async fn load_scripts(&self) -> Result<(), Loss> {
        let mut pipeline = Pipeline::new();
        for script in Script::ALL {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(script.source());
        }
        self.send(&pipeline).await?.into_iter().try_for_each(accepted)
    }

    /// Makes calls in order, and gives what Redis answered to each: an error of one is among the answers.
    ///
    /// # Errors
    /// Where there is no answer; the calls may have been made all the same.
    pub async fn call(&self, calls: &[Call]) -> Result<Vec<Value>, Loss> {
        let mut answers = self.send(&pipeline(calls.iter())).await?;
        // Redis was told to forget its scripts. What was refused for that was not done.
        if answers.iter().any(is_unknown_script) {
            self.load_scripts().await?;
            let refused = || answers.iter().zip(calls).filter(|(answer, _)| is_unknown_script(answer));
            let mut again = self.send(&pipeline(refused().map(|(_, call)| call))).await?.into_iter();
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

    async fn send(&self, pipeline: &Pipeline) -> Result<Vec<Value>, Loss> {
        let mut commands = self.commands.clone();
        let count = pipeline.len();
        Ok(within(self.timeout, commands.req_packed_commands(pipeline, 0, count)).await??)
    }

    /// # Errors
    /// Where they are not followed now.
    pub async fn subscribe(&self, channels: &[String]) -> Result<(), Loss> {
        let mut subscriber = self.subscriber.clone();
        Ok(within(self.timeout, subscriber.subscribe(channels)).await??)
    }

    /// # Errors
    /// Where they may be followed still.
    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), Loss> {
        let mut subscriber = self.subscriber.clone();
        Ok(within(self.timeout, subscriber.unsubscribe(channels)).await??)
    }

    /// Whether what is heard still comes through.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn ping_subscriber(&self) -> Result<(), Loss> {
        let mut subscriber = self.subscriber.clone();
        within(self.timeout, async { cmd("PING").exec_async(&mut subscriber).await }).await??;
        Ok(())
    }
}

fn pipeline<'a>(calls: impl Iterator<Item = &'a Call>) -> Pipeline {
    let mut pipeline = Pipeline::new();
    for call in calls {
        pipeline.add_command(call.cmd.clone());
    }
    pipeline
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

fn accepted(answer: Value) -> Result<(), Loss> {
    match answer {
        Value::ServerError(error) => Err(Loss::Refused(error.to_string())),
        _ => Ok(()),
    }
}
