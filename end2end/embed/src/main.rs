#[cfg(feature = "ssr")]
#[tokio::main]
async fn main() {
    use axum::Router;
    use embed::app::*;
    use leptos::prelude::*;
    use leptos_axum::{generate_route_list, LeptosRoutes};

    let conf = get_configuration(None).unwrap();
    let addr = conf.leptos_options.site_addr;
    let leptos_options = conf.leptos_options;
    let routes = generate_route_list(App);

    let app = Router::new()
        .leptos_routes(&leptos_options, routes, {
            let leptos_options = leptos_options.clone();
            move || shell(leptos_options.clone())
        })
        .fallback(leptos_axum::file_and_error_handler(shell))
        .with_state(leptos_options);

    let listener = tokio::net::TcpListener::bind(&addr).await.unwrap();
    let realtime = Realtime::builder(RealtimeConfig::from_env().unwrap())
        .sqlite("app.db")
        .authenticate(|visitor| async move { Ok(visitor.cookie("name").and_then(User::named)) })
        .authorize(|_who, rooms, _access| async move { Ok(rooms) });
    realtime.serve(listener, app).await.unwrap();
}

#[cfg(not(feature = "ssr"))]
pub fn main() {}
