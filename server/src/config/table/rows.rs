//! The table itself.

use super::{
    Group,
    Secrecy::{self, Open, Secret, UnlessSqlite},
    Usual::{self, As, Otherwise},
    Variable,
};

const fn variable(
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    default: Usual,
    secrecy: Secrecy,
) -> Variable {
    Variable {
        name,
        meaning,
        unit,
        default,
        secrecy,
    }
}

const fn open(
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    default: &'static str,
) -> Variable {
    variable(name, meaning, unit, As(default), Open)
}

const fn optional(
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    otherwise: &'static str,
) -> Variable {
    variable(name, meaning, unit, Otherwise(otherwise), Open)
}

const fn secret(
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    otherwise: &'static str,
) -> Variable {
    variable(name, meaning, unit, Otherwise(otherwise), Secret)
}

/// The variables, by what they are about.
pub static GROUPS: &[Group] = &[
    Group {
        about: "The forum",
        variables: &[
            open(
                "LEPTOS_SITE_ADDR",
                "where the forum listens",
                "IP address and port",
                "127.0.0.1:3000",
            ),
            optional(
                "PORT",
                "the port on which it listens at every address, IPv6 and IPv4, where `LEPTOS_SITE_ADDR` is not set: platforms such as Railway set it",
                "port",
                "none",
            ),
            variable(
                "DATABASE_URL",
                "its database: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`",
                "address",
                As("sqlite:data/forum.db"),
                UnlessSqlite,
            ),
            optional(
                "DEMO_SIGN_IN",
                "`true`: anybody may look around by a name alone, which is for development; `false`: nobody",
                "true or false",
                "`true` in a debug build that is not in production, else `false`",
            ),
            open(
                "RUST_LOG",
                "what is logged, of everything, or of parts by their names",
                "levels",
                "info,sqlx=warn",
            ),
            optional(
                "LOG_FORMAT",
                "`text`: lines for people; `json`: an object a line",
                "word",
                "`json` in production, else `text`",
            ),
            optional(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "where spans are sent, by OTLP over HTTP, such as `http://localhost:4318`; of an executable with the feature `otlp`",
                "address",
                "nowhere",
            ),
            open(
                "OTEL_SERVICE_NAME",
                "the service whose spans they are",
                "text",
                "forum",
            ),
            open(
                "REQUESTS_PER_ADDRESS",
                "how often one client address may ask, on each instance: how many come back each second, and how many at once; `0`: as often as it likes. Behind proxies see `REALTIME_TRUSTED_PROXIES`",
                "requests a second, requests",
                "50,300",
            ),
            optional(
                "SITE_URL",
                "the site's address, such as `https://forum.example`: for links in messages to channels, and a bot's webhook",
                "address",
                "none",
            ),
            optional(
                "APP_ENV",
                "`production`: refuse to start without what several instances need; `development`, `test`: do not",
                "word",
                "production on Railway, else development",
            ),
            optional(
                "RAILWAY_ENVIRONMENT_NAME",
                "Railway sets it: where `APP_ENV` does not say otherwise, this is production",
                "word",
                "none",
            ),
            optional("RAILWAY_ENVIRONMENT", "its older name", "word", "none"),
            open(
                "SINGLE_INSTANCE",
                "`true`: there is never more than one instance, so that production needs no Redis",
                "true or false",
                "false",
            ),
        ],
    },
    Group {
        about: "The realtime module",
        variables: &[
            optional(
                "REALTIME_BUILD",
                "what the page is made from: pages of another build say that a new version is here",
                "1 to 64 visible ASCII characters",
                "the version of the site inside the executable; where it is read from a folder, none",
            ),
            optional(
                "REALTIME_ALLOWED_ORIGINS",
                "origins that may connect with cookies beside the page's own",
                "origins, by commas",
                "none",
            ),
            open(
                "REALTIME_PING_INTERVAL_MS",
                "how often the server pings a socket",
                "milliseconds",
                "25000",
            ),
            open(
                "REALTIME_PING_TIMEOUT_MS",
                "how long after a ping is due a silent socket is cut",
                "milliseconds",
                "20000",
            ),
            open(
                "REALTIME_STALL_TIMEOUT_MS",
                "how long a socket that does not read is kept",
                "milliseconds",
                "30000",
            ),
            open(
                "REALTIME_LEAVE_GRACE_MS",
                "how long others go on seeing a person whose connection was lost",
                "milliseconds",
                "5000",
            ),
            open(
                "REALTIME_DRAIN_MS",
                "how long the end of this instance may take: less than from SIGTERM to SIGKILL",
                "milliseconds",
                "25000",
            ),
            open(
                "REALTIME_PRESENCE_WINDOW_MS",
                "how long presence changes are gathered into one frame",
                "milliseconds",
                "100",
            ),
            open(
                "REALTIME_HEARTBEAT_MS",
                "how often clients send a heartbeat",
                "milliseconds",
                "25000",
            ),
            open(
                "REALTIME_AWAY_IDLE_MS",
                "after how long without use of their page a person counts as away",
                "milliseconds",
                "300000",
            ),
            open(
                "REALTIME_AWAY_HIDDEN_MS",
                "after how long in a hidden page a person counts as away",
                "milliseconds",
                "30000",
            ),
            open(
                "REALTIME_LARGE_ROOM",
                "with more people than this a room shows only their number and the first of them",
                "people",
                "200",
            ),
            open(
                "REALTIME_LARGE_ROOM_PAGE",
                "how many people a large room shows",
                "people",
                "50",
            ),
            open(
                "REALTIME_RETAIN_EVENTS",
                "events kept per room",
                "events",
                "1000",
            ),
            open(
                "REALTIME_RETAIN_MS",
                "the greatest age of a kept event",
                "milliseconds",
                "600000",
            ),
            open(
                "REALTIME_RETAIN_BYTES",
                "the greatest size of a room's kept events",
                "bytes",
                "1048576",
            ),
            open(
                "REALTIME_TRUSTED_PROXIES",
                "proxies in front of the server, each adding to `X-Forwarded-For`: one on most platforms",
                "proxies",
                "0",
            ),
            open(
                "REALTIME_RECHECK_MS",
                "how often everyone is checked again while the instances' meeting point is away",
                "milliseconds",
                "30000",
            ),
            open(
                "REALTIME_OUTBOX_POLL_MS",
                "how often the outbox is searched for events that nobody told of",
                "milliseconds",
                "1000",
            ),
            open(
                "REALTIME_OUTBOX_RETAIN_MS",
                "how long published events stay in the outbox's table",
                "milliseconds",
                "3600000",
            ),
            open(
                "REALTIME_NOTIFICATION_RETAIN_MS",
                "for how long notifications are kept",
                "milliseconds",
                "7776000000",
            ),
            open(
                "REALTIME_CHANNEL_DELAY_MS",
                "how long after it came a notification is sent to channels, unless it was seen",
                "milliseconds",
                "30000",
            ),
            secret(
                "REALTIME_OPERATOR_TOKEN",
                "what operators show, as a bearer token, to see `/health/redis` and `/metrics`: at least 16 of them",
                "visible characters",
                "none: nobody sees it",
            ),
        ],
    },
    Group {
        about: "What one client may ask for",
        variables: &[
            open(
                "REALTIME_COMMANDS_PER_CONNECTION",
                "commands of one connection",
                "per second,at once",
                "20,60",
            ),
            open(
                "REALTIME_COMMANDS_PER_PERSON",
                "commands of one person, on all their connections to an instance",
                "per second,at once",
                "60,180",
            ),
            open(
                "REALTIME_JOINS_PER_CONNECTION",
                "rooms that one connection joins",
                "per second,at once",
                "20,200",
            ),
            open(
                "REALTIME_JOINS_PER_PERSON",
                "rooms that one person joins",
                "per second,at once",
                "60,600",
            ),
            open(
                "REALTIME_SIGNALS_PER_CONNECTION",
                "typing and other signals of one connection",
                "per second,at once",
                "10,30",
            ),
            open(
                "REALTIME_SIGNALS_PER_PERSON",
                "typing and other signals of one person",
                "per second,at once",
                "20,60",
            ),
            open(
                "REALTIME_CONNECTIONS_PER_PERSON",
                "live connections of one person to an instance",
                "connections",
                "32",
            ),
            open(
                "REALTIME_CONNECTIONS_PER_ADDRESS",
                "live connections of one client address to an instance",
                "connections",
                "256",
            ),
            open(
                "REALTIME_SESSIONS_PER_ROOM",
                "sessions in one room",
                "sessions",
                "20000",
            ),
            open(
                "REALTIME_FLOODS",
                "refusals within the flood window that end a connection",
                "refusals",
                "50",
            ),
            open(
                "REALTIME_FLOOD_WINDOW_MS",
                "the flood window",
                "milliseconds",
                "10000",
            ),
        ],
    },
    Group {
        about: "Where instances meet",
        variables: &[
            secret(
                "REDIS_URL",
                "`redis://user:password@host:6379/0`, or `rediss://` for TLS; several servers by commas for a Cluster; `redis+sentinel://user:password@one:26379,two:26379/mymaster/0` (`rediss+sentinel://`) for Sentinels. RESP3 is used: Redis 6 or later, a Cluster 7 or later",
                "address",
                "none: one instance only",
            ),
            optional(
                "REDISHOST",
                "the same in parts, where `REDIS_URL` is not set: its name",
                "host",
                "none",
            ),
            open("REDISPORT", "its port", "port", "6379"),
            optional("REDISUSER", "who we are to it", "name", "none"),
            secret("REDISPASSWORD", "and how we prove it", "password", "none"),
            open(
                "REDIS_CLUSTER",
                "`true`: a Cluster, also where the URL names one server",
                "true or false",
                "false",
            ),
            optional(
                "REDIS_SENTINEL_USERNAME",
                "who we are to the Sentinels, if they ask",
                "name",
                "none",
            ),
            secret(
                "REDIS_SENTINEL_PASSWORD",
                "and how we prove it",
                "password",
                "none",
            ),
            optional(
                "REDIS_CA_FILE",
                "a PEM file with the CA of Redis' certificate",
                "path",
                "the system's CAs",
            ),
            open(
                "REDIS_TLS_VERIFY",
                "`false`: any certificate is taken, with a warning at start",
                "true or false",
                "true",
            ),
            open(
                "REDIS_PREFIX",
                "what all keys and channels begin with, for applications that share a Redis",
                "1 to 64 bytes",
                "leptos_realtime",
            ),
            open(
                "REDIS_BEAT_MS",
                "how often an instance says that it lives: 100 to 60000",
                "milliseconds",
                "1000",
            ),
            open(
                "REDIS_TIMEOUT_MS",
                "how long an answer may take: 10 to 60000",
                "milliseconds",
                "1000",
            ),
            open(
                "REDIS_CONNECT_TIMEOUT_MS",
                "how long making a connection may take: 10 to 60000",
                "milliseconds",
                "3000",
            ),
            optional(
                "RAILWAY_REPLICA_ID",
                "Railway sets it: what an instance is called where operators see it",
                "name",
                "`HOSTNAME`",
            ),
            optional(
                "HOSTNAME",
                "the same elsewhere",
                "name",
                "the process' number",
            ),
        ],
    },
    Group {
        about: "A bot of Telegram's",
        variables: &[
            secret(
                "TELEGRAM_BOT_TOKEN",
                "the bot's token, as @BotFather gives it",
                "token",
                "none: no bot",
            ),
            open(
                "TELEGRAM_UPDATES",
                "how the bot hears what people say: `poll`, it asks; `webhook`, it is told at `SITE_URL`; `none`",
                "word",
                "poll",
            ),
            secret(
                "TELEGRAM_WEBHOOK_SECRET",
                "what Telegram sends with what it tells: 16 to 256 of them",
                "letters, digits, `_`, `-`",
                "none: no webhook",
            ),
            optional(
                "TELEGRAM_BOT_NAME",
                "the bot's name",
                "name",
                "asked of Telegram",
            ),
            variable(
                "TELEGRAM_API_URL",
                "where the Bot API is",
                "address",
                As("https://api.telegram.org"),
                Secret,
            ),
        ],
    },
    Group {
        about: "A site that is read from a folder",
        variables: &[
            open(
                "LEPTOS_SITE_ROOT",
                "where the built site is, from the folder in which the server is started",
                "path",
                "target/site",
            ),
            open(
                "LEPTOS_SITE_PKG_DIR",
                "the client's folder in it",
                "path",
                "pkg",
            ),
            open(
                "LEPTOS_OUTPUT_NAME",
                "what the client's files are called",
                "name",
                "forum",
            ),
            open(
                "LEPTOS_RELOAD_PORT",
                "where `cargo leptos watch` tells browsers that something is new",
                "port",
                "3001",
            ),
            optional(
                "LEPTOS_RELOAD_EXTERNAL_PORT",
                "the same, as browsers see it",
                "port",
                "`LEPTOS_RELOAD_PORT`",
            ),
            open(
                "LEPTOS_RELOAD_WS_PROTOCOL",
                "the same: `ws`, or `wss` behind a proxy that encrypts",
                "word",
                "ws",
            ),
            optional(
                "LEPTOS_WATCH",
                "set: pages listen there",
                "set or not",
                "they do not",
            ),
        ],
    },
];
