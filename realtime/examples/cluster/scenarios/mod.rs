//! The scenarios, each in a file of its own, or with those that are like it.

mod clock;
mod configured;
mod drain;
mod drop;
mod failover;
mod idle;
mod kill_node;
mod latency;
mod moves;
mod outage;
mod partition;
mod password;
mod pause;
mod race;
mod rolling;
mod twelve;
mod versions;
mod zombie;

use super::{Options, Report, Result};

/// Runs the scenario of this name.
pub async fn run(name: &str, options: &Options, report: &mut Report) -> Result<()> {
    match name {
        "kill-node" => kill_node::run(options, report).await,
        "redis-pause" => pause::run(options, report).await,
        "redis-restart" => outage::run(outage::Loss::Restart, options, report).await,
        "redis-flush" => outage::run(outage::Loss::Flush, options, report).await,
        "redis-restore" => outage::run(outage::Loss::Restore, options, report).await,
        "redis-evict" => outage::run(outage::Loss::Evict, options, report).await,
        "redis-tls" => configured::tls(options, report).await,
        "redis-acl" => configured::acl(options, report).await,
        "redis-password" => password::run(options, report).await,
        "redis-sentinel" => failover::sentinel(options, report).await,
        "redis-cluster" => failover::cluster(options, report).await,
        "clock" => clock::run(options, report).await,
        "move" => moves::run(options, report).await,
        "twelve" => twelve::run(options, report).await,
        "zombie" => zombie::run(options, report).await,
        "half-link" => partition::half(options, report).await,
        "partition" => partition::run(options, report).await,
        "race" => race::run(options, report).await,
        "rolling" => rolling::run(options, report).await,
        "drain" => drain::run(options, report).await,
        "versions" => versions::run(options, report).await,
        "drop" => drop::run(options, report).await,
        "idle" => idle::run(options, report).await,
        "latency" => latency::run(options, report).await,
        _ => Err(format!("there is no scenario {name}").into()),
    }
}
