//! Which copy of a file a client takes.

use axum::http::{HeaderMap, header};

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

impl Encoding {
    /// The best that the client takes, of what there is: the one it prefers, or else the smaller.
    pub(super) fn choose(headers: &HeaderMap, gzip: bool, brotli: bool) -> Self {
        let (gzip_weight, brotli_weight) = (weight(headers, "gzip"), weight(headers, "br"));
        if brotli && brotli_weight > 0.0 && (!gzip || brotli_weight >= gzip_weight) {
            Self::Brotli
        } else if gzip && gzip_weight > 0.0 {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// What it is called in `Content-Encoding`.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// How much the client wants an encoding, as [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3) says: from
/// 0, not at all, to 1.
fn weight(headers: &HeaderMap, encoding: &str) -> f32 {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter();
    let said = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let (mut named, mut any) = (None, None);
    for one in said {
        let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
        let weight = parameters.trim().strip_prefix("q=");
        let weight = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
        match name.trim() {
            "*" => any = Some(weight),
            name if name.eq_ignore_ascii_case(encoding) => named = Some(weight),
            _ => {}
        }
    }
    named.or(any).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn chosen(accept: &'static str, gzip: bool, brotli: bool) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        Encoding::choose(&headers, gzip, brotli)
    }

    #[test]
    fn the_smallest_copy_is_sent_that_the_client_takes() {
        use Encoding::{Brotli, Gzip, Identity};
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("GZIP", Gzip),
            ("br;q=0.5, gzip;q=0.8", Gzip),
            ("br;q=0, gzip;q=0", Identity),
            ("br; q=0.1", Brotli),
            ("br;q=nonsense", Identity),
            ("*", Brotli),
            ("*;q=0.5, br;q=0", Gzip),
            ("identity", Identity),
            ("", Identity),
        ] {
            assert_eq!(chosen(accept, true, true), expected, "{accept}");
        }
        assert_eq!(chosen("gzip, br", true, false), Gzip);
        assert_eq!(chosen("gzip, br", false, true), Brotli);
        assert_eq!(chosen("gzip, br", false, false), Identity);
        assert_eq!(Encoding::choose(&HeaderMap::new(), true, true), Identity);
    }
}
