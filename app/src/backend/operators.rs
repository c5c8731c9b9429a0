//! Who looks after the site: people with a flag that the executable alone sets and takes away.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Forum, clock::now, db::query, names};
use crate::model::Person;

/// What became of somebody whom an operator of the machine named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointed {
    pub person: Person,
    /// Whether anything is otherwise than before.
    pub changed: bool,
    /// Whether they sign in with a password. Without one anybody is them where people may look around by a name.
    pub has_password: bool,
}

/// Why nobody was appointed or dismissed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAppointed {
    /// Nobody has the name.
    #[error("nobody is called {0:?} in this forum: they have to sign up first")]
    Unknown(String),
    /// The database failed.
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

impl Forum {
    /// Makes a person an operator, by their name.
    ///
    /// # Errors
    /// When nobody is called so, or the database fails.
    pub async fn appoint(&self, name: &str) -> Result<Appointed, NotAppointed> {
        let new = query(
            "insert into site_operator (person, since) values ($1, $2) on conflict do nothing",
        );
        let (person, has_password) = self.named(name).await?;
        let changed = self.db().run(new.bind(person.id).bind(now())).await? > 0;
        Ok(Appointed {
            person,
            changed,
            has_password,
        })
    }

    /// Takes that away. Every instance notices it within some seconds, and closes the pages that they have open.
    ///
    /// # Errors
    /// When nobody is called so, or the database fails.
    pub async fn dismiss(&self, name: &str) -> Result<Appointed, NotAppointed> {
        let gone = query("delete from site_operator where person = $1");
        let (person, has_password) = self.named(name).await?;
        let changed = self.db().run(gone.bind(person.id)).await? > 0;
        Ok(Appointed {
            person,
            changed,
            has_password,
        })
    }

    /// Who is called so, and whether they have a password.
    async fn named(&self, name: &str) -> Result<(Person, bool), NotAppointed> {
        let found = query("select id, name, password from person where name_key = $1");
        let found = found.bind(names::key(name).as_str());
        let found: Option<(i64, String, Option<String>)> = self.db().maybe(found).await?;
        match found {
            Some((id, name, password)) => Ok((Person { id, name }, password.is_some())),
            None => Err(NotAppointed::Unknown(name.to_owned())),
        }
    }

    /// Whether a person looks after the site.
    pub(super) async fn is_operator(&self, person: i64) -> Result<bool, sqlx::Error> {
        Ok(!self.operators(&[person]).await?.is_empty())
    }

    /// Which of these people do.
    pub(super) async fn operators(&self, people: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
        let all = "select person from site_operator where person in ($list)";
        self.existing(all, people).await
    }
}

/// The operators who were let into their room on this instance: who is none any more is noticed among them. Nobody tells
/// an instance of it, because it is done by another process, which reaches nothing but the database. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct LetIn(Arc<Mutex<BTreeSet<i64>>>);

impl LetIn {
    pub(super) fn note(&self, person: i64) {
        self.lock().insert(person);
    }

    pub(super) fn forget(&self, person: i64) {
        self.lock().remove(&person);
    }

    pub(super) fn all(&self) -> Vec<i64> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::on_both;

    on_both!(operators_are_appointed_and_dismissed_by_their_names);

    async fn operators_are_appointed_and_dismissed_by_their_names(forum: Forum) {
        let ada = forum.sign_up("Ada", "lanterns in rain").await.unwrap();
        let bob = forum.look_around("Bob").await.unwrap();
        assert!(!forum.is_operator(ada.id).await.unwrap());
        let appointed = forum.appoint(" ADA ").await.unwrap();
        let expected = Appointed {
            person: ada.clone(),
            changed: true,
            has_password: true,
        };
        assert_eq!(appointed, expected);
        assert!(!forum.appoint("Ada").await.unwrap().changed, "they are one");
        assert!(!forum.appoint("Bob").await.unwrap().has_password);
        let both = forum.operators(&[ada.id, bob.id, 999]).await.unwrap();
        assert_eq!(both.len(), 2);
        assert!(forum.dismiss("Ada").await.unwrap().changed);
        assert!(!forum.dismiss("Ada").await.unwrap().changed);
        assert!(!forum.is_operator(ada.id).await.unwrap());
        assert!(forum.is_operator(bob.id).await.unwrap());
        let nobody = forum.appoint("Adda").await.unwrap_err();
        assert!(nobody.to_string().contains("\"Adda\""), "{nobody}");
        // Who is signed in knows it.
        let token = forum.begin_session(bob.id, "…").await.unwrap();
        let signed_in = forum.session(&token.hash()).await.unwrap().unwrap();
        assert!(signed_in.operator);
        let token = forum.begin_session(ada.id, "…").await.unwrap();
        let signed_in = forum.session(&token.hash()).await.unwrap().unwrap();
        assert!(!signed_in.operator);
    }
}
