//! Where Redis is a cluster: a call goes to the server that has its key, and what is published only to those who
//! follow it there (`SPUBLISH`, `SSUBSCRIBE`).

use std::collections::HashMap;

use futures_util::future::try_join_all;
use redis::{
    ConnectionInfo, Pipeline, ProtocolVersion, Value, aio::ConnectionLike, cluster::ClusterClient,
    cluster_async::ClusterConnection, cmd,
};

use super::{calls::Call, connection::Loss, pushes::PushSender, scripts::Script};

/// Both connections, each of which is one to every server.
#[derive(Clone)]
pub struct Cluster {
    commands: ClusterConnection,
    subscriber: ClusterConnection,
}

impl Cluster {
    /// # Errors
    /// Where none of these servers is there.
    pub async fn open(servers: &[ConnectionInfo], pushes: &PushSender) -> Result<Self, Loss> {
        let connect = || async {
            let pushes = pushes.clone();
            let client = ClusterClient::builder(servers.to_vec())
                .use_protocol(ProtocolVersion::RESP3)
                // Nothing is done twice, and whatever goes wrong the bridge begins anew, with the servers that
                // there are then.
                .retries(0)
                .push_sender(move |info| {
                    pushes.push(info);
                    Ok::<(), ()>(())
                })
                .build()?;
            client.get_async_connection().await
        };
        Ok(Self { commands: connect().await?, subscriber: connect().await? })
    }

    /// Every server gets the scripts.
    pub async fn load_scripts(&self) -> Result<(), Loss> {
        for script in Script::ALL {
            let mut commands = self.commands.clone();
            cmd("SCRIPT").arg("LOAD").arg(script.source()).exec_async(&mut commands).await?;
        }
        Ok(())
    }

    /// Makes calls, in order as far as they are about the same; each answer stands where its call does.
    pub async fn call<'a>(&self, calls: impl Iterator<Item = &'a Call>) -> Result<Vec<Value>, Loss> {
        let mut groups: HashMap<&str, (Vec<usize>, Pipeline)> = HashMap::new();
        let mut count = 0;
        for (place, call) in calls.enumerate() {
            let (places, pipeline) = groups.entry(hash_tag(&call.key)).or_default();
            places.push(place);
            pipeline.add_command(call.cmd.clone());
            count = place + 1;
        }
        let answered = groups.into_values().map(|(places, pipeline)| async move {
            let mut commands = self.commands.clone();
            let answers = commands.req_packed_commands(&pipeline, 0, places.len()).await?;
            Ok::<_, Loss>(places.into_iter().zip(answers))
        });
        let mut answers = vec![Value::Nil; count];
        for (place, answer) in try_join_all(answered).await?.into_iter().flatten() {
            if let Some(slot) = answers.get_mut(place) {
                *slot = answer;
            }
        }
        Ok(answers)
    }

    pub async fn subscribe(&self, channels: &[String]) -> Result<(), Loss> {
        let subscribed = channels.iter().map(async |channel| {
            let mut subscriber = self.subscriber.clone();
            subscriber.ssubscribe(channel).await
        });
        Ok(try_join_all(subscribed).await.map(drop)?)
    }

    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), Loss> {
        let unsubscribed = channels.iter().map(async |channel| {
            let mut subscriber = self.subscriber.clone();
            subscriber.sunsubscribe(channel).await
        });
        Ok(try_join_all(unsubscribed).await.map(drop)?)
    }

    /// Asks every server over both connections.
    pub async fn ping(&self) -> Result<(), Loss> {
        for mut connection in [self.commands.clone(), self.subscriber.clone()] {
            cmd("PING").exec_async(&mut connection).await?;
        }
        Ok(())
    }

    /// Where all servers are, so that one that is gone is not the only one known.
    pub async fn servers(&self) -> Result<Vec<(String, u16)>, Loss> {
        let mut commands = self.commands.clone();
        let slots: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut commands).await?;
        let servers = slots.into_iter().flat_map(|range| range.into_iter().skip(2));
        let address = |server| redis::from_redis_value::<Vec<Value>>(server).ok().and_then(address);
        Ok(servers.filter_map(address).collect())
    }
}

fn address(server: Vec<Value>) -> Option<(String, u16)> {
    let mut parts = server.into_iter();
    let host = redis::from_redis_value(parts.next()?).ok()?;
    Some((host, redis::from_redis_value(parts.next()?).ok()?))
}

/// What of a key decides where it is.
fn hash_tag(key: &str) -> &str {
    key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or(key, |(tag, _)| tag)
}
