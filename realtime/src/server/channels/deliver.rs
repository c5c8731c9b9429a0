//! One delivery, from the claim to the mark.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{ChannelMessage, SendError, Worker, worker::Line};
use crate::{
    protocol::{Online, Room, Status, UserId, WireNotification},
    server::{
        clock::unix_millis,
        random::random,
        store::{Delivery, StoreError},
    },
};

/// How often it is tried to send something.
const TRIES: u32 = 20;

/// How often an instance that has no words for a notification leaves it to others, and for how long: one of a newer
/// version may have them.
const UNWORDED_TRIES: u32 = 8;
const UNWORDED: Duration = Duration::from_secs(3);

/// The longest that sending may take: well within a claim.
const MAX_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest rest of an address.
const MAX_REST: Duration = Duration::from_secs(60);

/// The longest that a channel's other side may have a message wait.
const MAX_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// How long it may take to find out who is here.
const PRESENCE: Duration = Duration::from_secs(2);

/// The first and the longest pause before a message that was sent is marked again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The change of the inbox up to which a message tells what happened.
type Told = u64;

/// What a try came to.
enum Outcome {
    Sent(Told),
    /// It need not be sent, or cannot be.
    Over(&'static str, Told),
    Failed(SendError, Told),
    /// Not tried: it is anybody's again.
    Left(Duration),
    /// It is not ours any more, or nobody knows.
    Lost,
}

impl Outcome {
    /// By which name it is counted; none where nothing was tried.
    fn counted(&self) -> Option<&'static str> {
        match self {
            Self::Sent(_) => Some("sent"),
            Self::Over(..) => Some("needless"),
            Self::Failed(SendError::Later { .. }, _) => Some("again"),
            Self::Failed(..) => Some("failed"),
            Self::Lost | Self::Left(_) => None,
        }
    }
}

impl Worker {
    /// Sends a message, unless there is no need to, and writes down what came of it.
    pub(super) async fn deliver(&self, delivery: Delivery) {
        let Some(line) = self.lines.get(&*delivery.channel) else {
            return;
        };
        let outcome = match self.attempt(&delivery, line).await {
            Ok(outcome) => outcome,
            // The claim ends by itself.
            Err(error) => return unwritten(&delivery, &error),
        };
        if let Some(outcome) = outcome.counted() {
            self.hub.counters().messages.one(outcome);
        }
        let written = match outcome {
            Outcome::Sent(told) => {
                line.pace.sent();
                self.mark(&delivery, told, line).await;
                return;
            }
            Outcome::Lost => return,
            Outcome::Left(wait) => self.later(&delivery, wait).await,
            Outcome::Over(why, told) => self.finish(&delivery, why, told).await,
            Outcome::Failed(error, told) => self.failed(&delivery, line, error, told).await,
        };
        if let Err(error) = written {
            unwritten(&delivery, &error);
        }
    }

    async fn attempt(&self, delivery: &Delivery, line: &Line) -> Result<Outcome, StoreError> {
        let instances = self.hub.broker().nodes().len();
        tokio::select! {
            turn = line.pace.turn(instances) => if let Err(wait) = turn {
                return Ok(Outcome::Left(wait));
            },
            () = self.stop.cancelled() => return Ok(Outcome::Left(Duration::ZERO)),
        }
        if !self.store.renew(delivery, unix_millis()).await? {
            return Ok(Outcome::Lost);
        }
        // Only now: much may have happened while it waited.
        let notification = self.inboxes.one(delivery.notification).await?;
        let Some(notification) = notification else {
            return Ok(Outcome::Over("deleted", Told::MAX));
        };
        let told = notification.change;
        if !notification.is_unread() || notification.seen.is_some() {
            return Ok(Outcome::Over("read", told));
        }
        if self.is_here(&delivery.user).await {
            return Ok(Outcome::Over("present", told));
        }
        let Some(message) = self.word(&notification) else {
            let kind = &notification.kind;
            if instances > 1 && delivery.attempts < UNWORDED_TRIES {
                tracing::debug!(%kind, "a notification is left for an instance that may have words for it");
                return Ok(Outcome::Left(UNWORDED));
            }
            tracing::warn!(%kind, "no type given to RealtimeBuilder::notifications words this notification: it is not sent");
            return Ok(Outcome::Over("unworded", told));
        };
        let sent = line.channel.send(&delivery.address, &message);
        Ok(
            match timeout(line.limits.timeout.min(MAX_TIMEOUT), sent).await {
                Ok(Ok(())) => Outcome::Sent(told),
                Ok(Err(error)) => Outcome::Failed(error, told),
                Err(_) => Outcome::Failed(SendError::later("no answer in time"), told),
            },
        )
    }

