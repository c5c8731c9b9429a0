//! A site of three files.

use axum::body::to_bytes;

use super::*;

static SITE: Site = Site {
    pkg: "pkg",
    version: "0123456789abcdef",
    files: &[
        File {
            name: "pkg/forum.css",
            hash: "c55",
            raw: b"a {}",
            gzip: None,
            brotli: None,
        },
        File {
            name: "pkg/forum.wasm",
            hash: "3a5",
            raw: b"the whole client",
            gzip: Some(b"zipped"),
            brotli: Some(b"br"),
        },
        File {
            name: "robots.txt",
            hash: "b07",
            raw: b"User-agent: *",
            gzip: None,
            brotli: None,
        },
    ],
};

fn ask(method: Method, path: &str, said: &[(header::HeaderName, &str)]) -> Option<Response> {
    let mut headers = HeaderMap::new();
    for (name, value) in said {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    SITE.answer(&method, path, &headers)
}

fn get(path: &str, said: &[(header::HeaderName, &str)]) -> Response {
    ask(Method::GET, path, said).unwrap()
}

fn of<'a>(response: &'a Response, name: &header::HeaderName) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), 1_000).await.unwrap().into()
}

#[tokio::test]
async fn what_the_version_names_is_kept_for_good_and_the_rest_is_asked_for_again() {
    let folder = SITE.versioned_pkg();
    let build = SITE.build().map(|build| build.to_string());
    assert_eq!(build.as_deref(), Some("0123456789abcdef"));
    let wasm = get(&format!("/{folder}/forum.wasm"), &[]);
    assert_eq!(wasm.status(), StatusCode::OK);
    assert_eq!(of(&wasm, &header::CACHE_CONTROL), FOREVER);
    assert_eq!(of(&wasm, &header::CONTENT_TYPE), "application/wasm");
    assert_eq!(body(wasm).await, b"the whole client");
    for plain in ["/pkg/forum.wasm", "/robots.txt"] {
        assert_eq!(of(&get(plain, &[]), &header::CACHE_CONTROL), CHECKED);
    }
    let css = get("/pkg/forum.css", &[]);
    assert_eq!(of(&css, &header::CONTENT_TYPE), "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_client_of_another_version_is_no_page_and_is_not_kept() {
    for other in ["/pkg/fedcba9876543210/forum.wasm", "/pkg/none.js", "/pkg/"] {
        let gone = get(other, &[]);
        assert_eq!(gone.status(), StatusCode::NOT_FOUND, "{other}");
        assert_eq!(of(&gone, &header::CACHE_CONTROL), "no-store");
        assert!(body(gone).await.is_empty());
    }
    // Only the client's files are below its version.
    assert!(ask(Method::GET, "/0123456789abcdef/robots.txt", &[]).is_none());
    assert_eq!(
        get("/pkg/0123456789abcdef/robots.txt", &[]).status(),
        StatusCode::NOT_FOUND
    );
    for page in ["/", "/c/town", "/pkgs", "/pkg", "//robots.txt", ""] {
        assert!(ask(Method::GET, page, &[]).is_none(), "{page:?}");
    }
    assert!(ask(Method::POST, "/robots.txt", &[]).is_none());
}

#[tokio::test]
async fn a_copy_is_sent_to_those_who_take_it_with_a_tag_of_its_own() {
    let path = "/pkg/forum.wasm";
    let br = get(path, &[(header::ACCEPT_ENCODING, "gzip, br")]);
    assert_eq!(of(&br, &header::CONTENT_ENCODING), "br");
    assert_eq!(of(&br, &header::CONTENT_TYPE), "application/wasm");
    assert_eq!(of(&br, &header::CONTENT_LENGTH), "2");
    assert_eq!(of(&br, &header::VARY), "accept-encoding");
    let gzip = get(path, &[(header::ACCEPT_ENCODING, "gzip")]);
    let plain = get(path, &[]);
    assert_eq!(of(&plain, &header::CONTENT_ENCODING), "");
    let tags = [&br, &gzip, &plain].map(|answer| of(answer, &header::ETAG).to_owned());
    assert_eq!(tags, ["\"3a5-br\"", "\"3a5-gzip\"", "\"3a5\""]);
    assert_eq!(body(br).await, b"br");
    assert_eq!(body(gzip).await, b"zipped");
    // What has no copies is the same for everybody.
    let css = get("/pkg/forum.css", &[(header::ACCEPT_ENCODING, "br")]);
    assert_eq!(of(&css, &header::VARY), "");
}

#[tokio::test]
async fn who_has_it_is_told_so_without_a_body() {
    let path = "/pkg/forum.wasm";
    let known = |tags: &str, accept: &str| {
        let said = [
            (header::IF_NONE_MATCH, tags),
            (header::ACCEPT_ENCODING, accept),
        ];
        get(path, &said).status() == StatusCode::NOT_MODIFIED
    };
    assert!(known("\"3a5\"", ""));
    assert!(known("\"other\", W/\"3a5-br\"", "br"));
    assert!(known("*", ""));
    assert!(!known("\"other\"", ""));
    assert!(!known("\"3a5\"", "br"), "that is another representation");
    let answer = get(path, &[(header::IF_NONE_MATCH, "\"3a5\"")]);
    assert_eq!(of(&answer, &header::ETAG), "\"3a5\"");
    assert_eq!(of(&answer, &header::CACHE_CONTROL), CHECKED);
    assert_eq!(of(&answer, &header::VARY), "accept-encoding");
    assert_eq!(of(&answer, &header::CONTENT_TYPE), "");
    assert!(body(answer).await.is_empty());
}

#[tokio::test]
async fn a_head_is_the_same_without_the_body_and_ranges_are_not_served() {
    let head = ask(Method::HEAD, "/robots.txt", &[]).unwrap();
    assert_eq!(of(&head, &header::CONTENT_LENGTH), "13");
    assert_eq!(
        of(&head, &header::CONTENT_TYPE),
        "text/plain; charset=utf-8"
    );
    assert!(body(head).await.is_empty());
    let part = get("/robots.txt", &[(header::RANGE, "bytes=0-3")]);
    assert_eq!(part.status(), StatusCode::OK);
    assert_eq!(of(&part, &header::ACCEPT_RANGES), "none");
    assert_eq!(body(part).await.len(), 13);
}
