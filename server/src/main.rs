//! The forum's server: SSR pages, server functions and the realtime endpoint in one axum process.
//!
//! [`config`] is what the environment says, [`serve`] puts the forum together, [`site`] is the built site inside the
//! executable, [`operators`] says who looks after it.

mod causes;
mod config;
mod descriptors;
mod logs;
mod operators;
mod security;
mod serve;
mod site;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use config::{Config, Variables};
use logs::Traces;

/// A forum that shows who is here and what happens, as it happens.
#[derive(Parser)]
#[command(
    name = "forum",
    version,
    after_help = "Everything is set by environment variables, all of them optional: see --help",
    after_long_help = config::help()
)]
struct Cli {
    /// Show every setting and where it is from, check that it can be used, and end: with 0 where the forum would start
    #[arg(long)]
    check_config: bool,
    /// Let this person see the operator page, /admin/realtime, and end
    #[arg(long, value_name = "NAME", conflicts_with_all = ["check_config", "no_operator"])]
    operator: Option<String>,
    /// Take that away from this person, also on the pages that they have open, and end
    #[arg(long, value_name = "NAME", conflicts_with = "check_config")]
    no_operator: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("forum: {}", causes::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<ExitCode, Box<dyn Error>> {
    let variables = Variables::read()?;
    if cli.check_config {
        let good = config::check::check(&variables).await;
        return Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let change = match (&cli.operator, &cli.no_operator) {
        (Some(name), _) => Some(operators::Change::Appoint(name)),
        (None, Some(name)) => Some(operators::Change::Dismiss(name)),
        (None, None) => None,
    };
    if let Some(change) = change {
        operators::change(&config::database_url(&variables), change).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::from_variables(&variables)?;
    let traces = match &config.traces {
        Some((endpoint, service)) => Some(Traces::to(endpoint, service)?),
        None => None,
    };
    logs::begin(
        config::log_filter(&variables)?,
        config.log_format,
        traces.as_ref(),
    );
    config::warn_of_unknown(&variables);
    if let Some(limit) = descriptors::raise().filter(|limit| !limit.is_enough()) {
        tracing::warn!("at most {limit}");
    }
    let served = serve::serve(config).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    served.map(|()| ExitCode::SUCCESS)
}
