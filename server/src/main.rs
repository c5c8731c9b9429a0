//! The forum's server: SSR pages, server functions and the realtime endpoint in one axum process.

mod config;

use std::{error::Error, process::ExitCode};

use app::{
    App, Notice,
    backend::{Forum, PARTNERSHIPS, Partners, Rights},
    shell,
};
use axum::{
    Router,
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use config::Config;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};
use leptos_realtime::{Realtime, Telegram};
use tower_http::{compression::CompressionLayer, trace::TraceLayer};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(config::log_filter())
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message = format!("{message}: {error}");
                cause = error.source();
            }
            eprintln!("forum: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let forum = Forum::open(&config.database_url).await?;
    let rights = Rights::new(forum.clone(), config.sign_in);
    if config.sign_in.demo {
        tracing::warn!(
            "anybody may sign in by a name alone: DEMO_SIGN_IN=false ends that, as APP_ENV=production does"
        );
    }

    let (who, may) = (rights.clone(), rights.clone());
    let (member, place) = (rights.clone(), rights.clone());
    let partners = Partners::new(&forum);
    let relay = partners.clone();
    let mut builder = Realtime::builder(config.realtime);
    if let Some(telegram) = config.telegram {
        builder = builder.channel(Telegram::new(telegram)?);
    }
    let realtime = builder
        .database(forum.database())
        .notifications::<Notice>()
        .relay(move |original| relay.clone().relay(original))
        .on_invalidate(move |what| {
            if what.is_none_or(|what| what == PARTNERSHIPS) {
                partners.forget();
            }
        })
        .authenticate(move |handshake| who.clone().authenticate(handshake))
        .authorize(move |user, rooms, access| may.clone().authorize(user, rooms, access))
        .auto_join(move |user| member.clone().rooms_of(user))
        .whereabouts(move |user, room| place.clone().whereabouts(user, room))
        .start()
        .await?;

    let provide_realtime = realtime.context();
    let context = move || {
        provide_realtime();
        provide_context(rights.clone());
    };
    let options = config.leptos;
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let app = Router::new()
        .leptos_routes_with_context(
            &options,
            generate_route_list(App),
            context.clone(),
            document,
        )
        .fallback(file_and_error_handler_with_context::<
            leptos::prelude::LeptosOptions,
            _,
        >(context, shell))
        .layer(axum::middleware::from_fn(without_slash))
        .merge(realtime.routes())
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(options.clone());

    let listener = tokio::net::TcpListener::bind(options.site_addr)
        .await
        .map_err(|error| {
            format!(
                "cannot listen on {}: {error}; set LEPTOS_SITE_ADDR to another address",
                options.site_addr
            )
        })?;
    println!("The forum is at http://{}", listener.local_addr()?);
    let served = realtime.serve(listener, app).await;
    forum.close().await;
    Ok(served?)
}

/// An address with a slash at its end is the same page's without it.
async fn without_slash(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let path = uri.path().trim_end_matches('/');
    // Two slashes at the beginning would lead to another site.
    if path == uri.path() || path.is_empty() || path.starts_with("//") {
        return next.run(request).await;
    }
    let query = uri.query().map(|query| format!("?{query}"));
    Redirect::permanent(&format!("{path}{}", query.unwrap_or_default())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_pages_can_be_listed_without_a_hosts_context() {
        let routes = generate_route_list(App);
        let paths: Vec<_> = routes.iter().map(|route| route.path()).collect();
        assert_eq!(
            paths,
            [
                "/",
                "/sign-in",
                "/sign-up",
                "/inbox",
                "/settings",
                "/c/{community}",
                "/c/{community}/manage",
                "/c/{community}/{board}",
                "/c/{community}/{board}/{post}"
            ]
        );
    }
}
