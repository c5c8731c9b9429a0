//! When a session asks its shell for a token, and what it does with one.

use super::{Connection, Output, Session, requests::Asked};
use crate::protocol::ClientCommand;

/// How long before a sign-in expires a new token is asked for, at most, in milliseconds.
const REFRESH_AHEAD_MS: u64 = 60_000;

/// How long a token, and then the refresh, may take, in milliseconds.
const REFRESH_TIMEOUT_MS: u64 = 30_000;

/// How long after a refresh that did not work another is tried, at least, in milliseconds.
const REFRESH_AGAIN_MS: u64 = 5_000;

/// Names one question for a token of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRequest(u64);

/// What became of a question for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Here it is.
    Given(String),
    /// There is none: the person is a guest.
    Absent,
    /// It could not be had right now. Nobody becomes a guest by that: it is tried again.
    Failed,
}

/// What a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Connect,
    Refresh,
}

impl Session {
    /// Asks for a token; the answers to earlier questions do not count any more.
    pub(super) fn ask_for_token(&mut self, purpose: Purpose) {
        self.token_requests += 1;
        let request = TokenRequest(self.token_requests);
        self.asking = Some((request, purpose));
        self.out.push_back(Output::NeedToken(request));
    }

    pub(super) fn token(&mut self, now: u64, entropy: u64, request: TokenRequest, token: Token) {
        let asked = self.asking.take_if(|(asked, _)| *asked == request);
        let Some((_, purpose)) = asked else { return };
        match (purpose, &self.connection, token) {
            (Purpose::Connect, Connection::Connecting { .. }, Token::Failed) => {
                self.lost(now, entropy);
            }
            (Purpose::Connect, Connection::Connecting { .. }, token) => {
                self.auth.token = match token {
                    Token::Given(token) => Some(token),
                    Token::Absent | Token::Failed => None,
                };
                self.out.push_back(Output::Open);
            }
            (Purpose::Refresh, Connection::Live, Token::Given(token)) => {
                self.auth.token = Some(token.clone());
                let until = now.saturating_add(REFRESH_TIMEOUT_MS);
                self.refresh_at = Some(until);
                let ack = self.requests.expect(Asked::Refresh, until);
                self.command(Some(ack), &ClientCommand::Refresh { token });
            }
            (Purpose::Refresh, Connection::Live, _) => self.refresh_again(now, entropy),
            _ => {}
        }
    }

    /// A new token is asked for a while before the sign-in expires.
    pub(super) fn refresh_before(&mut self, now: u64, expires_in_ms: Option<u64>) {
        self.refresh_at = expires_in_ms
            .filter(|_| self.config.asks_for_token)
            .map(|left| now.saturating_add(left - REFRESH_AHEAD_MS.min(left / 4)));
    }

    /// The refresh did not work: until the sign-in is over there is time for others.
    pub(super) fn refresh_again(&mut self, now: u64, entropy: u64) {
        let wait = REFRESH_AGAIN_MS + entropy % REFRESH_AGAIN_MS;
        self.refresh_at = Some(now.saturating_add(wait));
    }

    /// Asks for a token where one is due.
    pub(super) fn refresh(&mut self, now: u64) {
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh_at = Some(now.saturating_add(REFRESH_TIMEOUT_MS));
            self.ask_for_token(Purpose::Refresh);
        }
    }
}
