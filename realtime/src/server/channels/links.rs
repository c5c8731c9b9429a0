//! What a channel can do about its own addresses.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    protocol::{User, UserId},
    server::{
        StoreError,
        clock::unix_millis,
        random::random,
        store::{ChannelStore, Leases, Redeemed},
    },
};

/// The greatest length of an address, in bytes.
pub(super) const MAX_ADDRESS: usize = 512;

/// A channel's own addresses, as [`Channel::routes`](super::Channel::routes) and [`Channel::run`](super::Channel::run)
/// are given them: whom they are linked to, and what only one instance does.
#[derive(Clone)]
pub struct Links {
    channel: &'static str,
    store: Arc<ChannelStore>,
    leases: Arc<Leases>,
    /// This instance's own, among those who want the same lease.
    holder: String,
    url: Option<String>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links")
            .field("channel", &self.channel)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What came of a code: see [`Links::redeem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The address is this person's from now on, by the name that they had as they got the code.
    Linked(User),
    /// The code is not good any more, and the address is this person's already: such as where it was brought twice.
    Before(UserId),
    /// The code is not good: it never was, it has expired, or it was used.
    Unknown,
}

impl Links {
    pub(super) fn new(
        channel: &'static str,
        store: Arc<ChannelStore>,
        leases: Arc<Leases>,
        site: Option<&str>,
        path: &str,
    ) -> Self {
        Self {
            channel,
            store,
            leases,
            holder: format!("{:016x}", random::<u64>()),
            url: site.map(|site| format!("{site}{path}/{channel}")),
        }
    }

    /// Where the channel's routes are, for the other side; none where the site's address is not known (`SITE_URL`).
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Links an address to whoever was given this code. Whoever had the address before has it no more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn redeem(&self, code: &str, address: &str) -> Result<LinkOutcome, StoreError> {
        if !is_code(code) || address.is_empty() || address.len() > MAX_ADDRESS {
            return Ok(LinkOutcome::Unknown);
        }
        let now = unix_millis();
        let redeemed = self.store.redeem(self.channel, code, address, now).await?;
        Ok(match redeemed {
            Redeemed::Linked(user) => LinkOutcome::Linked(user),
            Redeemed::Before(user) => LinkOutcome::Before(user),
            Redeemed::Unknown => LinkOutcome::Unknown,
        })
    }

    /// Whose an address is.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn owner(&self, address: &str) -> Result<Option<UserId>, StoreError> {
        self.store.owner(self.channel, address).await
    }

    /// Unlinks an address at its person's own wish. Returns whose it was.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unlink(&self, address: &str) -> Result<Option<UserId>, StoreError> {
        let Some(user) = self.owner(address).await? else {
            return Ok(None);
        };
        self.store
            .unlink(&user, self.channel, unix_millis())
            .await?;
        Ok(Some(user))
    }

    /// Nothing can be sent to an address any more, as the other side has told: the person is told why.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn gone(&self, address: &str, why: &str) -> Result<(), StoreError> {
        if let Some(user) = self.owner(address).await? {
            let now = unix_millis();
            self.store
                .gone(&user, self.channel, address, why, now)
                .await?;
        }
        Ok(())
    }

    /// Whether this instance is the one that does what only one may do, such as asking the other side what is new: for
    /// so long, and longer where it asks again before that has passed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn lease(&self, lasting: Duration) -> Result<bool, StoreError> {
        let now = unix_millis();
        let lasting = u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX);
        let until = now.saturating_add(lasting);
        self.leases
            .take(self.channel, &self.holder, until, now)
            .await
    }

    /// Leaves to other instances what only one may do.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn release(&self) -> Result<(), StoreError> {
        self.leases.release(self.channel, &self.holder).await
    }
}

/// A new code: 128 random bits, of letters that any channel's other side takes.
pub(super) fn new_code() -> String {
    format!("{:032x}", random::<u128>())
}

fn is_code(code: &str) -> bool {
    code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit())
}
