//! Who belongs to which community, and what they may do there.

use super::{
    Forum,
    db::{Tx, query},
};
use crate::{
    api::ApiError,
    model::{Membership, Person, Role},
};

/// The most members that a page lists.
const LISTED: i64 = 200;

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    fn read(name: &str) -> Self {
        match name {
            "moderator" => Self::Moderator,
            "admin" => Self::Admin,
            _ => Self::Member,
        }
    }
}

/// Only for admins, as an error for everybody else.
fn admins_only(role: Option<Role>) -> Result<(), ApiError> {
    if role >= Some(Role::Admin) {
        return Ok(());
    }
    Err(ApiError::Denied(
        "Only the community's admins may do that.".to_owned(),
    ))
}

impl Forum {
    /// A person's role in a community, where they belong to it.
    pub(crate) async fn role(
        &self,
        community: i64,
        person: i64,
    ) -> Result<Option<Role>, sqlx::Error> {
        let one = query("select role from membership where community = $1 and person = $2");
        let one: Option<(String,)> = self.db().maybe(one.bind(community).bind(person)).await?;
        Ok(one.map(|(role,)| Role::read(&role)))
    }

    /// The communities of a person, and what they may do there.
    pub(super) async fn memberships(&self, person: i64) -> Result<Vec<(i64, Role)>, sqlx::Error> {
        let all = query("select community, role from membership where person = $1").bind(person);
        let all: Vec<(i64, String)> = self.db().all(all).await?;
        let read = |(community, role): (i64, String)| (community, Role::read(&role));
        Ok(all.into_iter().map(read).collect())
    }

    /// In which of these communities a person is a moderator, or more.
    pub(super) async fn moderated_by(&self, person: i64) -> Result<Vec<i64>, sqlx::Error> {
        let all = self.memberships(person).await?.into_iter();
        let moderated = all.filter(|(_, role)| *role >= Role::Moderator);
        Ok(moderated.map(|(community, _)| community).collect())
    }

    /// The members of a community, those with the most to say first.
    pub(crate) async fn members(&self, community: i64) -> Result<Vec<Membership>, ApiError> {
        let all = query(
            "select p.id, p.name, m.role from membership m join person p on p.id = m.person
             where m.community = $1
             order by case m.role when 'admin' then 0 when 'moderator' then 1 else 2 end, p.id
             limit $2",
        );
        let all = all.bind(community).bind(LISTED);
        let all: Vec<(i64, String, String)> = self.db().all(all).await?;
        let membership = |(id, name, role): (i64, String, String)| Membership {
            person: Person { id, name },
            role: Role::read(&role),
        };
        Ok(all.into_iter().map(membership).collect())
    }

    /// Only for admins of a community.
    ///
    /// # Errors
    /// For everybody else.
    pub(crate) async fn require_admin(&self, community: i64, person: i64) -> Result<(), ApiError> {
        admins_only(self.role(community, person).await?)
    }

    /// An admin gives a member another role. A community keeps an admin.
    ///
    /// # Errors
    /// Where that is not theirs to do, or nobody would be left who could.
    pub(crate) async fn give_role(
        &self,
        community: i64,
        admin: i64,
        person: i64,
        role: Role,
    ) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await?;
        lock(&mut tx, community).await?;
        admins_only(role_in(&mut tx, community, admin).await?)?;
        let given = query("update membership set role = $3 where community = $1 and person = $2");
        let given = given.bind(community).bind(person).bind(role.name());
        if tx.run(given).await? == 0 {
            return Err(ApiError::NotFound);
        }
        some_admin(&mut tx, community).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether everybody may join a community.
    pub(crate) async fn is_open(&self, community: i64) -> Result<bool, sqlx::Error> {
        let open = query("select open from community where id = $1").bind(community);
        let open: Option<(i64,)> = self.db().maybe(open).await?;
        Ok(open.is_some_and(|(open,)| open == 1))
    }

    /// Makes a person a member of an open community. Whoever is one stays what they are.
    ///
    /// # Errors
    /// Where there is no such community, or it is not open.
    pub(crate) async fn join(&self, community: i64, person: i64) -> Result<Role, ApiError> {
        let mut tx = self.db().begin().await?;
        if let Some(role) = role_in(&mut tx, community, person).await? {
            return Ok(role);
        }
        let open = query("select open from community where id = $1").bind(community);
        match tx.maybe::<(i64,)>(open).await? {
            None => return Err(ApiError::NotFound),
            Some((0,)) => {
                return Err(ApiError::Denied(
                    "This community chooses its members itself.".to_owned(),
                ));
            }
            Some(_) => {}
        }
        let new = query(
            "insert into membership (community, person) values ($1, $2) on conflict do nothing",
        );
        tx.run(new.bind(community).bind(person)).await?;
        tx.commit().await?;
        Ok(Role::Member)
    }

