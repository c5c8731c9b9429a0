use super::*;

fn from(variables: &[(&str, &str)]) -> Result<Option<RedisConfig>, ConfigError> {
    RedisConfig::from_lookup(&|asked| {
        let found = variables.iter().find(|(variable, _)| *variable == asked);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn url(url: &str) -> RedisConfig {
    let config = RedisConfig::from_url(url);
    config.unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn at(host: &str, port: u16) -> Address {
    Address {
        host: host.to_owned(),
        port,
    }
}

fn credentials(username: &str, password: &str) -> Credentials {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Credentials {
        username: some(username),
        password: some(password),
    }
}

#[test]
fn a_url_names_a_server_and_who_asks() {
    let plain = url("redis://localhost");
    assert_eq!(plain.servers, Servers::Single(at("localhost", 6379)));
    assert_eq!(plain.credentials, Credentials::default());
    assert_eq!((plain.database, plain.tls), (0, false));

    let whole = url("rediss://ada:s3:cr%40t%2F%C3%A4@redis.example.org:7000/5?protocol=resp3");
    assert_eq!(
        whole.servers,
        Servers::Single(at("redis.example.org", 7000))
    );
    assert_eq!(whole.credentials, credentials("ada", "s3:cr@t/ä"));
    assert_eq!((whole.database, whole.tls), (5, true));

    assert_eq!(url("redis://:pw@h/").credentials, credentials("", "pw"));
    assert_eq!(url("REDIS://h").servers, Servers::Single(at("h", 6379)));
    assert_eq!(
        url(" redis://[::1]:7000 ").servers,
        Servers::Single(at("::1", 7000))
    );
}

#[test]
fn several_servers_are_a_cluster() {
    let two = Servers::Cluster(vec![at("one", 7000), at("two", 6379)]);
    for text in [
        "redis://u:p@one:7000,two",
        "redis://u:p@one:7000,redis://u:p@two:6379",
        "redis://u:p@one:7000 , redis://u:p@two/0",
    ] {
        assert_eq!(url(text).servers, two, "{text}");
        assert_eq!(url(text).credentials, credentials("u", "p"), "{text}");
    }
    // A comma of a password is none between servers.
    let comma = url("redis://:a,b@one");
    assert_eq!(comma.servers, Servers::Single(at("one", 6379)));
    assert_eq!(comma.credentials, credentials("", "a,b"));

    let flagged = from(&[("REDIS_URL", "redis://one"), ("REDIS_CLUSTER", "true")]);
    let flagged = flagged.unwrap().unwrap();
    assert_eq!(flagged.servers, Servers::Cluster(vec![at("one", 6379)]));
}

#[test]
fn sentinels_know_a_master_by_name() {
    let found = from(&[
        (
            "REDIS_URL",
            "rediss+sentinel://u:p@s1,s2:26380/the%20master/3",
        ),
        ("REDIS_SENTINEL_USERNAME", "guard"),
        ("REDIS_SENTINEL_PASSWORD", "other"),
    ]);
    let found = found.unwrap().unwrap();
    assert_eq!(
        found.servers,
        Servers::Sentinel {
            sentinels: vec![at("s1", 26379), at("s2", 26380)],
            master: "the master".to_owned(),
            credentials: credentials("guard", "other"),
        }
    );
    assert_eq!(found.credentials, credentials("u", "p"));
    assert_eq!((found.database, found.tls), (3, true));
    assert_eq!(url("redis+sentinel://s/m").database, 0);
}

#[test]
fn the_environment_says_the_rest() {
    assert_eq!(from(&[]).unwrap(), None);
    // As a reference to a service that is not there.
    assert_eq!(
        from(&[("REDIS_URL", " "), ("REDISHOST", "")]).unwrap(),
        None
    );

    let parts = from(&[
        ("REDISHOST", "redis.internal"),
        ("REDISPORT", "6380"),
        ("REDISUSER", "default"),
        ("REDISPASSWORD", "p@ss:w/rd"),
        ("REDIS_PREFIX", "shop:live"),
        ("REDIS_BEAT_MS", "5000"),
        ("REDIS_TIMEOUT_MS", "250"),
        ("REDIS_CONNECT_TIMEOUT_MS", "900"),
        ("REDIS_TLS_VERIFY", "false"),
    ]);
    let parts = parts.unwrap().unwrap();
    assert_eq!(parts.servers, Servers::Single(at("redis.internal", 6380)));
    assert_eq!(parts.credentials, credentials("default", "p@ss:w/rd"));
    assert_eq!(parts.prefix, "shop:live");
    assert_eq!(parts.beat_interval, Duration::from_secs(5));
    assert_eq!(parts.timeout, Duration::from_millis(250));
    assert_eq!(parts.connect_timeout, Duration::from_millis(900));
    assert!(!parts.verify);

    let both = from(&[("REDIS_URL", "redis://first"), ("REDISHOST", "second")]);
    let both = both.unwrap().unwrap();
    assert_eq!(both.servers, Servers::Single(at("first", 6379)));
}

#[test]
fn a_ca_is_read_and_checked_at_start() {
    let folder = std::env::temp_dir().join(format!("rt-ca-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let good = write("good.pem", &key.cert.pem());
    let empty = write("empty.pem", "no certificate here");
    let broken = write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let missing = folder.join("missing.pem").to_str().unwrap().to_owned();

    let with = |path: &str| from(&[("REDIS_URL", "rediss://h"), ("REDIS_CA_FILE", path)]);
    assert!(with(&good).unwrap().unwrap().ca.is_some());
    for path in [&empty, &broken, &missing] {
        let error = with(path).unwrap_err().to_string();
        assert!(
            error.contains("REDIS_CA_FILE") && error.contains(path.as_str()),
            "{error}"
        );
    }
    let pasted = with(&key.signing_key.serialize_pem())
        .unwrap_err()
        .to_string();
    assert!(!pasted.contains("PRIVATE"), "{pasted}");
    let plain = from(&[("REDIS_URL", "redis://h"), ("REDIS_CA_FILE", &good)]);
    let plain = plain.unwrap_err().to_string();
    assert!(plain.contains("rediss://"), "{plain}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nonsense_is_an_error_that_names_the_variable() {
    let long = "x".repeat(65);
    for (variable, value) in [
        ("REDIS_PREFIX", "a{b"),
        ("REDIS_PREFIX", "a}b"),
        ("REDIS_PREFIX", "a b"),
        ("REDIS_PREFIX", "a\u{7f}b"),
        ("REDIS_PREFIX", long.as_str()),
        ("REDIS_BEAT_MS", "99"),
        ("REDIS_BEAT_MS", "60001"),
        ("REDIS_TIMEOUT_MS", "soon"),
        ("REDIS_CONNECT_TIMEOUT_MS", "-1"),
        ("REDIS_CLUSTER", "maybe"),
        ("REDIS_TLS_VERIFY", "maybe"),
    ] {
        let error = from(&[("REDIS_URL", "redis://h"), (variable, value)]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(variable), "{variable}={value}: {error}");
    }
    for (variable, value) in [("REDISPORT", "0"), ("REDISPORT", "http")] {
        let error = from(&[("REDISHOST", "h"), (variable, value)]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(variable), "{variable}={value}: {error}");
    }
    let sentinels = [
        ("REDIS_URL", "redis+sentinel://h/m"),
        ("REDIS_CLUSTER", "true"),
    ];
    let error = from(&sentinels).unwrap_err().to_string();
    assert!(error.starts_with("REDIS_CLUSTER"), "{error}");
}

/// Wherever the password lies, and however it is written: it is `hunter`, and something behind it.
#[test]
fn a_bad_url_is_an_error_that_says_nothing_of_the_password() {
    for text in [
        "hunter2",
        "hunter2@h",
        "//:hunter2@h",
        "http://:hunter2@h",
        "redis:/:hunter2@h",
        "redis//:hunter2@h",
        "postgres://u:hunter2@h:5432/db",
        "redis://",
        "redis://:hunter2@",
        "redis://:hunter2@:6379",
        "redis://u:hunter/2@h:6379",
        "redis://u:hunter?2@h:6379",
        "redis://u:hunter#2@h:6379",
        "redis://u:hunter/2",
        "redis://u:hunter2",
        "redis://u:hunter@2@h",
        "redis://u:hunter 2@h",
        "redis://u:hunter\t2@h",
        "redis://u:hunter%2@h",
        "redis://u:hunter%zz@h",
        "redis://u:hunter%ff@h",
        "redis://u:hunter%@h",
        "redis://u:%68unter%zz@h",
        "redis://u:hunter2@h:0",
        "redis://u:hunter2@h:65536",
        "redis://u:hunter2@h:port",
        "redis://u:hunter2@h:6379:6379",
        "redis://u:hunter2@[::1",
        "redis://u:hunter2@[::1]6379",
        "redis://u:hunter2@h/db",
        "redis://u:hunter2@h/-1",
        "redis://u:hunter2@h/0/1",
        "redis://u:hunter2@h/hunter2",
        "redis://u:hunter2@h?password=hunter2",
        "redis://u@h?hunter2",
        "rediss://u:hunter2@h/#insecure",
        "redis://u:hunter2@h,",
        "redis://u:hunter2@h,,i",
        "redis://u:hunter2@h,u:hunter2@i",
        "redis://u:hunter2@h,redis://u:hunter3@i",
        "redis://u:hunter2@h,rediss://u:hunter2@i",
        "redis://u:hunter2@h,redis://i",
        "redis://u:hunter2@h,i/1",
        "redis+sentinel://u:hunter2@h",
        "redis+sentinel://u:hunter2@h/",
        "redis+sentinel://u:hunter2@h/m/x",
        "redis+sentinel://u:hunter2@h/m%zz/0",
        "redis+sentinel://u:hunter2@h/m,redis+sentinel://u:hunter2@i/m",
        "redis+sentinel://u:hunter2@h/m/0/1",
    ] {
        for error in [
            RedisConfig::from_url(text).unwrap_err(),
            from(&[("REDIS_URL", text)]).unwrap_err(),
        ] {
            let said = format!("{error} {error:?}");
            assert!(said.starts_with("REDIS_URL"), "{text}: {said}");
            let lower = said.to_lowercase();
            assert!(
                !lower.contains("hunter") && !lower.contains("%68"),
                "{text}: {said}"
            );
        }
    }
    for (variable, value) in [
        ("REDISHOST", "redis://:hunter2@h"),
        ("REDISHOST", "h, hunter2"),
        ("REDISPORT", "hunter2@h:6379"),
    ] {
        // The first of a name is taken.
        let error = from(&[(variable, value), ("REDISHOST", "h")]);
        let said = error.unwrap_err().to_string();
        assert!(
            said.starts_with(variable) && !said.contains("hunter"),
            "{said}"
        );
    }
}

#[test]
fn a_configuration_can_be_shown() {
    let found = from(&[
        ("REDIS_URL", "redis+sentinel://ada:hunter2@h/m"),
        ("REDIS_SENTINEL_PASSWORD", "hunter3"),
    ]);
    let shown = format!("{:?}", found.unwrap().unwrap());
    assert!(
        shown.contains("ada") && !shown.contains("hunter"),
        "{shown}"
    );
}
