//! On Postgres: hears of every commit that wrote into the outbox, on any instance.

use std::{sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::time::{sleep, timeout};

use super::{transaction::CHANNEL, wake::Wake};

/// How long the line may be silent before it is tried.
const SILENCE: Duration = Duration::from_secs(20);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The pause before a lost line is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens for as long as it is not dropped. The connection is one of its own, so that a host's small pool stays whole.
pub(super) fn run(
    pool: &PgPool,
    wake: Arc<Wake>,
    writer: String,
) -> impl Future<Output = ()> + use<> {
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with((*pool.connect_options()).clone());
    async move {
        loop {
            if let Err(error) = listen(&own, &wake, &writer).await {
                tracing::warn!(%error, "not told of commits for now: the outbox is polled");
            }
            wake.announce(false);
            sleep(PAUSE).await;
        }
    }
}

/// Until the line is lost.
async fn listen(own: &PgPool, wake: &Wake, writer: &str) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(own).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    wake.announce(true);
    // Something may have been committed before.
    wake.committed(true);
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(told))) => wake.committed(told.payload() == writer),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            // A line can be dead without anybody having said so.
            Err(_) => {
                let answer = sqlx::query("select 1").execute(&mut listener);
                timeout(ANSWER, answer)
                    .await
                    .map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}
