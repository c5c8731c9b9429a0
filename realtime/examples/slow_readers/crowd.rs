//! All the clients, and what must be true of each in the end.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use leptos_realtime::{FirstView, UserId};
use tokio::time::{Instant, sleep};

use super::{
    Result,
    client::{self, Client, State, name},
    server::Server,
};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// How many clients connect at once.
const AT_ONCE: usize = 25;

/// How many differences are told.
const TOLD: usize = 5;

/// See the [module](self).
pub struct Crowd {
    pub clients: Vec<Client>,
}

impl Crowd {
    /// Connects clients, some at a time and each at its address, and waits until all of them see each other. The kernel
    /// keeps little for those that are to be slow.
    pub async fn connect(
        count: usize,
        is_slow: impl Fn(usize) -> bool,
        address: impl Fn(usize) -> SocketAddr,
    ) -> Result<Self> {
        let mut crowd = Self {
            clients: Vec::new(),
        };
        for number in 0..count {
            let client = client::connect(address(number), number, is_slow(number))?;
            crowd.clients.push(client);
            if (number + 1) % AT_ONCE == 0 {
                crowd
                    .until("all are connected", |_, client| client.is_live())
                    .await?;
            }
        }
        let sees_all = |_, client: &State| {
            client.is_live() && client.view().is_some_and(|view| view.count() == count)
        };
        crowd.until("all see each other", sees_all).await?;
        Ok(crowd)
    }

    /// Waits until something is true of every client.
    pub async fn until(&self, what: &str, is_so: impl Fn(usize, &State) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let clients = self.clients.iter().enumerate();
            let not = clients.filter(|(number, client)| !is_so(*number, &client.state()));
            let not: Vec<usize> = not.map(|(number, _)| number).collect();
            if not.is_empty() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("waited in vain until {what}: not so for {not:?}").into());
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until nobody else sees a client any more.
    pub async fn until_left(&self, gone: usize) -> Result<()> {
        let (person, others) = (person(gone)?, self.clients.len() - 1);
        let not_seen = |number, client: &State| {
            let view = client.view();
            let not_seen =
                view.is_some_and(|view| view.count() == others && view.member(&person).is_none());
            number == gone || not_seen
        };
        self.until("one has left", not_seen).await
    }

    /// Waits until the server holds so many connections.
    pub async fn until_connected(&self, server: &Server, count: usize) -> Result<()> {
        let start = Instant::now();
        while server.stats().await?.connections != count {
            if start.elapsed() > PATIENCE {
                return Err(format!("waited in vain until {count} are connected").into());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until every client was told everything and sees what the server sees; otherwise tells what is different.
    pub async fn settled(
        &self,
        server: &Server,
        published: u32,
        announced: &[u32],
    ) -> Result<Vec<String>> {
        let start = Instant::now();
        loop {
            let truth = server.view().await?;
            let mut differences = self.differences(&truth, published, announced);
            if differences.is_empty() || start.elapsed() > PATIENCE {
                let mended = server.stats().await?.divergences;
                if mended > 0 {
                    differences.push(format!("{mended} views had differed from what was sent"));
                }
                return Ok(differences);
            }
            sleep(LOOK).await;
        }
    }

    fn differences(&self, truth: &FirstView, published: u32, announced: &[u32]) -> Vec<String> {
        let mut differences = Vec::new();
        let count = truth
            .count
            .map_or(truth.members.len(), |count| count as usize);
        let everyone = self.clients.len();
        if count != everyone {
            differences.push(format!("the server sees {count} of {everyone} clients"));
        }
        let members = truth.members.iter().cloned();
        let members: BTreeMap<_, _> = members
            .map(|member| (member.user.clone(), member))
            .collect();
        for (number, client) in self.clients.iter().enumerate() {
            let client = client.state();
            let heard = &client.heard;
            let view = client.view().filter(|_| client.is_live());
            let same_view = view.is_some_and(|view| {
                view.members == members
                    && view.count() == count
                    && view.guests == truth.guests
                    && view.typing.is_empty()
                    && view.position == Some(truth.position)
            });
            let difference = if let Some(broken) = &heard.broken {
                broken.clone()
            } else if heard.next != published {
                format!(
                    "it was told events up to {} of {published}, and is {:?}",
                    heard.next,
                    client.connection()
                )
            } else if client.announced != announced {
                format!(
                    "of the announcements {announced:?} it was told {:?}",
                    client.announced
                )
            } else if !same_view {
                format!("it sees {view:?} where the server sees {truth:?}")
            } else {
                continue;
            };
            if differences.len() < TOLD {
                differences.push(format!("client {number}: {difference}"));
            }
        }
        differences
    }

    /// The clients that connected more than once.
    pub fn reconnected(&self) -> Vec<usize> {
        let clients = self.clients.iter().enumerate();
        let again = clients.filter(|(_, client)| client.state().opened > 1);
        again.map(|(number, _)| number).collect()
    }
}

/// The person of a client.
fn person(number: usize) -> Result<UserId> {
    Ok(UserId::try_from(name(number).as_str())?)
}
