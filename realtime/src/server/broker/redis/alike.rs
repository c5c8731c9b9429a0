//! The stand-in for Redis, of `testing::redis`, does what a real one does: asked the same at random, both answer the
//! same, tell listeners the same and hold the same afterwards.

use std::sync::{LazyLock, Mutex};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use redis::Value;
use tokio::{sync::mpsc, time::timeout};

use super::{
    client::Client,
    keys::Keys,
    script::{self, Script},
    servers::RedisServer,
    transport::{Link, Purpose, Push, Transport},
    *,
};
use crate::testing::redis::{Path, SimulatedRedis};

/// What is in a room and among the nodes, by the names of everything that this test writes.
static DUMP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local scores, ttls = {}, {}
        for i, member in ipairs(ARGV) do
            scores[i] = { redis.call('ZSCORE', KEYS[3], member), redis.call('ZSCORE', KEYS[7], member) }
        end
        for i, key in ipairs(KEYS) do
            ttls[i] = redis.call('PTTL', key)
        end
        return {
            redis.call('HGETALL', KEYS[1]), redis.call('XRANGE', KEYS[2], '-', '+'), scores,
            redis.call('SMEMBERS', KEYS[4]), redis.call('HGETALL', KEYS[6]), redis.call('SMEMBERS', KEYS[8]),
            redis.call('SMEMBERS', KEYS[9]), redis.call('ZCARD', KEYS[3]), redis.call('HLEN', KEYS[1]), ttls,
        }",
    )
});

const PATIENCE: Duration = Duration::from_secs(20);
const RUNS: [&str; 3] = ["00000000000000a1", "00000000000000b2", "00000000000000c3"];

/// One of the two servers, and what was heard from it.
struct Side {
    link: Arc<dyn Link>,
    listener: Arc<dyn Link>,
    heard: Mutex<mpsc::UnboundedReceiver<(String, String)>>,
}

impl Side {
    async fn new(transport: &dyn Transport, channels: &[String]) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let link = transport
            .open(Purpose::Commands, Arc::new(|_| {}))
            .await
            .unwrap();
        let listener = transport
            .open(
                Purpose::Messages,
                Arc::new(move |push| {
                    if let Push::Message { channel, payload } = push {
                        let text = String::from_utf8(payload.to_vec()).unwrap();
                        let _ = sender.send((channel.to_owned(), text));
                    }
                }),
            )
            .await
            .unwrap();
        listener.subscribe(channels).await.unwrap();
        Self {
            link,
            listener,
            heard: Mutex::new(heard),
        }
    }

    async fn run(&self, call: &Call) -> Value {
        let args: Vec<&[u8]> = call.args.iter().map(String::as_bytes).collect();
        self.link.run(call.script, &call.keys, &args).await.unwrap()
    }

    /// What was published since the last question.
    async fn messages(&self, channel: &str) -> Vec<(String, String)> {
        self.link.publish(channel, b"mark").await.unwrap();
        let mut all = Vec::new();
        loop {
            let next = {
                let mut heard = self.heard.lock().unwrap();
                heard.try_recv().ok()
            };
            match next {
                Some((_, text)) if text == "mark" => return all,
                Some((channel, text)) => all.push((channel, timeless(&text))),
                None => {
                    // Its connection is driven elsewhere.
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
            }
        }
    }
}

struct Call {
    name: &'static str,
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<String>,
}

/// A text without the times in it: 13 digits in a row.
fn timeless(text: &str) -> String {
    let is_time = |part: &str| part.len() == 13 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split_inclusive(['\t', '\n']).map(|part| {
        let word = part.trim_end_matches(['\t', '\n']);
        if is_time(word) {
            part.replace(word, "TIME")
        } else {
            part.to_owned()
        }
    });
    parts.collect()
}

/// The same for an answer. Where Redis promises no order, what is a pair stays one.
fn plain(value: Value) -> Value {
    match value {
        Value::BulkString(text) => match String::from_utf8(text) {
            Ok(text) => Value::BulkString(timeless(&text).into_bytes()),
            Err(raw) => Value::BulkString(raw.into_bytes()),
        },
        Value::Array(all) => Value::Array(all.into_iter().map(plain).collect()),
        other => other,
    }
}

fn sorted(value: &mut Value, at_once: usize) {
    let Value::Array(all) = value else { return };
    let mut parts: Vec<Vec<Value>> = all.chunks(at_once).map(<[Value]>::to_vec).collect();
    parts.sort_by_key(|part| format!("{part:?}"));
    *all = parts.into_iter().flatten().collect();
}

fn in_order(name: &str, value: Value) -> Value {
    let mut value = plain(value);
    let unordered: &[(usize, usize)] = match name {
        "snapshot" => &[(1, 2)],
        "beat" => &[(1, 2), (2, 1)],
        "dump" => &[(0, 2), (3, 1), (4, 2), (5, 1), (6, 1)],
        "swept" | "index" => {
            sorted(&mut value, 1);
            &[]
        }
        _ => &[],
    };
    if let Value::Array(parts) = &mut value {
        for (place, at_once) in unordered {
            if let Some(part) = parts.get_mut(*place) {
                sorted(part, *at_once);
            }
        }
    }
    value
}