    /// Ends a person's membership. A community keeps an admin.
    ///
    /// # Errors
    /// Where nobody would be left who decides.
    pub(crate) async fn leave(&self, community: i64, person: i64) -> Result<(), ApiError> {
        let mut tx = self.db().begin().await?;
        lock(&mut tx, community).await?;
        let role = role_in(&mut tx, community, person).await?;
        let gone = query("delete from membership where community = $1 and person = $2");
        tx.run(gone.bind(community).bind(person)).await?;
        if role == Some(Role::Admin) {
            some_admin(&mut tx, community).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Gives somebody a role, and makes them a member where they are not.
    #[cfg(test)]
    pub(super) async fn set_role(
        &self,
        community: i64,
        person: i64,
        role: Role,
    ) -> Result<(), sqlx::Error> {
        let set = query(
            "insert into membership (community, person, role) values ($1, $2, $3)
             on conflict (community, person) do update set role = excluded.role",
        );
        self.db()
            .run(set.bind(community).bind(person).bind(role.name()))
            .await?;
        Ok(())
    }
}

/// One change of roles at a time: two admins may not take each other's.
async fn lock(tx: &mut Tx, community: i64) -> Result<(), ApiError> {
    let locked = query("update community set name = name where id = $1").bind(community);
    match tx.run(locked).await? {
        0 => Err(ApiError::NotFound),
        _ => Ok(()),
    }
}

/// As an error, where nobody is left who decides.
async fn some_admin(tx: &mut Tx, community: i64) -> Result<(), ApiError> {
    let admins = query("select count(*) from membership where community = $1 and role = 'admin'");
    let (admins,): (i64,) = tx.one(admins.bind(community)).await?;
    if admins == 0 {
        return Err(ApiError::Invalid(
            "A community needs an admin: make somebody else one first.".to_owned(),
        ));
    }
    Ok(())
}

/// A person's role, as it is in the transaction.
pub(super) async fn role_in(
    tx: &mut Tx,
    community: i64,
    person: i64,
) -> Result<Option<Role>, sqlx::Error> {
    let one = query("select role from membership where community = $1 and person = $2");
    let one: Option<(String,)> = tx.maybe(one.bind(community).bind(person)).await?;
    Ok(one.map(|(role,)| Role::read(&role)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::{on_both, person};

    on_both!(
        admins_give_roles_and_one_of_them_stays,
        people_join_and_leave_and_one_admin_stays
    );

    async fn people_join_and_leave_and_one_admin_stays(forum: Forum) {
        let harbour = forum.community("harbour").await.unwrap().id;
        let ada = forum.look_around("Ada").await.unwrap().id;
        forum.leave(harbour, ada).await.unwrap();
        assert_eq!(forum.role(harbour, ada).await.unwrap(), None);
        forum.leave(harbour, ada).await.unwrap();
        assert_eq!(forum.join(harbour, ada).await, Ok(Role::Member));
        forum.set_role(harbour, ada, Role::Moderator).await.unwrap();
        assert_eq!(forum.join(harbour, ada).await, Ok(Role::Moderator));
        let shut = query("update community set open = 0 where id = $1").bind(harbour);
        forum.db().run(shut).await.unwrap();
        let bob = forum.look_around("Bob").await.unwrap().id;
        let denied = forum.join(harbour, bob).await;
        assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
        assert_eq!(forum.join(999, bob).await, Err(ApiError::NotFound));
        let members = forum.members(harbour).await.unwrap();
        let mut left = Vec::new();
        for admin in members.iter().filter(|one| one.role == Role::Admin) {
            left.push(forum.leave(harbour, admin.person.id).await);
        }
        let last = left.pop().unwrap();
        assert!(matches!(last, Err(ApiError::Invalid(_))), "{last:?}");
        assert!(left.iter().all(Result::is_ok));
    }

    async fn admins_give_roles_and_one_of_them_stays(forum: Forum) {
        let harbour = forum.community("harbour").await.unwrap().id;
        let ada = person(&forum, "Ada", "harbour", Role::Admin).await;
        let bob = person(&forum, "Bob", "harbour", Role::Member).await;
        let denied = forum.give_role(harbour, bob.id, bob.id, Role::Admin).await;
        assert!(matches!(denied, Err(ApiError::Denied(_))), "{denied:?}");
        forum
            .give_role(harbour, ada.id, bob.id, Role::Moderator)
            .await
            .unwrap();
        assert_eq!(
            forum.role(harbour, bob.id).await.unwrap(),
            Some(Role::Moderator)
        );
        assert_eq!(forum.moderated_by(bob.id).await.unwrap(), [harbour]);
        for member in forum.members(harbour).await.unwrap() {
            if member.role == Role::Admin && member.person.id != ada.id {
                forum
                    .give_role(harbour, ada.id, member.person.id, Role::Member)
                    .await
                    .unwrap();
            }
        }
        let last = forum.give_role(harbour, ada.id, ada.id, Role::Member).await;
        assert!(matches!(last, Err(ApiError::Invalid(_))), "{last:?}");
        assert_eq!(
            forum.role(harbour, ada.id).await.unwrap(),
            Some(Role::Admin)
        );
        assert_eq!(
            forum.give_role(999, ada.id, ada.id, Role::Member).await,
            Err(ApiError::NotFound)
        );
    }
}
