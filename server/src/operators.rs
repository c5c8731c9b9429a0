//! `--operator` and `--no-operator`: who looks after the site is said on its machine, and by nobody in a browser.

use std::error::Error;

use app::backend::{Appointed, Forum};

/// What is to become of a person, by their name.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// They see the operator page.
    Appoint(&'a str),
    /// They do not any more.
    Dismiss(&'a str),
}

/// Writes it into the forum's database, and prints what was done. A forum that runs meanwhile notices it by itself.
pub async fn change(database_url: &str, change: Change<'_>) -> Result<(), Box<dyn Error>> {
    let forum = Forum::open_existing(database_url).await?;
    let changed = match change {
        Change::Appoint(name) => forum.appoint(name).await,
        Change::Dismiss(name) => forum.dismiss(name).await,
    };
    forum.close().await;
    println!("{}", sentences(change, &changed?));
    Ok(())
}

fn sentences(change: Change<'_>, done: &Appointed) -> String {
    let (name, id) = (&done.person.name, done.person.id);
    let mut said = match (change, done.changed) {
        (Change::Appoint(_), true) => {
            format!("{name} (person {id}) is an operator now, and sees /admin/realtime.")
        }
        (Change::Appoint(_), false) => {
            format!("{name} (person {id}) was an operator already.")
        }
        (Change::Dismiss(_), true) => format!(
            "{name} (person {id}) is no operator any more. Pages that they have open close within some seconds."
        ),
        (Change::Dismiss(_), false) => format!("{name} (person {id}) was no operator."),
    };
    if matches!(change, Change::Appoint(_)) && !done.has_password {
        said.push_str(
            "\nThey have no password: with DEMO_SIGN_IN=true anybody can take this name, and is the operator.",
        );
    }
    said
}