/// The times that are left, which both take a moment apart.
fn left(dump: &mut Value) -> Vec<i64> {
    let Value::Array(parts) = dump else {
        panic!("a dump")
    };
    let Some(Value::Array(all)) = parts.pop() else {
        panic!("the times")
    };
    let read = |value: &Value| match value {
        Value::Int(left) => *left,
        other => panic!("a time is no {other:?}"),
    };
    all.iter().map(read).collect()
}

struct Draw {
    rng: StdRng,
    keys: Keys,
    stands: Vec<Option<(String, String)>>,
}

impl Draw {
    fn one(&mut self, of: &[&str]) -> String {
        (*of.choose(&mut self.rng).unwrap()).to_owned()
    }

    fn room(&self, number: usize) -> RoomId {
        format!("board:{number}").parse().unwrap()
    }

    fn person(&mut self) -> (String, String) {
        let session = self.one(&["s1", "s2", "s3", "s4"]);
        let field = match self.one(&["u:1", "u:2", "g"]).as_str() {
            "g" => format!("g:{session}"),
            user => user.to_owned(),
        };
        (field, session)
    }

    /// A script of a room, with the arguments that all of them take.
    fn of_room(
        &mut self,
        name: &'static str,
        script: &'static Script,
        args: Vec<String>,
    ) -> (usize, Call) {
        let number = self.rng.random_range(0..2);
        let fresh = format!("{:016x}", self.rng.random::<u64>());
        let mut all = vec![
            "PUBLISH".to_owned(),
            fresh,
            "900000".to_owned(),
            "86400000".to_owned(),
        ];
        all.extend(args);
        let call = Call {
            name,
            script,
            keys: self.keys.room(&self.room(number)),
            args: all,
        };
        (number, call)
    }

    fn of_nodes(&mut self, name: &'static str, script: &'static Script, args: Vec<String>) -> Call {
        let run = RunId(u64::from_str_radix(&args[0], 16).unwrap());
        let keys = match name {
            "beat" => self.keys.beat(),
            _ => self.keys.run(run),
        };
        Call {
            name,
            script,
            keys,
            args,
        }
    }

    fn call(&mut self) -> (usize, Call) {
        let run = self.one(&RUNS);
        let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        match self.rng.random_range(0..22) {
            0..4 => {
                let id = format!("e{}", self.rng.random_range(0..14));
                let long = "x".repeat(self.rng.random_range(0..80));
                let most = self.one(&["1", "3", "1000"]);
                let bytes = self.one(&["60", "4000"]);
                let ids = self.one(&["4", "10000"]);
                let args = words(&[
                    &id,
                    &format!("{{\"d\":\"{long}\"}}"),
                    &most,
                    &bytes,
                    "600000",
                    &ids,
                ]);
                self.of_room("append", &script::APPEND, args)
            }
            4..8 => {
                let (field, session) = self.person();
                let incarnation = format!("{:016x}", self.rng.random_range(1..4_u64));
                let status = self.one(&["o", "a", "i"]);
                let since = self.rng.random_range(1..100_u32);
                let rest = format!("{{\"n\":\"{}\"}}", "y".repeat(self.rng.random_range(0..90)));
                let line = [
                    &session,
                    &incarnation,
                    &run,
                    &since.to_string(),
                    &status,
                    &rest,
                ];
                let line = line.map(String::as_str).join("\t");
                self.of_room("enter", &script::ENTER, vec![field, line])
            }
            8..10 => {
                let (field, session) = self.person();
                let incarnation = format!("{:016x}", self.rng.random_range(1..4_u64));
                let life = self.one(&["", "00000000000000ff"]);
                self.of_room(
                    "exit",
                    &script::EXIT,
                    vec![field, session, incarnation, life],
                )
            }
            10 | 11 => self.of_room("snapshot", &script::SNAPSHOT, vec![]),
            12 => {
                let (room, mut call) = self.of_room("renew", &script::RENEW, vec![]);
                let seen = self.stands[room]
                    .clone()
                    .filter(|_| self.rng.random_bool(0.8));
                let (epoch, seq) =
                    seen.unwrap_or_else(|| (self.one(&["", "00000000000000ff"]), "3".to_owned()));
                let kept = ["1", "2", "5"].map(str::to_owned);
                call.args.extend([epoch, seq]);
                call.args.extend(kept);
                (room, call)
            }
            13 | 14 => {
                let remembered = self.one(&["0", "0", "0", "3600000"]);
                let (field, session) = self.person();
                // One that is dead stays so: few are.
                let run = if remembered == "0" {
                    run
                } else {
                    RUNS[2].to_owned()
                };
                let stays = format!("{field}\t{session}");
                self.of_room("purge", &script::PURGE, vec![run, remembered, stays])
            }
            15 => self.of_room("repeat", &script::REPEAT, vec![]),
            16 => {
                let keys = (0..3)
                    .map(|room| self.keys.head(&self.room(room)))
                    .collect();
                let call = Call {
                    name: "heads",
                    script: &script::HEADS,
                    keys,
                    args: words(&["86400000"]),
                };
                (0, call)
            }
            17 | 18 => {
                let counter = self.rng.random_range(0..6_u32).to_string();
                let how = self.one(&["register", "beat", "beat"]);
                let args = words(&[&run, &counter, "1000\t00000000000000aa\t1\t-\tname", &how]);
                (0, self.of_nodes("beat", &script::BEAT, args))
            }
            19 => {
                let counter = self.rng.random_range(0..3_u32).to_string();
                let args = words(&[RUNS[2], &counter, "3600000"]);
                (0, self.of_nodes("claim", &script::CLAIM, args))
            }
            20 => {
                let how = self.one(&["SADD", "SADD", "SREM", "SMEMBERS"]);
                let mut args = words(&[&run, &how]);
                if how != "SMEMBERS" {
                    args.extend(words(&["board:0", "board:1"]));
                }
                (0, self.of_nodes("index", &script::INDEX, args))
            }
            _ => {
                let args = words(&[&run, "board:1"]);
                (0, self.of_nodes("swept", &script::SWEPT, args))
            }
        }
    }
}

