//! The posts of a board's page, as they change while it is open.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{load_board, more_posts},
    model::{self, Post},
};

/// How long to wait before looking again, in seconds, one try after the other; the last one goes on.
const PATIENCE: [u64; 4] = [1, 2, 5, 15];

/// With the page scrolled further than this, in pixels, new posts wait until they are asked for.
const SCROLLED: f64 = 240.0;

/// The posts that are shown, and what is to be known of them.
#[derive(Clone, Copy)]
pub(super) struct Posts {
    pub(super) board: i64,
    /// The newest first.
    pub(super) list: RwSignal<Vec<Post>>,
    /// Those that arrived while the page was open.
    pub(super) fresh: RwSignal<Vec<i64>>,
    /// Those that arrived while the reader was further down, and are not shown yet.
    pub(super) waiting: RwSignal<Vec<Post>>,
    /// The viewer's own votes.
    pub(super) mine: RwSignal<Vec<(i64, i64)>>,
    /// Where older ones begin.
    pub(super) next: RwSignal<Option<i64>>,
    /// Whether older ones are on their way, and whether they did not come.
    pub(super) loading: RwSignal<bool>,
    pub(super) failed: RwSignal<bool>,
}

impl Posts {
    pub(super) fn new(board: i64, posts: model::Posts) -> Self {
        Self {
            board,
            list: RwSignal::new(posts.list),
            fresh: RwSignal::new(Vec::new()),
            waiting: RwSignal::new(Vec::new()),
            mine: RwSignal::new(posts.mine),
            next: RwSignal::new(posts.next),
            loading: RwSignal::new(false),
            failed: RwSignal::new(false),
        }
    }

    /// Somebody posted: it is shown, or waits where the reader has scrolled away from where it would be.
    pub(super) fn arrive(self, post: Post) {
        let known = self
            .list
            .with_untracked(|list| list.iter().any(|known| known.id == post.id));
        let scrolled = window().scroll_y().is_ok_and(|y| y > SCROLLED);
        if known || !scrolled {
            self.put(post);
            return;
        }
        self.waiting.update(
            |waiting| match waiting.iter_mut().find(|known| known.id == post.id) {
                Some(known) => known.follow(post),
                None => waiting.push(post),
            },
        );
    }

    /// Shows what has waited.
    pub(super) fn show_waiting(self) {
        let waiting = self.waiting.with_untracked(Clone::clone);
        self.waiting.set(Vec::new());
        for post in waiting {
            self.put(post);
        }
    }

    /// Adds a post, or follows it: an event may tell of what the page has already.
    pub(super) fn put(self, post: Post) {
        self.waiting
            .update(|waiting| waiting.retain(|waiting| waiting.id != post.id));
        let mut is_new = false;
        self.list.update(
            |list| match list.iter_mut().find(|known| known.id == post.id) {
                Some(known) => known.follow(post.clone()),
                None => {
                    is_new = true;
                    self.fresh.update(|fresh| fresh.push(post.id));
                    let place = list.partition_point(|known| known.id > post.id);
                    list.insert(place, post.clone());
                }
            },
        );
    }

    /// A post was changed, if it is one of those here.
    pub(super) fn follow(self, post: Post) {
        self.change(post.id, move |known| known.follow(post));
    }

    /// Changes a post, shown or waiting, if it is one of those here.
    pub(super) fn change(self, id: i64, change: impl FnOnce(&mut Post)) {
        let has = |list: &Vec<Post>| list.iter().any(|post| post.id == id);
        let list = match self.list.with_untracked(has) {
            true => self.list,
            false => self.waiting,
        };
        if list.with_untracked(has) {
            list.update(|list| {
                if let Some(post) = list.iter_mut().find(|post| post.id == id) {
                    change(post);
                }
            });
        }
    }

