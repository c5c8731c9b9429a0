//! The forum, put together and served until it is told to stop.

use std::{error::Error, time::Duration};

use app::{
    App, Notice,
    backend::{Forum, PARTNERSHIPS, Partners, Reporter, Rights},
    shell,
};
use axum::{
    Router,
    extract::{Request, State},
    handler::HandlerWithoutStateExt as _,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use leptos_realtime::{Realtime, Telegram};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower_http::{compression::CompressionLayer, services::ServeDir, trace::TraceLayer};
use tracing::Instrument as _;

use crate::{
    config::Config,
    logs::{self, Format, Named},
    security::{self, Budget, Headers},
    site::{self, Site},
};

/// How long what is under way may take at the end, where nobody waits for it any more.
const LAST: Duration = Duration::from_secs(2);

/// Starts everything, and returns when the process is to end.
pub async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
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
    let mut settings = config.realtime;
    // Of a folder nobody knows: whoever writes the pages changes it all the time.
    settings.build = settings
        .build
        .or_else(|| site::embedded().and_then(Site::build));
    let mut builder = Realtime::builder(settings);
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

    let reporter = Reporter::new(rights.clone(), realtime.clone());
    let provide_realtime = realtime.context();
    let context = move || {
        provide_realtime();
        provide_context(rights.clone());
    };
    let (site, mut options) = (site::embedded(), config.leptos);
    if let Some(site) = site {
        options.site_pkg_dir = site.versioned_pkg().into();
    }
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let app = Router::new().leptos_routes_with_context(
        &options,
        generate_route_list(App),
        context.clone(),
        document.clone(),
    );
    // The page that says that there is none; and in development the files of the site. Not those of `leptos_axum`: its
    // answer to who asks for a file takes the headers of a page that is being made on the same thread.
    let no_page = render_app_async_with_context(context, document);
    let app = match site {
        Some(_) => app.fallback(no_page),
        None => app.fallback_service(
            ServeDir::new(&*options.site_root)
                .append_index_html_on_directories(false)
                .precompressed_br()
                .precompressed_gzip()
                .call_fallback_on_method_not_allowed(true)
                .fallback(no_page.into_service()),
        ),
    };
    let under_way = TaskTracker::new();
    let mut app = app
        .layer(from_fn_with_state(under_way.clone(), to_its_end))
        .layer(from_fn(without_slash))
        .merge(realtime.routes())
        .layer(CompressionLayer::new());
    if let Some(site) = site {
        // Around the layer that compresses: what is worth it is compressed already.
        app = app.layer(from_fn(move |request: Request, next: Next| async move {
            let answer = site.answer(request.method(), request.uri().path(), request.headers());
            match answer {
                Some(answer) => answer,
                None => next.run(request).await,
            }
        }));
    }
    let headers = Headers {
        https: config.https,
    };
    let budget = Budget::new(config.requests_per_address);
    let app = security::secure(app, &realtime, headers, budget);
    let app = realtime
        .measure(app)
        .layer(TraceLayer::new_for_http().make_span_with(Named))
        .layer(from_fn(logs::name))
        .with_state(options);

    let listener = config.listen.bind()?;
    let address = listener.local_addr()?;
    match config.log_format {
        Format::Text => println!("The forum is at http://{address}"),
        Format::Json => tracing::info!(%address, "the forum is served"),
    }
    let served = reporter.beside(realtime.serve(listener, app)).await;
    // Nobody waits for these any more; the database is still open.
    under_way.close();
    if timeout(LAST, under_way.wait()).await.is_err() {
        tracing::warn!("some of what was under way did not end");
    }
    forum.close().await;
    Ok(served?)
}

/// Makes a page, or does what a form asks for, also where nobody waits for it any more: whoever leaves meanwhile would end
/// it in the middle, and what of it runs on its own would miss what the page had provided.
async fn to_its_end(
    State(under_way): State<TaskTracker>,
    request: Request,
    next: Next,
) -> Response {
    let answer = timeout(security::PATIENCE, next.run(request));
    match under_way.spawn(answer.in_current_span()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => StatusCode::GATEWAY_TIMEOUT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a request ended without an answer");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
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
                "/admin/realtime",
                "/c/{community}",
                "/c/{community}/manage",
                "/c/{community}/{board}",
                "/c/{community}/{board}/{post}"
            ]
        );
    }
}
