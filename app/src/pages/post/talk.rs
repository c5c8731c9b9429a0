//! A post and its comments, as they change while the page is open.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use leptos_realtime::{UseTypingReturn, use_typing};
use leptos_router::hooks::use_query_map;

use crate::{
    api::{CreateComment, Delete, load_post, more_comments},
    components::Draft,
    model::{Comment, Comments, Deleted, Post, Viewer},
    rooms,
};

/// How long to wait before looking again, in seconds, one try after the other; the last one goes on.
const PATIENCE: [u64; 4] = [1, 2, 5, 15];

/// The form that is open: one at a time. Without JavaScript it stands in the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    EditPost,
    DeletePost,
    /// An answer to this comment.
    Reply(i64),
    Edit(i64),
    Delete(i64),
}

impl Open {
    /// What the address says.
    pub(super) fn of_query() -> Option<Self> {
        let query = use_query_map();
        query.with_untracked(|query| {
            let number = |name: &str| query.get(name)?.parse().ok();
            match (query.get("edit").as_deref(), query.get("delete").as_deref()) {
                (Some("post"), _) => return Some(Self::EditPost),
                (_, Some("post")) => return Some(Self::DeletePost),
                _ => {}
            }
            let reply = number("reply").map(Self::Reply);
            let edit = || number("edit").map(Self::Edit);
            reply
                .or_else(edit)
                .or_else(|| number("delete").map(Self::Delete))
        })
    }

    /// Where the page has it open, without JavaScript.
    pub(super) fn href(self, page: &str) -> String {
        match self {
            Self::EditPost => format!("{page}?edit=post"),
            Self::DeletePost => format!("{page}?delete=post"),
            Self::Reply(id) => format!("{page}?reply={id}#comment-{id}"),
            Self::Edit(id) => format!("{page}?edit={id}#comment-{id}"),
            Self::Delete(id) => format!("{page}?delete={id}#comment-{id}"),
        }
    }
}

/// Where on the page something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Comment,
    /// An answer to this comment.
    Answer(i64),
    /// This comment, changed.
    Edit(i64),
}

impl Place {
    /// What answers this, or a comment.
    pub(super) fn of(parent: Option<i64>) -> Self {
        parent.map_or(Self::Comment, Self::Answer)
    }
}

/// See the [module](self).
#[derive(Clone, Copy)]
pub(super) struct Talk {
    pub(super) post: RwSignal<Post>,
    /// By their ids: a comment stands after the one that it answers.
    pub(super) comments: RwSignal<Vec<Comment>>,
    /// Those that arrived while the page was open.
    pub(super) fresh: RwSignal<Vec<i64>>,
    /// The viewer's own votes.
    pub(super) mine: RwSignal<Vec<(i64, i64)>>,
    /// Where newer ones begin that are not loaded.
    pub(super) next: RwSignal<Option<i64>>,
    pub(super) loading: RwSignal<bool>,
    pub(super) failed: RwSignal<bool>,
    pub(super) open: RwSignal<Option<Open>>,
    // One of each for the page: without JavaScript each would show what became of the others'.
    pub(super) create: ServerAction<CreateComment>,
    pub(super) delete: ServerAction<Delete>,
    /// To what the last comment that was sent is an answer.
    pub(super) sent: RwSignal<Option<Option<i64>>>,
    pub(super) typing: UseTypingReturn,
    viewer: StoredValue<Option<Viewer>>,
    /// The page's address.
    href: StoredValue<String>,
}

impl Talk {
    pub(super) fn new(
        post: Post,
        comments: Comments,
        viewer: Option<Viewer>,
        open: Option<Open>,
        href: String,
    ) -> Self {
        let talk = Self {
            typing: use_typing(rooms::Post(post.id)),
            post: RwSignal::new(post),
            comments: RwSignal::new(comments.list),
            fresh: RwSignal::new(Vec::new()),
            mine: RwSignal::new(comments.mine),
            next: RwSignal::new(comments.next),
            loading: RwSignal::new(false),
            failed: RwSignal::new(false),
            open: RwSignal::new(open),
            create: ServerAction::new(),
            delete: ServerAction::new(),
            sent: RwSignal::new(None),
            viewer: StoredValue::new(viewer),
            href: StoredValue::new(href),
        };
        Effect::new(move |_| {
            if let Some(input) = talk.create.input().get() {
                talk.sent.set(Some(input.parent));
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(comment)) = talk.create.value().get() {
                let id = comment.id;
                let answer = comment.parent.is_some();
                talk.draft_of(Place::of(comment.parent)).forget();
                talk.put(comment);
                talk.typing.stop.run(());
                if answer {
                    talk.open.set(None);
                    focus(id);
                }
            }
        });
        Effect::new(move |_| {
            match talk.delete.value().get() {
                Some(Ok(Deleted::Post(post))) => talk.post.update(|known| known.follow(post)),
                Some(Ok(Deleted::Comment(comment))) => {
                    talk.change(comment.id, |known| known.follow(comment));
                }
                _ => return,
            }
            talk.open.set(None);
        });
        Effect::new(move |_| talk.reopen());
        talk
    }

    pub(super) fn signed_in(self) -> bool {
        self.viewer.with_value(Option::is_some)
    }

    /// What the viewer is writing there.
    pub(super) fn draft_of(self, place: Place) -> Draft {
        let person = self
            .viewer
            .with_value(|viewer| viewer.as_ref().map_or(0, |viewer| viewer.person.id));
        let post = self.post.with_untracked(|post| post.id);
        match place {
            Place::Comment => Draft::new(person, format_args!("post/{post}/comment")),
            Place::Answer(parent) => {
                Draft::new(person, format_args!("post/{post}/answer/{parent}"))
            }
            Place::Edit(id) => Draft::new(person, format_args!("post/{post}/edit/{id}")),
        }
    }

