//! Where something was written: what events and notifications tell of it.

use super::db::{Tx, query};
use crate::{api::ApiError, model::CommunitySummary};

/// A board, and its community.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The board's name in addresses.
    pub(super) slug: String,
    pub(super) community: CommunitySummary,
}

impl Place {
    /// A board's.
    pub(super) async fn of_board(tx: &mut Tx, board: i64) -> Result<Self, ApiError> {
        let one = query(
            "select b.slug, c.id, c.slug, c.name, c.about
             from board b join community c on c.id = b.community where b.id = $1",
        );
        let one: Option<(String, i64, String, String, String)> = tx.maybe(one.bind(board)).await?;
        let (board_slug, id, slug, name, about) = one.ok_or(ApiError::NotFound)?;
        let community = CommunitySummary {
            id,
            slug,
            name,
            about,
        };
        Ok(Self {
            slug: board_slug,
            community,
        })
    }

    /// The address of a post there.
    pub(super) fn post(&self, post: i64) -> String {
        format!("/c/{}/{}/{post}", self.community.slug, self.slug)
    }
}
