//! What people want to be told of.

use super::InboxStore;
use crate::{
    protocol::{Preference, PreferenceChange, Preferences, UserId},
    server::store::{
        StoreError,
        outbox::{from_stored, to_stored},
        sql::{Arg, Row},
    },
};

/// The most preferences of a person.
const MAX_PREFERENCES: i64 = 1_000;

impl InboxStore {
    /// What a person wants to be told of.
    pub(crate) async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        let mut tx = self.sql.read().await?;
        let rows = tx
            .rows(self.statements.preferences, &[Arg::Text(user.as_str())])
            .await?;
        let some = |text: String| (!text.is_empty()).then_some(text);
        let read = |row: &Row| {
            Ok(Preference {
                kind: some(row.text(0)?),
                community: some(row.text(1)?),
                enabled: row.maybe_number(2)?.map(|enabled| enabled != 0),
                muted_until: row.maybe_number(3)?.map(from_stored),
            })
        };
        rows.iter()
            .map(read)
            .collect::<Result<_, StoreError>>()
            .map(Preferences)
    }

    /// Changes what a person wants to be told of, for a kind (none: each) in a community (none: each). Says whether
    /// there was room for it.
    pub(crate) async fn prefer(
        &self,
        user: &UserId,
        kind: Option<&str>,
        community: Option<&str>,
        change: PreferenceChange,
    ) -> Result<bool, StoreError> {
        let statements = self.statements;
        let of = [
            Arg::Text(user.as_str()),
            Arg::Text(kind.unwrap_or_default()),
            Arg::Text(community.unwrap_or_default()),
        ];
        let (statement, said) = match change {
            PreferenceChange::Enabled(enabled) => (statements.prefer, enabled.map(i64::from)),
            PreferenceChange::MutedUntil(until) => (statements.mute, until.map(to_stored)),
        };
        let said = [Arg::MaybeNumber(said)];
        let mut tx = self.sql.write().await?;
        tx.run(statement, &[&of[..], &said].concat()).await?;
        tx.run(statements.prefer_nothing, &of).await?;
        let count = tx.rows(statements.count_preferences, &of[..1]).await?;
        if count.first().map_or(Ok(0), |row| row.number(0))? > MAX_PREFERENCES {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }
}
