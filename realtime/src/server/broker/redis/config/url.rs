//! The forms of `REDIS_URL`, several servers included, which no general reader of URLs takes.
//!
//! Errors say what to change and quote nothing: where a password is not encoded as it must be, any part of the URL may
//! be a part of it.

use super::{Address, Credentials, DEFAULT_PORT, DEFAULT_SENTINEL_PORT};

/// One URL, or several that belong together.
#[derive(Debug)]
pub(super) struct Url {
    pub(super) tls: bool,
    pub(super) credentials: Credentials,
    /// At least one.
    pub(super) addresses: Vec<Address>,
    /// The name by which Sentinels know the master; the addresses are theirs then.
    pub(super) master: Option<String>,
    pub(super) database: u32,
}

const FORMS: &str = "expected redis://user:password@host:6379/0, rediss:// for TLS, \
    several with commas between for a Cluster, or redis+sentinel://user:password@host:26379/master";

const SCHEMES: [&str; 4] = ["redis", "rediss", "redis+sentinel", "rediss+sentinel"];

const ENCODE: &str = "percent-encode the user and the password: @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25";

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut whole: Option<Self> = None;
        for part in split(text.trim()) {
            let part = Self::parse_one(part)?;
            let Some(whole) = &mut whole else {
                whole = Some(part);
                continue;
            };
            if whole.master.is_some() || part.master.is_some() {
                return Err(
                    "give all Sentinels in one URL, with commas between their hosts".to_owned(),
                );
            }
            let same = whole.tls == part.tls
                && whole.credentials == part.credentials
                && whole.database == part.database;
            if !same {
                let fix =
                    "the servers of a Cluster need the same scheme, user, password and database";
                return Err(fix.to_owned());
            }
            whole.addresses.extend(part.addresses);
        }
        whole.ok_or_else(|| FORMS.to_owned())
    }

    fn parse_one(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or(FORMS)?;
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(FORMS.to_owned());
        }
        let (tls, sentinel) = (scheme.starts_with("rediss"), scheme.ends_with("+sentinel"));
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!(
                "it holds whitespace or control characters; {ENCODE}"
            ));
        }
        let (authority, tail) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if tail.contains('@') {
            return Err(format!("there is an @ behind a / or ? or #; {ENCODE}"));
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (read_credentials(credentials)?, hosts),
            None => (Credentials::default(), authority),
        };
        let port = if sentinel {
            DEFAULT_SENTINEL_PORT
        } else {
            DEFAULT_PORT
        };
        let addresses = hosts
            .split(',')
            .map(|host| read_address(host, port))
            .collect::<Result<Vec<_>, _>>()?;
        let (path, options) = match tail.find(['?', '#']) {
            Some(end) => tail.split_at(end),
            None => (tail, ""),
        };
        // The protocol is chosen for everybody, so that a URL made for another library serves.
        if ![
            "",
            "?",
            "?protocol=resp2",
            "?protocol=resp3",
            "?protocol=2",
            "?protocol=3",
        ]
        .contains(&options)
        {
            let fix = "it has options behind ? or #, which are not read: leave them out, and use the variables \
                REDIS_TLS_VERIFY, REDIS_TIMEOUT_MS and so on";
            return Err(fix.to_owned());
        }
        let mut segments = path
            .trim_start_matches('/')
            .trim_end_matches('/')
            .split('/');
        let master = match sentinel {
            false => None,
            true => match segments.next().map(decode) {
                Some(Some(name)) if !name.is_empty() => Some(name),
                _ => {
                    let fix = "the master's name is missing: redis+sentinel://host:26379/mymaster";
                    return Err(fix.to_owned());
                }
            },
        };
        let database = match segments.next() {
            None | Some("") => 0,
            Some(number) => number.parse().map_err(|_| {
                "the database is not a number: expected …/0, or nothing behind the host".to_owned()
            })?,
        };
        if segments.next().is_some() {
            return Err(format!("its path has too many parts; {FORMS}"));
        }
        Ok(Self {
            tls,
            credentials,
            addresses,
            master,
            database,
        })
    }
}

/// Whole URLs with commas between. A comma inside of one is a part of it.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let next = text.match_indices(',').find(|(at, _)| {
            let behind = text[at + 1..].trim_start().to_ascii_lowercase();
            let scheme = behind.split_once("://").map(|(scheme, _)| scheme);
            scheme.is_some_and(|scheme| SCHEMES.contains(&scheme))
        });
        let (part, behind) = match next {
            Some((at, _)) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        rest = behind;
        Some(part.trim())
    })
}

fn read_credentials(text: &str) -> Result<Credentials, String> {
    let (username, password) = match text.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (text, None),
    };
    // Several hosts may each have been given a user, or a password may hold a raw @: who knows.
    if text.contains('@') {
        let fix =
            format!("there is more than one @: name the user and the password once; {ENCODE}");
        return Err(fix);
    }
    let read = |text: &str| match decode(text) {
        Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        None => Err(format!(
            "a % is not followed by two digits of UTF-8; {ENCODE}"
        )),
    };
    Ok(Credentials {
        username: read(username)?,
        password: password.map(read).transpose()?.flatten(),
    })
}

fn read_address(text: &str, default_port: u16) -> Result<Address, String> {
    let (host, port) = match text.strip_prefix('[') {
        // An IPv6 address stands in brackets.
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or("?"))),
            None => return Err("a [ has no ]: expected an address like [::1]:6379".to_owned()),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if host.is_empty() || !host.chars().all(allowed) {
        return Err(format!("a host is missing or no name or address; {FORMS}"));
    }
    let port = match port {
        None => default_port,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(format!("a port is not a number from 1 to 65535; {ENCODE}")),
        },
    };
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

/// None where a `%` has no two digits behind it, or the bytes are no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |c: u8| char::from(c).to_digit(16);
                let byte = digit(*high)? * 16 + digit(*low)?;
                (u8::try_from(byte).ok()?, behind)
            }
            (b'%', _) => return None,
            _ => (*first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}