    /// Opens what was being written when the page was left: an answer, or a comment that was being changed.
    fn reopen(self) {
        if self.open.get_untracked().is_some() || !self.signed_in() {
            return;
        }
        let is_written = |place| self.draft_of(place).read().is_some();
        let written = self.comments.with_untracked(|list| {
            let mut shown = list.iter().filter(|comment| !comment.deleted);
            shown.find_map(|comment| {
                let id = comment.id;
                if is_written(Place::Answer(id)) {
                    return Some(Open::Reply(id));
                }
                let own = self.viewer_is(|viewer| viewer.person.id == comment.author.id);
                (own && is_written(Place::Edit(id))).then_some(Open::Edit(id))
            })
        });
        if written.is_some() {
            self.open.set(written);
        }
    }

    /// Whether somebody looks at the page of whom this is true.
    pub(super) fn viewer_is(self, fits: impl FnOnce(&Viewer) -> bool) -> bool {
        self.viewer
            .with_value(|viewer| viewer.as_ref().is_some_and(fits))
    }

    /// The page's address, with this open.
    pub(super) fn href(self, open: Option<Open>) -> String {
        self.href
            .with_value(|href| open.map_or_else(|| href.clone(), |open| open.href(href)))
    }

    /// Somebody commented. What answers a comment that is not loaded yet comes with it.
    pub(super) fn arrive(self, comment: Comment) {
        let here = |id: i64| {
            self.comments
                .with_untracked(|list| list.iter().any(|known| known.id == id))
        };
        let loaded = self.next.with_untracked(Option::is_none) || comment.parent.is_some_and(here);
        if loaded || here(comment.id) {
            self.put(comment);
        }
    }

    /// Whether a comment of the viewer's own has arrived with this text.
    pub(super) fn has_heard_of(self, parent: Option<i64>, body: &str) -> bool {
        let own =
            |comment: &Comment| self.viewer_is(|viewer| viewer.person.id == comment.author.id);
        let fresh = self.fresh.get();
        self.comments.with(|list| {
            let mut new = list.iter().filter(|comment| fresh.contains(&comment.id));
            new.any(|comment| {
                comment.parent == parent && comment.body == body.trim() && own(comment)
            })
        })
    }

    /// Adds a comment, or follows it: an event may tell of what the page has already.
    pub(super) fn put(self, comment: Comment) {
        self.comments.update(
            |list| match list.iter_mut().find(|known| known.id == comment.id) {
                Some(known) => known.follow(comment),
                None => {
                    self.fresh.update(|fresh| fresh.push(comment.id));
                    let place = list.partition_point(|known| known.id < comment.id);
                    list.insert(place, comment);
                }
            },
        );
    }

    /// Changes a comment, if it is one of those here.
    pub(super) fn change(self, id: i64, change: impl FnOnce(&mut Comment)) {
        let has = |list: &Vec<Comment>| list.iter().any(|comment| comment.id == id);
        if self.comments.with_untracked(has) {
            self.comments.update(|list| {
                if let Some(comment) = list.iter_mut().find(|comment| comment.id == id) {
                    change(comment);
                }
            });
        }
    }

    /// Loads newer comments.
    pub(super) fn load_more(self) {
        let Some(after) = self.next.get_untracked() else {
            return;
        };
        if self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        self.failed.set(false);
        let post = self.post.with_untracked(|post| post.id);
        spawn_local(async move {
            let more = more_comments(post, after).await;
            // The page may have been left meanwhile.
            if self.comments.is_disposed() {
                return;
            }
            self.loading.set(false);
            match more {
                Ok(more) => self.take(more),
                Err(_) => self.failed.set(true),
            }
        });
    }

    fn take(self, more: Comments) {
        self.mine.update(|mine| mine.extend(more.mine));
        self.comments.update(|list| {
            for comment in more.list {
                match list.iter_mut().find(|known| known.id == comment.id) {
                    Some(known) => known.follow(comment),
                    None => list.push(comment),
                }
            }
            list.sort_by_key(|comment| comment.id);
        });
        self.next.set(more.next);
    }

    /// Loads the page again, because what was missed cannot be replayed. What is being written stays as it is.
    pub(super) fn look_again(self, address: [String; 2], tries: usize) {
        spawn_local(async move {
            let Some(id) = self.post.try_with_untracked(|post| post.id) else {
                return;
            };
            let [community, board] = address.clone();
            match load_post(community, board, id, None).await {
                Ok(page) if !self.comments.is_disposed() => {
                    self.post.update(|known| known.follow(page.post));
                    for comment in page.comments.list {
                        self.put(comment);
                    }
                    // Those after it may have changed too: they are loaded as the reader comes to them.
                    self.next.set(page.comments.next);
                }
                Ok(_) => {}
                Err(_) => {
                    let wait = PATIENCE[tries.min(PATIENCE.len() - 1)];
                    let again = move || self.look_again(address, tries + 1);
                    set_timeout(again, Duration::from_secs(wait));
                }
            }
        });
    }
}

/// Puts the focus on a comment, once it is there.
pub(super) fn focus(id: i64) {
    request_animation_frame(move || {
        use leptos::wasm_bindgen::JsCast;
        let found = document().get_element_by_id(&format!("comment-{id}"));
        if let Some(element) =
            found.and_then(|element| element.dyn_into::<leptos::web_sys::HtmlElement>().ok())
        {
            let _ = element.focus();
        }
    });
}
