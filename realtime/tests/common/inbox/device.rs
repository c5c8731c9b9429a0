//! A page that shows an inbox: the client's own state machine, driven as the hook drives it in a browser.

use std::collections::BTreeSet;

use leptos_realtime::{
    NotificationId, ProtocolError, Realtime,
    core::inbox::{Inbox, MarkId, Marked, Needs},
    protocol::{InboxChange, InboxCursor, InboxPage, InboxRoom},
    server_fns::{InboxView, inbox, inbox_changes, mark_all_read, mark_notifications, my_inbox},
    testing::TestClient,
};

use super::{as_page, id, request};

/// What came back from the server; nothing where no answer came.
#[derive(Clone, Debug)]
pub enum Answer {
    Changes(Option<InboxChange>),
    Page(Option<InboxPage>),
    More(InboxCursor, Option<InboxPage>),
    Marked(MarkId, Option<InboxChange>),
}

/// What is asked of the server.
#[derive(Clone, Debug)]
pub enum Question {
    Needs(Needs),
    More(InboxCursor),
    Mark(MarkId, Marked),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Device {
    pub name: String,
    pub inbox: Inbox,
    /// How many of the room's events it has taken.
    heard: usize,
    /// Whether a question about what is missing is under way.
    pub asking: bool,
    news: BTreeSet<(NotificationId, u32)>,
    /// What was told as news more than once.
    pub told_again: usize,
}

impl Device {
    /// A page that was just loaded.
    pub fn of(view: InboxView) -> Self {
        let mut inbox = Inbox::default();
        inbox.begin(view.page);
        Self {
            name: view.user.to_string(),
            inbox,
            heard: 0,
            asking: false,
            news: BTreeSet::new(),
            told_again: 0,
        }
    }

    /// Loads somebody's page at an instance.
    pub async fn load(node: &Realtime, name: &str) -> Result<InboxView, ProtocolError> {
        let view = as_page(node, request(Some(name)), my_inbox()).await?;
        Ok(view.expect("somebody is signed in"))
    }

    pub fn room(&self) -> InboxRoom {
        InboxRoom(id(&self.name))
    }

    /// Takes what came through the room since.
    pub fn hear(&mut self, client: &TestClient) {
        let told = client.events(self.room());
        for text in &told[self.heard..] {
            match serde_json::from_str::<InboxChange>(text) {
                Ok(change) => self.take(change),
                // Told to look again.
                Err(_) => self.inbox.missed(),
            }
        }
        self.heard = told.len();
    }

    fn take(&mut self, change: InboxChange) {
        for one in change.notifications.iter().flatten() {
            if self.inbox.is_news(one) && !self.news.insert((one.id, one.count)) {
                self.told_again += 1;
            }
        }
        self.inbox.apply(change);
    }

    /// The question that is due, if one is.
    pub fn ask(&mut self) -> Option<Question> {
        if self.asking || self.inbox.needs() == Needs::Nothing {
            return None;
        }
        self.asking = true;
        Some(Question::Needs(self.inbox.ask()))
    }

    /// The person does something.
    pub fn mark(&mut self, what: Marked, now: u64) -> Question {
        Question::Mark(self.inbox.mark(what.clone(), now), what)
    }

    /// Takes what the server said.
    pub fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Changes(Some(change)) => self.inbox.caught_up(change),
            Answer::Page(Some(page)) => self.inbox.begin(page),
            Answer::Changes(None) | Answer::Page(None) => self.inbox.missed(),
            Answer::More(after, page) => {
                if let Some(page) = page {
                    self.inbox.more(after, page);
                }
                return;
            }
            Answer::Marked(id, change) => {
                self.inbox.marked(id, change);
                return;
            }
        }
        self.asking = false;
    }

    /// Whether it waits for nothing.
    pub fn is_at_rest(&self) -> bool {
        !self.asking && self.inbox.needs() == Needs::Nothing
    }
}

impl Question {
    /// The answer where none came.
    pub fn unanswered(&self) -> Answer {
        match self {
            Self::Needs(Needs::Page) => Answer::Page(None),
            Self::Needs(_) => Answer::Changes(None),
            Self::More(after) => Answer::More(*after, None),
            Self::Mark(id, _) => Answer::Marked(*id, None),
        }
    }

    /// Asks an instance, through the server functions of its pages.
    pub async fn ask(&self, node: &Realtime, name: &str) -> Result<Answer, ProtocolError> {
        let (page, user) = (request(Some(name)), Some(id(name)));
        Ok(match self {
            Self::Needs(Needs::Page) => {
                let view = as_page(node, page, my_inbox()).await?;
                Answer::Page(view.map(|view| view.page))
            }
            Self::Needs(Needs::Changes(after)) => {
                let changes = inbox_changes(*after, user);
                Answer::Changes(Some(as_page(node, page, changes).await?))
            }
            Self::Needs(Needs::Nothing | Needs::List(..)) => Answer::Changes(None),
            Self::More(after) => {
                let (updated, number) = (Some(after.updated), Some(after.id.0));
                let more = inbox(updated, number, 0, false, false, None, None, user);
                Answer::More(*after, Some(as_page(node, page, more).await?))
            }
            Self::Mark(mark, Marked::These(ids, what)) => {
                let ids = ids.iter().map(|id| id.0).collect();
                let marked = mark_notifications(ids, *what, user);
                Answer::Marked(*mark, Some(as_page(node, page, marked).await?))
            }
            Self::Mark(mark, Marked::AllRead(up_to)) => {
                let marked = mark_all_read(*up_to, user);
                Answer::Marked(*mark, Some(as_page(node, page, marked).await?))
            }
        })
    }
}
