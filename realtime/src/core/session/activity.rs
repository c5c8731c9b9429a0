//! Whether somebody is at the device, and when the server is to be told.

/// How long after the connection the first heartbeat is sent, in milliseconds.
const FIRST_HEARTBEAT_MS: u64 = 1_000;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Activity {
    idle_ms: u64,
    hidden_ms: u64,
    heartbeat_ms: u64,
    used_at: u64,
    hidden_since: Option<u64>,
    told_active: bool,
    next_heartbeat: Option<u64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            idle_ms: u64::MAX,
            hidden_ms: u64::MAX,
            heartbeat_ms: u64::MAX,
            used_at: 0,
            hidden_since: None,
            told_active: true,
            next_heartbeat: None,
        }
    }
}

impl Activity {
    /// The connection is accepted, with the server's times.
    pub(super) fn connected(
        &mut self,
        now: u64,
        entropy: u64,
        (heartbeat_ms, idle_ms, hidden_ms): (u32, u32, u32),
    ) {
        if heartbeat_ms == 0 {
            return;
        }
        self.heartbeat_ms = u64::from(heartbeat_ms.max(1_000));
        self.idle_ms = u64::from(idle_ms);
        self.hidden_ms = u64::from(hidden_ms);
        // The server takes a new connection for one with somebody there. Many clients that come together spread.
        self.told_active = true;
        let wait = FIRST_HEARTBEAT_MS + entropy % FIRST_HEARTBEAT_MS;
        self.next_heartbeat = Some(now.saturating_add(wait));
    }

    pub(super) fn disconnected(&mut self) {
        self.next_heartbeat = None;
    }

    /// The person did something.
    pub(super) fn used(&mut self, now: u64) {
        self.used_at = self.used_at.max(now);
    }

    /// The page is shown, or hidden.
    pub(super) fn visible(&mut self, now: u64, visible: bool) {
        match visible {
            true => {
                self.hidden_since = None;
                self.used(now);
            }
            false => {
                self.hidden_since.get_or_insert(now);
            }
        }
    }

    /// When the person counts as away, unless they do something.
    fn away_at(&self) -> u64 {
        let hidden = self
            .hidden_since
            .map_or(u64::MAX, |since| since.saturating_add(self.hidden_ms));
        self.used_at.saturating_add(self.idle_ms).min(hidden)
    }

    pub(super) fn is_active(&self, now: u64) -> bool {
        now < self.away_at()
    }

    /// When the next heartbeat is due.
    pub(super) fn deadline(&self, now: u64) -> Option<u64> {
        let regular = self.next_heartbeat?;
        let changed = match (self.told_active, self.is_active(now)) {
            (true, true) => self.away_at(),
            (true, false) | (false, true) => now,
            (false, false) => u64::MAX,
        };
        Some(regular.min(changed))
    }

    /// Whether somebody is there, if the server is to be told now.
    pub(super) fn take_heartbeat(&mut self, now: u64) -> Option<bool> {
        if self.deadline(now).is_none_or(|due| due > now) {
            return None;
        }
        self.told_active = self.is_active(now);
        self.next_heartbeat = Some(now.saturating_add(self.heartbeat_ms));
        Some(self.told_active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected() -> Activity {
        let mut activity = Activity::default();
        activity.used(0);
        activity.connected(0, 0, (25_000, 300_000, 30_000));
        activity
    }

    #[test]
    fn heartbeats_are_regular_and_a_change_is_told_at_once() {
        let mut activity = connected();
        assert_eq!(activity.take_heartbeat(999), None);
        assert_eq!(activity.take_heartbeat(1_000), Some(true));
        assert_eq!(activity.deadline(1_000), Some(26_000));
        activity.visible(2_000, false);
        assert_eq!(activity.deadline(2_000), Some(26_000));
        assert_eq!(activity.take_heartbeat(26_000), Some(true));
        assert_eq!(activity.deadline(26_000), Some(32_000), "hidden for 30 s");
        assert_eq!(activity.take_heartbeat(32_000), Some(false));
        assert_eq!(activity.deadline(32_000), Some(57_000), "told once");
        activity.visible(40_000, true);
        assert_eq!(activity.take_heartbeat(40_000), Some(true));
    }

    #[test]
    fn whoever_does_nothing_is_away_and_back_with_the_first_key() {
        let mut activity = connected();
        let mut told = Vec::new();
        for second in 0..400 {
            if second == 350 {
                activity.used(second * 1_000);
            }
            told.extend(
                activity
                    .take_heartbeat(second * 1_000)
                    .map(|active| (second, active)),
            );
        }
        assert_eq!(told.iter().find(|(_, active)| !active), Some(&(300, false)));
        assert_eq!(
            told.iter().rev().find(|(_, active)| !active).unwrap().0,
            325
        );
        assert!(told.contains(&(350, true)));
        activity.disconnected();
        assert_eq!(activity.deadline(500_000), None);
    }
}
