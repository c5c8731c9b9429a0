//! People: who is new, who has a password, and who looks around.

use super::{
    Forum,
    clock::now,
    cookie::TokenHash,
    db::{Tx, query},
    names, passwords,
};
use crate::{api::ApiError, model::Person};

impl Forum {
    /// A new person with a password, who becomes a member of every open community.
    ///
    /// # Errors
    /// When the name is taken, or the database fails.
    pub(crate) async fn sign_up(&self, name: &str, password: &str) -> Result<Person, ApiError> {
        let hash = passwords::hash(password.to_owned()).await?;
        let mut tx = self.db().begin().await?;
        let Some(person) = add(&mut tx, name, Some(&hash)).await? else {
            return Err(ApiError::Invalid(format!(
                "Somebody is called {name} already. Please choose another name, or sign in."
            )));
        };
        tx.commit().await?;
        Ok(person)
    }

    /// Whoever has this name and this password. It takes as long where nobody has the name.
    ///
    /// # Errors
    /// When nobody has both, or the database fails.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Result<Person, ApiError> {
        let found = query("select id, name, password from person where name_key = $1");
        let found = found.bind(names::key(name).as_str());
        let found: Option<(i64, String, Option<String>)> = self.db().maybe(found).await?;
        let hash = found.as_ref().and_then(|(_, _, hash)| hash.clone());
        let right = passwords::is_right(password.to_owned(), hash).await?;
        match found {
            Some((id, name, _)) if right => Ok(Person { id, name }),
            _ => Err(ApiError::Invalid(
                "This name and this password do not belong together.".to_owned(),
            )),
        }
    }

    /// Gives a person another name.
    ///
    /// # Errors
    /// When it is somebody else's, or the database fails.
    pub(crate) async fn rename(&self, person: i64, name: &str) -> Result<Person, ApiError> {
        let key = names::key(name);
        let renamed = query("update person set name = $2, name_key = $3 where id = $1");
        let renamed = renamed.bind(person).bind(name).bind(key.as_str());
        match self.db().run(renamed).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(ApiError::Invalid(format!(
                    "Somebody is called {name} already. Please choose another name."
                )));
            }
            renamed => renamed?,
        };
        let name = name.to_owned();
        Ok(Person { id: person, name })
    }

    /// Gives a person another password, who knows the one that they have, and ends all of their sessions but this one.
    ///
    /// # Errors
    /// When they do not, when they have none, or the database fails.
    pub(super) async fn change_password(
        &self,
        person: i64,
        current: &str,
        new: &str,
        here: Option<&TokenHash>,
    ) -> Result<(), ApiError> {
        let found = query("select password from person where id = $1").bind(person);
        let found: Option<(Option<String>,)> = self.db().maybe(found).await?;
        let hash = found.and_then(|(hash,)| hash);
        if hash.is_none() {
            return Err(ApiError::Denied(
                "This person was made to look around, and has no password.".to_owned(),
            ));
        }
        if !passwords::is_right(current.to_owned(), hash).await? {
            return Err(ApiError::Invalid(
                "That is not your present password.".to_owned(),
            ));
        }
        let new = passwords::hash(new.to_owned()).await?;
        let mut tx = self.db().begin().await?;
        let changed = query("update person set password = $2 where id = $1");
        tx.run(changed.bind(person).bind(new.as_str())).await?;
        let ended = query("delete from session where person = $1 and token <> $2");
        let here = here.map_or("", |here| here.0.as_str());
        tx.run(ended.bind(person).bind(here)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The person of this name, who is made where there is none: to look around without a password, in development.
    ///
    /// # Errors
    /// When they have a password, or the database fails.
    pub(crate) async fn look_around(&self, name: &str) -> Result<Person, ApiError> {
        let mut tx = self.db().begin().await?;
        add(&mut tx, name, None).await?;
        let found = query("select id, name, password from person where name_key = $1");
        let found = found.bind(names::key(name).as_str());
        let (id, name, password): (i64, String, Option<String>) = tx.one(found).await?;
        if password.is_some() {
            return Err(ApiError::Invalid(format!(
                "{name} has a password: please sign in with it."
            )));
        }
        tx.commit().await?;
        Ok(Person { id, name })
    }
}

/// Adds a person to the forum and its open communities. Nobody, where the name is taken.
async fn add(
    tx: &mut Tx,
    name: &str,
    password: Option<&str>,
) -> Result<Option<Person>, sqlx::Error> {
    let new = query(
        "insert into person (name, name_key, password, created) values ($1, $2, $3, $4)
         on conflict do nothing returning id",
    );
    let key = names::key(name);
    let new = new.bind(name).bind(key.as_str()).bind(password).bind(now());
    let Some((id,)) = tx.maybe::<(i64,)>(new).await? else {
        return Ok(None);
    };
    let joined = query(
        "insert into membership (community, person) select id, $1 from community where open = 1
         on conflict do nothing",
    );
    tx.run(joined.bind(id)).await?;
    let name = name.to_owned();
    Ok(Some(Person { id, name }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::on_both;

    on_both!(
        a_name_is_one_persons_and_so_is_their_password,
        who_looks_around_needs_no_password_and_gets_nobodys_account,
        a_person_takes_another_name_and_another_password,
    );

    async fn a_person_takes_another_name_and_another_password(forum: Forum) {
        let ada = forum.sign_up("Ada", "lanterns in rain").await.unwrap();
        forum.sign_up("Bob", "lanterns in snow").await.unwrap();
        let taken = forum.rename(ada.id, "BOB").await.unwrap_err();
        assert!(taken.to_string().contains("Somebody is called"), "{taken}");
        assert_eq!(forum.rename(ada.id, "ADA").await.unwrap().name, "ADA");
        let renamed = forum.rename(ada.id, "Ada Lovelace").await.unwrap();
        let wrong = forum.change_password(ada.id, "a guess", "an engine, weaving", None);
        assert!(matches!(wrong.await, Err(ApiError::Invalid(_))));
        let changed = forum.change_password(ada.id, "lanterns in rain", "an engine, weaving", None);
        changed.await.unwrap();
        let name = "ada lovelace";
        assert!(forum.sign_in(name, "lanterns in rain").await.is_err());
        assert_eq!(
            forum.sign_in(name, "an engine, weaving").await.unwrap(),
            renamed
        );
        let guest = forum.look_around("Cyd").await.unwrap();
        let none = forum.change_password(guest.id, "", "an engine, weaving", None);
        assert!(matches!(none.await, Err(ApiError::Denied(_))));
    }

    async fn a_name_is_one_persons_and_so_is_their_password(forum: Forum) {
        let ada = forum.sign_up("Ada", "lanterns in rain").await.unwrap();
        assert_eq!(forum.sign_in("ada", "lanterns in rain").await.unwrap(), ada);
        let taken = forum.sign_up("ADA", "another password").await.unwrap_err();
        assert!(taken.to_string().contains("Somebody is called"), "{taken}");
        let wrong = forum.sign_in("Ada", "another password").await.unwrap_err();
        let unknown = forum
            .sign_in("Nobody", "another password")
            .await
            .unwrap_err();
        assert_eq!(wrong, unknown, "whether a name is known is not told");
        let harbour = forum.community("harbour").await.unwrap();
        assert!(
            forum
                .memberships(ada.id)
                .await
                .unwrap()
                .iter()
                .any(|(id, _)| *id == harbour.id)
        );
        let lantern = forum.community("lantern").await.unwrap();
        assert!(
            !forum
                .memberships(ada.id)
                .await
                .unwrap()
                .iter()
                .any(|(id, _)| *id == lantern.id)
        );
    }

    async fn who_looks_around_needs_no_password_and_gets_nobodys_account(forum: Forum) {
        let ada = forum.look_around("Ada").await.unwrap();
        assert_eq!(
            forum.look_around("ada").await.unwrap(),
            ada,
            "names differ by more than case"
        );
        assert!(forum.sign_in("Ada", "").await.is_err());
        forum.sign_up("Bob", "lanterns in rain").await.unwrap();
        assert!(forum.look_around("bob").await.is_err());
    }
}
