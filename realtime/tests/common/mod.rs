//! What tests with real databases share.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

/// Runs a test against each kind of host.
#[allow(unused_macros, reason = "each test uses a part")]
macro_rules! on_every_database {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name::<crate::common::host::SqliteHost>().await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name::<crate::common::host::PostgresHost>().await;
            })*
        }
    };
}

pub mod between;
pub mod durable;
pub mod host;
pub mod inbox;
pub mod postgres;
