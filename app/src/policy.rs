//! What browsers may load for a page: the site's own, and nothing else. A text that slipped through as a script does not
//! run: the page's own inline scripts carry a number that nobody can guess.

use http::{HeaderName, HeaderValue, header, request::Parts};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;

/// Where a form leads that links a person's chat: browsers hold what a form is answered with to the same rule.
const CHAT: &str = "https://t.me";

/// Tells it with the page that is being made.
pub(crate) fn tell(options: &LeptosOptions) {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let host = use_context::<Parts>().and_then(|parts| host(&parts));
    // `cargo leptos watch` tells pages to reload, from a port of its own.
    let reloads = cfg!(debug_assertions).then_some(options.reload_port);
    if let Ok(policy) = HeaderValue::try_from(policy(&nonce.to_string(), host.as_deref(), reloads))
    {
        let name: HeaderName = header::CONTENT_SECURITY_POLICY;
        response.insert_header(name, policy);
    }
}

/// Where the page was asked for, as long as it is a plain one.
fn host(parts: &Parts) -> Option<String> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter);
    host.chars().all(plain).then(|| host.to_owned())
}

fn policy(nonce: &str, host: Option<&str>, reloads: Option<u32>) -> String {
    // Not every browser takes 'self' for sockets too.
    let sockets = host.map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
    let reloads = reloads.map_or_else(String::new, |port| format!(" ws://*:{port} wss://*:{port}"));
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{sockets}{reloads}; manifest-src 'self'; \
         base-uri 'none'; form-action 'self' {CHAT}; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_what_is_the_sites_own_and_a_strange_host_says_nothing() {
        let told = policy("abc", Some("forum.example:3000"), None);
        assert!(
            told.contains("script-src 'self' 'nonce-abc' 'wasm-unsafe-eval';"),
            "{told}"
        );
        assert!(
            told.contains("connect-src 'self' ws://forum.example:3000 wss://forum.example:3000;")
        );
        assert!(
            !told.contains("unsafe-inline") && !told.contains(" 'unsafe-eval'"),
            "{told}"
        );
        let asked = |host: &str| {
            let request = http::Request::get("/").header(header::HOST, host);
            super::host(&request.body(()).unwrap().into_parts().0)
        };
        assert_eq!(asked("[::1]:3000").as_deref(), Some("[::1]:3000"));
        assert_eq!(asked("x; script-src *"), None);
    }
}
