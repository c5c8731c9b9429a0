//! C9: the database is the truth, the socket a wake-up. Numbered changes; the unread count is derived; drift 0 under
//! retries, drops and three devices. Random lives by seed, on SQLite and on a real Postgres; `cargo xtask chaos inbox`
//! lives longer ones.
#![cfg(all(feature = "testing", feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "tests")]

#[macro_use]
mod common;

use common::{
    host::Host,
    inbox::life::{Lived, live},
};
use leptos_realtime::server::HostTransaction;
use sqlx::Transaction;

on_every_database!(
    c9_three_devices_show_what_the_database_has_and_it_what_happened,
    c9_and_so_they_do_in_another_life,
);

async fn lived<H: Host>(seed: u64) -> Lived
where
    Transaction<'static, H::Db>: HostTransaction,
{
    live::<H>(seed, 300)
        .await
        .unwrap_or_else(|why| panic!("{why}"))
}

async fn c9_three_devices_show_what_the_database_has_and_it_what_happened<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    let lived = lived::<H>(1).await;
    assert_eq!(lived.operations, 300);
    assert!(lived.told > 50 && lived.marks > 50, "{lived:?}");
    assert!(
        lived.lost > 0 && lived.late > 0 && lived.drops > 0,
        "{lived:?}"
    );
}

async fn c9_and_so_they_do_in_another_life<H: Host>()
where
    Transaction<'static, H::Db>: HostTransaction,
{
    lived::<H>(rand::random()).await;
}
