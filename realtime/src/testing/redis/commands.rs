//! The commands that the broker's scripts use, as Redis carries them out. Any other is a panic, and so is one that is
//! used in a way that is not foreseen here: what stands in for Redis must not differ from it without a word.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::keyspace::{Bytes, Item, Keyspace, Stream};

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Nil,
    Int(i64),
    Bulk(Bytes),
    Array(Vec<Reply>),
}

macro_rules! items {
    ($($get:ident, $change:ident, $kind:ident, $of:ty;)*) => { $(
        fn $get<'a>(db: &'a mut Keyspace, key: &[u8]) -> Option<&'a $of> {
            db.get(key).map(|item| match item {
                Item::$kind(value) => value,
                other => panic!("WRONGTYPE: {} is {other:?}", shown(key)),
            })
        }

        #[allow(dead_code)]
        fn $change<T>(db: &mut Keyspace, key: &[u8], change: impl FnOnce(&mut $of) -> T) -> T {
            db.change(key, Item::$kind(<$of>::default()), |item| match item {
                Item::$kind(value) => change(value),
                other => panic!("WRONGTYPE: {} is {other:?}", shown(key)),
            })
        }
    )* };
}

items! {
    hash, change_hash, Hash, BTreeMap<Bytes, Bytes>;
    set, change_set, Set, BTreeSet<Bytes>;
    sorted, change_sorted, Sorted, BTreeMap<Bytes, f64>;
    stream, change_stream, Stream, Stream;
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn bulks<'a>(all: impl IntoIterator<Item = &'a Bytes>) -> Reply {
    Reply::Array(all.into_iter().cloned().map(Reply::Bulk).collect())
}

fn maybe(value: Option<&Bytes>) -> Reply {
    value.map_or(Reply::Nil, |value| Reply::Bulk(value.clone()))
}

fn count(number: usize) -> Reply {
    Reply::Int(i64::try_from(number).expect("a small number"))
}

fn number(text: &[u8]) -> i64 {
    let read = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
    read.unwrap_or_else(|| panic!("ERR value is not an integer: {}", shown(text)))
}

fn score(text: &[u8]) -> f64 {
    match text {
        b"-inf" => f64::NEG_INFINITY,
        b"+inf" => f64::INFINITY,
        _ => {
            let number = number(text);
            assert!(number.unsigned_abs() < 1 << 53, "as doubles are exact");
            number as f64
        }
    }
}

/// A whole number, as all scores here are.
fn written(score: f64) -> Bytes {
    assert!(score.fract() == 0.0, "{score} is not whole");
    format!("{score:.0}").into_bytes()
}

fn stream_id(text: &[u8]) -> (u64, u64) {
    let text = shown(text);
    let parts = text.split_once('-');
    let read = parts.and_then(|(ms, n)| Some((ms.parse().ok()?, n.parse().ok()?)));
    read.unwrap_or_else(|| panic!("ERR an id of a stream in full, not {text}"))
}

/// A number of places: those before zero count from the end.
fn place(at: i64, length: usize) -> i64 {
    let length = i64::try_from(length).expect("a small number");
    if at < 0 { (at + length).max(0) } else { at }
}

