//! Who may see figures of the process: whoever shows `REALTIME_OPERATOR_TOKEN`.

use http::{HeaderMap, StatusCode, header};

use super::Realtime;

/// Whether a request shows the operators' token; otherwise what it is answered.
pub(super) fn is_operator(
    realtime: &Realtime,
    headers: &HeaderMap,
) -> Result<(), (StatusCode, &'static str)> {
    let Some(token) = &realtime.0.config.operator_token else {
        let sentence = "set REALTIME_OPERATOR_TOKEN, and show it as a bearer token";
        return Err((StatusCode::FORBIDDEN, sentence));
    };
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.as_bytes().strip_prefix(b"Bearer "));
    match given.is_some_and(|given| token.is(given)) {
        true => Ok(()),
        false => Err((
            StatusCode::UNAUTHORIZED,
            "show REALTIME_OPERATOR_TOKEN as a bearer token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::User,
        server::{RealtimeBuilder, RealtimeConfig, Secret},
    };

    fn builder(config: RealtimeConfig) -> RealtimeBuilder {
        Realtime::builder(config)
            .authenticate(|_| async { Ok(None::<User>) })
            .authorize(|_, rooms, _| async move { Ok(rooms) })
    }

    fn shows(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn only_who_shows_the_token_is_an_operator() {
        let closed = builder(RealtimeConfig::default()).start().await.unwrap();
        let refused = is_operator(&closed, &shows("Bearer ")).unwrap_err();
        assert_eq!(refused.0, StatusCode::FORBIDDEN, "nobody set one");
        let config = RealtimeConfig {
            operator_token: Some(Secret::new("0123456789abcdef").unwrap()),
            ..RealtimeConfig::default()
        };
        let realtime = builder(config).start().await.unwrap();
        assert_eq!(
            is_operator(&realtime, &shows("Bearer 0123456789abcdef")),
            Ok(())
        );
        for bad in [
            "Bearer ",
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcdef0",
            "0123456789abcdef",
        ] {
            let refused = is_operator(&realtime, &shows(bad)).unwrap_err();
            assert_eq!(refused.0, StatusCode::UNAUTHORIZED, "{bad}");
        }
        assert!(is_operator(&realtime, &HeaderMap::new()).is_err());
    }
}