/// Where one tells a room of several in an order that is not promised.
fn told(name: &str, mut messages: Vec<(String, String)>) -> Vec<(String, String)> {
    if name == "purge" {
        for (_, text) in &mut messages {
            let mut parts: Vec<&str> = text.split('\t').collect();
            if parts[0] == "P" {
                parts.remove(2);
            }
            *text = parts.join("\t");
        }
        messages.sort();
    }
    messages
}

#[tokio::test]
async fn the_stand_in_answers_tells_and_keeps_what_redis_does() {
    let server = RedisServer::start(&[]);
    let real = Client::new(&RedisConfig::from_url(&server.url()).unwrap()).unwrap();
    let simulated = SimulatedRedis::start();
    let keys = Keys::new("app");
    let rooms = [0, 1].map(|room| format!("board:{room}").parse::<RoomId>().unwrap());
    let channels = rooms.clone().map(|room| keys.channel(&room));
    let sides = [
        Side::new(&real, &channels).await,
        Side::new(&Path::new(&simulated, 0), &channels).await,
    ];
    let mut draw = Draw {
        rng: StdRng::seed_from_u64(7),
        keys: keys.clone(),
        stands: vec![None, None],
    };
    let members: Vec<String> = (0..14)
        .map(|id| format!("e{id}"))
        .chain(RUNS.map(str::to_owned))
        .collect();
    for step in 0..1_500 {
        if draw.rng.random_bool(0.01) {
            let names = keys.room(&rooms[draw.rng.random_range(0..2)]);
            let name = &names[draw.rng.random_range(0..4)];
            server.command::<i64>(&["DEL", name]);
            simulated.evict(name);
        }
        if step % 500 == 499 {
            server.command::<()>(&["FLUSHALL"]);
            simulated.flush();
        }
        let (room, call) = draw.call();
        let what = format!("step {step}: {} {:?} {:?}", call.name, call.keys, call.args);
        let mut answers = Vec::new();
        for side in &sides {
            let work = async {
                let answer = in_order(call.name, side.run(&call).await);
                let messages = told(call.name, side.messages(&channels[0]).await);
                (answer, messages)
            };
            answers.push(timeout(PATIENCE, work).await.expect(&what));
        }
        assert_eq!(answers[0], answers[1], "{what}");
        if call.name == "snapshot"
            && let Ok(snapshot) = format::snapshot(answers.swap_remove(0).0)
        {
            let Position { epoch, seq } = snapshot.position;
            draw.stands[room] = Some((epoch.to_string(), seq.to_string()));
        }
        if step % 10 == 0 {
            for room in &rooms {
                let run = RunId(u64::from_str_radix(RUNS[0], 16).unwrap());
                let mut all = keys.room(room);
                all.extend(keys.run(run));
                let dump = Call {
                    name: "dump",
                    script: &DUMP,
                    keys: all,
                    args: members.clone(),
                };
                let mut dumps = Vec::new();
                for side in &sides {
                    let mut dump = in_order("dump", side.run(&dump).await);
                    let times = left(&mut dump);
                    dumps.push((dump, times));
                }
                assert_eq!(dumps[0].0, dumps[1].0, "after {what}");
                for (real, simulated) in dumps[0].1.iter().zip(&dumps[1].1) {
                    let near = *real >= 0 && *simulated >= 0 && real.abs_diff(*simulated) < 5_000;
                    assert!(
                        near || real == simulated,
                        "{real} and {simulated} left after {what}"
                    );
                }
            }
        }
    }
    drop(sides.map(|side| side.listener));
}