/// Carries a command out. `PUBLISH` and `SPUBLISH` are not for here.
pub(super) fn call(db: &mut Keyspace, words: &[Bytes]) -> Reply {
    let (name, args) = words.split_first().expect("a command");
    let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
    match (shown(name).as_str(), &args[..]) {
        ("HGET", [key, field]) => maybe(hash(db, key).and_then(|hash| hash.get(*field))),
        ("HSET", [key, pairs @ ..]) if !pairs.is_empty() && pairs.len() % 2 == 0 => {
            change_hash(db, key, |hash| {
                let new = pairs
                    .chunks(2)
                    .filter(|pair| hash.insert(pair[0].to_vec(), pair[1].to_vec()).is_none());
                count(new.count())
            })
        }
        ("HDEL", [key, fields @ ..]) if !fields.is_empty() => change_hash(db, key, |hash| {
            count(
                fields
                    .iter()
                    .filter(|field| hash.remove(**field).is_some())
                    .count(),
            )
        }),
        ("HLEN", [key]) => count(hash(db, key).map_or(0, BTreeMap::len)),
        ("HGETALL", [key]) => {
            let pairs = hash(db, key).into_iter().flatten();
            bulks(pairs.flat_map(|(field, value)| [field, value]))
        }
        ("HMGET", [key, fields @ ..]) if !fields.is_empty() => {
            let hash = hash(db, key);
            let get = |field: &&[u8]| maybe(hash.and_then(|hash| hash.get(*field)));
            Reply::Array(fields.iter().map(get).collect())
        }

        ("SADD", [key, members @ ..]) if !members.is_empty() => change_set(db, key, |set| {
            count(
                members
                    .iter()
                    .filter(|member| set.insert(member.to_vec()))
                    .count(),
            )
        }),
        ("SREM", [key, members @ ..]) if !members.is_empty() => change_set(db, key, |set| {
            count(members.iter().filter(|member| set.remove(**member)).count())
        }),
        ("SMEMBERS", [key]) => bulks(set(db, key).into_iter().flatten()),
        ("SISMEMBER", [key, member]) => count(usize::from(
            set(db, key).is_some_and(|set| set.contains(*member)),
        )),
        // Any of them, says Redis.
        ("SRANDMEMBER", [key, most]) => {
            let most = usize::try_from(number(most)).expect("each member once at most");
            bulks(set(db, key).into_iter().flatten().take(most))
        }

        ("ZADD", [key, at, member]) => change_sorted(db, key, |sorted| {
            count(usize::from(
                sorted.insert(member.to_vec(), score(at)).is_none(),
            ))
        }),
        ("ZSCORE", [key, member]) => {
            let score = sorted(db, key).and_then(|sorted| sorted.get(*member));
            score.map_or(Reply::Nil, |score| Reply::Bulk(written(*score)))
        }
        ("ZCARD", [key]) => count(sorted(db, key).map_or(0, BTreeMap::len)),
        ("ZREMRANGEBYRANK", [key, from, to]) => change_sorted(db, key, |sorted| {
            let mut ranks: Vec<(f64, Bytes)> = sorted
                .iter()
                .map(|(member, score)| (*score, member.clone()))
                .collect();
            ranks.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            let (from, to) = (number(from), number(to));
            let (from, to) = (place(from, ranks.len()), place(to, ranks.len()));
            let gone = |rank: i64| (from..=to).contains(&rank);
            let mut removed = 0;
            for (rank, (_, member)) in (0..).zip(&ranks) {
                if gone(rank) {
                    sorted.remove(member);
                    removed += 1;
                }
            }
            count(removed)
        }),
        ("ZREMRANGEBYSCORE", [key, from, to]) => change_sorted(db, key, |sorted| {
            let (before, range) = (sorted.len(), score(from)..=score(to));
            sorted.retain(|_, score| !range.contains(score));
            count(before - sorted.len())
        }),
        ("ZUNIONSTORE", [to, b"1", from, b"WEIGHTS", weight]) => {
            let weight = score(weight);
            let union = sorted(db, from).cloned().unwrap_or_default();
            let union: BTreeMap<Bytes, f64> = union
                .into_iter()
                .map(|(member, score)| (member, score * weight))
                .collect();
            let length = count(union.len());
            db.put(to, Item::Sorted(union));
            length
        }

        ("XADD", [key, id, pairs @ ..]) if !pairs.is_empty() && pairs.len() % 2 == 0 => {
            let at = stream_id(id);
            change_stream(db, key, |stream| {
                assert!(
                    at > stream.last,
                    "ERR the id {at:?} is not above {:?}",
                    stream.last
                );
                stream.last = at;
                let fields = pairs.iter().map(|part| part.to_vec()).collect();
                stream.entries.insert(at, fields);
            });
            Reply::Bulk(id.to_vec())
        }
        ("XLEN", [key]) => count(stream(db, key).map_or(0, |stream| stream.entries.len())),
        ("XRANGE", [key, from, to, most @ ..]) => {
            let most = match most {
                [] => usize::MAX,
                [b"COUNT", most] => usize::try_from(number(most)).expect("a count"),
                _ => panic!("XRANGE with {most:?}"),
            };
            let from = match *from {
                b"-" => Bound::Unbounded,
                id => Bound::Included(stream_id(id)),
            };
            let to = match *to {
                b"+" => Bound::Unbounded,
                id => Bound::Included(stream_id(id)),
            };
            let entries = stream(db, key).into_iter();
            let entries = entries.flat_map(|stream| stream.entries.range((from, to)));
            let entries = entries.take(most).map(|((ms, n), fields)| {
                let id = Reply::Bulk(format!("{ms}-{n}").into_bytes());
                Reply::Array(vec![id, bulks(fields)])
            });
            Reply::Array(entries.collect())
        }
        ("XDEL", [key, id]) => {
            let removed = stream(db, key).is_some()
                && change_stream(db, key, |stream| {
                    stream.entries.remove(&stream_id(id)).is_some()
                });
            count(usize::from(removed))
        }

        ("DEL", keys) if !keys.is_empty() => {
            count(keys.iter().filter(|key| db.remove(key)).count())
        }
        ("EXISTS", [key]) => count(usize::from(db.get(key).is_some())),
        ("PEXPIRE", [key, ms]) => {
            let ends = i64::try_from(db.now).expect("a time") + number(ms);
            count(usize::from(db.set_end(key, u64::try_from(ends).ok())))
        }
        ("PTTL", [key]) => {
            let now = db.now;
            Reply::Int(match db.ends(key) {
                None => -2,
                Some(None) => -1,
                Some(Some(ends)) => (ends - now) as i64,
            })
        }
        ("PERSIST", [key]) => {
            let has_end = matches!(db.ends(key), Some(Some(_)));
            db.set_end(key, None);
            count(usize::from(has_end))
        }
        ("TIME", []) => {
            let (seconds, millis) = (db.now / 1_000, db.now % 1_000);
            let micros = millis * 1_000;
            Reply::Array(vec![
                Reply::Bulk(seconds.to_string().into_bytes()),
                Reply::Bulk(micros.to_string().into_bytes()),
            ])
        }
        (name, args) => {
            let args: Vec<String> = args.iter().map(|arg| shown(arg)).collect();
            panic!("nothing here does what Redis does for {name} {args:?}")
        }
    }
}