    fn word(&self, notification: &WireNotification) -> Option<ChannelMessage> {
        let site = self.site.as_deref();
        let mut wordings = self.wordings.iter();
        wordings.find_map(|wording| wording(notification, site))
    }

    /// Whether a person uses a page right now, as others may see it: not who is away, and not who hides. Where that
    /// cannot be found out nobody is here: better told twice than not at all.
    async fn is_here(&self, user: &UserId) -> bool {
        let room = Online(user.clone()).room_id();
        let page = timeout(PRESENCE, self.hub.page(&room, None, 1)).await;
        let members = page.ok().and_then(Result::ok).map(|(members, _)| members);
        let mut members = members.into_iter().flatten();
        members.any(|member| member.status == Status::Online)
    }

    /// Writes down that it was sent: until that is done it may be sent again, so it is tried for as long as the process
    /// lives.
    async fn mark(&self, delivery: &Delivery, told: Told, line: &Line) {
        let rest = line.limits.per_address.min(MAX_REST);
        let rest = u64::try_from(rest.as_millis()).unwrap_or(0);
        let mut pause = PAUSES.0;
        loop {
            let now = unix_millis();
            let quiet_until = now.saturating_add(rest);
            match self.store.sent(delivery, told, quiet_until, now).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(id = delivery.id, %error, "a message was sent, and cannot be marked yet");
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn failed(
        &self,
        delivery: &Delivery,
        line: &Line,
        error: SendError,
        told: Told,
    ) -> Result<(), StoreError> {
        let Delivery {
            id, user, channel, ..
        } = delivery;
        match error {
            SendError::Later { after, why } => {
                if let Some(after) = after {
                    line.pace.asked(after);
                }
                if delivery.attempts + 1 >= TRIES {
                    tracing::error!(id, %user, channel, why, "a message was given up after {TRIES} tries");
                    return self.finish(delivery, "given up", told).await;
                }
                tracing::debug!(id, %user, channel, why, "a message is tried again");
                let wait = || {
                    let wait = line.limits.backoff.delay_ms(delivery.attempts, random());
                    Duration::from_millis(wait)
                };
                let wait = after.map_or_else(wait, |after| after.min(MAX_AFTER));
                self.later(delivery, wait).await
            }
            SendError::Gone(why) => {
                tracing::info!(id, %user, channel, why, "a channel is unlinked: nothing can be sent there");
                let now = unix_millis();
                let address = &delivery.address;
                match self.store.gone(user, channel, address, &why, now).await? {
                    true => Ok(()),
                    // It has another address meanwhile.
                    false => self.later(delivery, Duration::ZERO).await,
                }
            }
            SendError::Refused(why) => {
                tracing::error!(id, %user, channel, why, "a message can never be sent");
                self.finish(delivery, "refused", told).await
            }
        }
    }

    async fn finish(
        &self,
        delivery: &Delivery,
        why: &'static str,
        told: Told,
    ) -> Result<(), StoreError> {
        let now = unix_millis();
        self.store.finish(delivery, why, told, now).await
    }

    async fn later(&self, delivery: &Delivery, wait: Duration) -> Result<(), StoreError> {
        let now = unix_millis();
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.store
            .later(delivery, now.saturating_add(wait), now)
            .await
    }
}

fn unwritten(delivery: &Delivery, error: &StoreError) {
    tracing::warn!(id = delivery.id, %error, source = ?std::error::Error::source(error), "a delivery waits for the database");
}