    /// Loads older posts.
    pub(super) fn load_more(self) {
        let Some(before) = self.next.get_untracked() else {
            return;
        };
        if self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        self.failed.set(false);
        spawn_local(async move {
            let more = more_posts(self.board, before).await;
            // The page may have been left meanwhile.
            if self.list.is_disposed() {
                return;
            }
            self.loading.set(false);
            match more {
                Ok(more) => {
                    self.mine.update(|mine| mine.extend(more.mine));
                    self.list.update(|list| {
                        for post in more.list {
                            if !list.iter().any(|known| known.id == post.id) {
                                list.push(post);
                            }
                        }
                    });
                    self.next.set(more.next);
                }
                Err(_) => self.failed.set(true),
            }
        });
    }

    /// Loads the posts again, because what was missed cannot be replayed. What is being written stays as it is.
    pub(super) fn look_again(self, address: (String, String), tries: usize) {
        spawn_local(async move {
            if self.list.is_disposed() {
                return;
            }
            match load_board(address.0.clone(), address.1.clone(), None).await {
                Ok(page) => self.replace(page.posts),
                Err(_) => {
                    let wait = PATIENCE[tries.min(PATIENCE.len() - 1)];
                    let again = move || self.look_again(address, tries + 1);
                    set_timeout(again, Duration::from_secs(wait));
                }
            }
        });
    }

    /// Shows these posts, those that have come since they were read, and the older ones.
    fn replace(self, posts: model::Posts) {
        // The page may have been left meanwhile.
        let Some(known) = self.list.try_get_untracked() else {
            return;
        };
        let fresh: Vec<i64> = posts
            .list
            .iter()
            .map(|post| post.id)
            .filter(|id| !known.iter().any(|known| known.id == *id))
            .collect();
        self.fresh.update(|ids| ids.extend(fresh));
        self.waiting.set(Vec::new());
        if posts.next.is_none() || known.is_empty() {
            self.next.set(posts.next);
        }
        self.list.set(merged(known, posts));
    }
}

/// Posts that were read again, between the newer and the older ones that are known. Of the same post what is newer counts;
/// what lies between and was not read is gone.
fn merged(known: Vec<Post>, read: model::Posts) -> Vec<Post> {
    let newest = read.list.first().map_or(0, |post| post.id);
    // Without a next page there are no older ones.
    let oldest = read.next.unwrap_or(i64::MIN);
    let mut list: Vec<Post> = known
        .iter()
        .filter(|post| post.id > newest)
        .cloned()
        .collect();
    for mut post in read.list {
        if let Some(known) = known.iter().find(|known| known.id == post.id) {
            post.follow(known.clone());
        }
        list.push(post);
    }
    list.extend(known.into_iter().filter(|post| post.id < oldest));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Person, Tally};

    fn post(id: i64, version: i64) -> Post {
        Post {
            id,
            author: Person {
                id: 1,
                name: String::new(),
            },
            title: String::new(),
            body: String::new(),
            html: String::new(),
            created: 0,
            edited: None,
            deleted: false,
            version,
            votes: Tally::default(),
            comments: Tally::default(),
        }
    }

    fn ids(posts: &[Post]) -> Vec<i64> {
        posts.iter().map(|post| post.id).collect()
    }

    #[test]
    fn what_is_read_again_stands_between_what_came_since_and_what_is_older() {
        let known = [9, 7, 6, 5, 4, 3].map(|id| post(id, 2)).to_vec();
        let read = model::Posts {
            list: vec![post(8, 1), post(7, 1), post(5, 3)],
            mine: Vec::new(),
            next: Some(5),
        };
        let list = merged(known.clone(), read);
        assert_eq!(ids(&list), [9, 8, 7, 5, 4, 3], "6 was deleted");
        assert_eq!(list[2].version, 2, "the page knew more of 7");
        assert_eq!(list[3].version, 3);
        let all = model::Posts {
            list: vec![post(8, 1)],
            mine: Vec::new(),
            next: None,
        };
        assert_eq!(ids(&merged(known, all)), [9, 8], "there are no older ones");
    }
}
