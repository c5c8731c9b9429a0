//! The built site, inside the executable.
//!
//! With the feature `embed-site` the executable holds every file of the site and its compressed copies, so that it
//! runs alone. The client's files are asked for below the version of all of them, `/pkg/<version>/forum.wasm`: what is
//! there never changes, and browsers keep it for good. Whatever is asked for by its plain name, they ask for again, and
//! are told that it is the same by its `ETag`.
//!
//! Without the feature, as in development, the files are read from the folder that `LEPTOS_SITE_ROOT` names.

mod encoding;

#[cfg(test)]
mod tests;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use encoding::Encoding;
use leptos_realtime::BuildId;

/// Kept for a year, the longest there is, and not even asked for again.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Kept, and asked for again each time.
const CHECKED: &str = "no-cache";

/// The site that this executable holds, if it holds one.
#[cfg(feature = "embed-site")]
pub fn embedded() -> Option<&'static Site> {
    static SITE: Site = include!(concat!(env!("OUT_DIR"), "/site.rs"));
    Some(&SITE)
}

/// The site that this executable holds: none, it was built without.
#[cfg(not(feature = "embed-site"))]
pub fn embedded() -> Option<&'static Site> {
    None
}

/// The files of a site.
#[derive(Debug)]
#[cfg_attr(not(any(feature = "embed-site", test)), allow(dead_code))]
pub struct Site {
    /// The folder of the client's files.
    pkg: &'static str,
    /// A hash of them all.
    version: &'static str,
    files: &'static [File],
}

/// A file, and its compressed copies.
#[derive(Debug)]
#[cfg_attr(not(any(feature = "embed-site", test)), allow(dead_code))]
struct File {
    /// Its path below the site.
    name: &'static str,
    hash: &'static str,
    raw: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

impl Site {
    /// What pages are made from, as far as they run in a browser.
    pub fn build(&self) -> Option<BuildId> {
        BuildId::try_from(self.version).ok()
    }

    /// The folder in which pages ask for the client's files.
    pub fn versioned_pkg(&self) -> String {
        format!("{}/{}", self.pkg, self.version)
    }

    /// The answer to a request for a file; nothing where it is for something else.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let path = path.strip_prefix('/')?;
        let Some((file, keep)) = self.find(path) else {
            // No page is there: it is the client of another version.
            let is_client = path.strip_prefix(self.pkg)?.starts_with('/');
            let gone = (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]);
            return is_client.then(|| gone.into_response());
        };
        Some(file.answer(method, headers, keep))
    }

    /// A file, and for how long it is kept.
    fn find(&self, path: &str) -> Option<(&File, &'static str)> {
        let named = |name: &str| {
            let found = self.files.iter().find(|file| file.name == name);
            found.map(|file| (file, CHECKED))
        };
        let of_version = || {
            let below = path.strip_prefix(self.pkg)?.strip_prefix('/')?;
            let below = below.strip_prefix(self.version)?.strip_prefix('/')?;
            let in_pkg = |file: &&File| {
                let name = file.name.strip_prefix(self.pkg);
                name.and_then(|name| name.strip_prefix('/')) == Some(below)
            };
            Some((self.files.iter().find(in_pkg)?, FOREVER))
        };
        named(path).or_else(of_version)
    }
}

impl File {
    fn answer(&self, method: &Method, headers: &HeaderMap, keep: &'static str) -> Response {
        let encoding = Encoding::choose(headers, self.gzip.is_some(), self.brotli.is_some());
        let (bytes, suffix) = match encoding {
            Encoding::Identity => (self.raw, ""),
            Encoding::Gzip => (self.gzip.unwrap_or(self.raw), "-gzip"),
            Encoding::Brotli => (self.brotli.unwrap_or(self.raw), "-br"),
        };
        // A copy is another representation, with a tag of its own.
        let tag = format!("\"{}{suffix}\"", self.hash);
        let is_known = knows(headers, &tag);
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false if method == Method::HEAD => Response::new(Body::empty()),
            false => Response::new(Body::from(Bytes::from_static(bytes))),
        };
        let answer = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            answer.insert(header::ETAG, tag);
        }
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if self.gzip.is_some() || self.brotli.is_some() {
            let vary = HeaderValue::from_static("accept-encoding");
            answer.insert(header::VARY, vary);
        }
        if is_known {
            return response;
        }
        answer.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        // All of it or nothing: parts are for what is large.
        answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
        if let Ok(kind) = HeaderValue::from_str(&content_type(self.name)) {
            answer.insert(header::CONTENT_TYPE, kind);
        }
        if let Some(name) = encoding.name() {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    }
}

/// Whether the client says that it has what carries this tag.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let said = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn content_type(name: &str) -> String {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    match kind.type_() {
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    }
}
