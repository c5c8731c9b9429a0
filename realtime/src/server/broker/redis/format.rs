//! How entries, events and messages are written in Redis. The scripts take the same apart: see `scripts/room.lua`.
//!
//! Nodes of two versions read each other's. So what is there keeps its place, and what is added goes where older nodes do
//! not look: another field of an entry's or an event's JSON, a kind of message of its own, the end of a node's record. What
//! cannot be read is left out, and found by its number: the room is read again, and its clients are told to look again.

use std::sync::Arc;

use redis::Value;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    core::{
        liveness::Record,
        message::{
            Entry, EntryChange, EntryKey, NewEvent, RoomMessage, RoomSignal, RoomSnapshot, RunId,
        },
    },
    protocol::{
        DeviceId, DeviceKind, Epoch, EventId, Place, Position, RoomId, SessionId, Status, Subject,
        UnixMillis, User, UserId, WireEvent,
    },
    server::broker::Head,
};

/// What Redis said that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("Redis holds something else than expected: {0}")]
pub(super) struct Unreadable(pub(super) &'static str);

/// What the scripts do not look at of an entry.
#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    #[serde(rename = "k", default, skip_serializing_if = "is_other")]
    kind: DeviceKind,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    at: Vec<(RoomId, UnixMillis)>,
}

fn is_other(kind: &DeviceKind) -> bool {
    *kind == DeviceKind::Other
}

/// What an event is about, and its data.
#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(rename = "d")]
    data: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signal {
    Typing {
        user: UserId,
        on: bool,
    },
    Data {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<EntryKey>,
        data: Box<RawValue>,
    },
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("types with string keys can be written as JSON")
}

/// The field of the one to whom a session belongs.
pub(super) fn field(key: &EntryKey) -> String {
    match &key.user {
        Some(user) => format!("u:{user}"),
        None => format!("g:{}", key.session),
    }
}

fn key_of(field: &str, session: &str) -> Option<EntryKey> {
    let session = SessionId::try_from(session).ok()?;
    let user = match field.strip_prefix("u:") {
        Some(user) => Some(UserId::try_from(user).ok()?),
        None => {
            field.strip_prefix("g:")?;
            None
        }
    };
    Some(EntryKey { user, session })
}

/// A number as scripts compare it.
pub(super) fn incarnation(number: u64) -> String {
    format!("{number:016x}")
}

/// An entry's line.
pub(super) fn line(entry: &Entry) -> String {
    let status = match entry.status {
        Status::Away => 'a',
        Status::Invisible => 'i',
        Status::Online => 'o',
    };
    let rest = Rest {
        name: entry.user.as_ref().map(|user| user.name.clone()),
        device: entry.device.clone(),
        kind: entry.device_kind,
        at: entry
            .at
            .iter()
            .map(|place| (place.room.clone(), place.since))
            .collect(),
    };
    format!(
        "{}\t{}\t{}\t{}\t{status}\t{}",
        entry.session,
        incarnation(entry.incarnation),
        entry.run,
        entry.since,
        to_json(&rest)
    )
}

fn entry(field: &str, line: &str) -> Option<Entry> {
    let mut parts = line.splitn(6, '\t');
    let mut next = || parts.next();
    let (session, count, run) = (next()?, next()?, next()?);
    let (since, status, rest) = (next()?, next()?, next()?);
    let rest: Rest = serde_json::from_str(rest).ok()?;
    let EntryKey { user, session } = key_of(field, session)?;
    Some(Entry {
        session,
        user: user.map(|id| User {
            id,
            name: rest.name.unwrap_or_default(),
        }),
        incarnation: hexadecimal(count)?,
        run: RunId(hexadecimal(run)?),
        device: rest.device,
        device_kind: rest.kind,
        status: match status {
            "a" => Status::Away,
            "i" => Status::Invisible,
            _ => Status::Online,
        },
        since: since.parse().ok()?,
        at: rest
            .at
            .into_iter()
            .map(|(room, since)| Place { room, since })
            .collect(),
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// An event's payload.
pub(super) fn payload(event: &NewEvent) -> String {
    to_json(&Payload {
        subject: event.subject.clone(),
        origin: event.origin.clone(),
        data: event.data.clone(),
    })
}

fn event(seq: u64, at: &str, id: &str, payload: &str) -> Option<Arc<WireEvent>> {
    let payload: Payload = serde_json::from_str(payload).ok()?;
    Some(Arc::new(WireEvent {
        seq,
        id: EventId::try_from(id).ok()?,
        at: at.parse().ok()?,
        subject: payload.subject,
        origin: payload.origin,
        data: payload.data,
    }))
}

/// A signal as it is published.
pub(super) fn signal(signal: &RoomSignal) -> String {
    let signal = match signal {
        RoomSignal::Typing { user, on } => Signal::Typing {
            user: user.clone(),
            on: *on,
        },
        RoomSignal::Data { from, data } => Signal::Data {
            from: from.clone(),
            data: (**data).to_owned(),
        },
    };
    format!("S\n{}", to_json(&signal))
}

/// What was published in a room, unless a newer version wrote it.
pub(super) fn message(text: &[u8]) -> Option<RoomMessage> {
    let text = std::str::from_utf8(text).ok()?;
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let mut parts = head.split('\t');
    let kind = parts.next()?;
    let mut next = || parts.next();
    let mut epoch = || next().and_then(hexadecimal).map(Epoch);
    Some(match kind {
        "E" => {
            let epoch = epoch()?;
            let (seq, at, id) = (next()?.parse().ok()?, next()?, next()?);
            RoomMessage::Event {
                epoch,
                event: event(seq, at, id, body)?,
                previous: EventId::try_from(next()?).ok(),
            }
        }
        "P" => {
            let epoch = epoch()?;
            let (version, at) = (next()?.parse().ok()?, next()?.parse().ok()?);
            let (sign, field) = (next()?, next()?);
            let change = match sign {
                "+" => EntryChange::Enter(entry(field, body)?),
                "-" => EntryChange::Exit(key_of(field, body)?),
                _ => return None,
            };
            RoomMessage::Presence {
                epoch,
                version,
                at,
                change,
            }
        }
        "B" => RoomMessage::Begun {
            epoch: epoch()?,
            cleared: next()? == "1",
        },
        "H" => {
            let position = Position {
                epoch: epoch()?,
                seq: next()?.parse().ok()?,
            };
            RoomMessage::Head {
                position,
                version: next()?.parse().ok()?,
            }
        }
        "G" => {
            let (at, field) = (next()?.parse().ok()?, next()?);
            RoomMessage::Gone {
                key: key_of(field, body)?,
                incarnation: hexadecimal(next()?)?,
                at,
            }
        }
        "S" => RoomMessage::Signal(match serde_json::from_str(body).ok()? {
            Signal::Typing { user, on } => RoomSignal::Typing { user, on },
            Signal::Data { from, data } => RoomSignal::Data {
                from,
                data: data.into(),
            },
        }),
        _ => return None,
    })
}

/// A text of a reply.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list of a reply.
pub(super) fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        Value::Map(map) => Some(
            map.into_iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
        ),
        _ => None,
    }
}

/// The texts of a list; what is none is left out.
pub(super) fn texts(value: Value) -> Vec<String> {
    list(value)
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .collect()
}

fn pairs(list: Vec<String>) -> impl Iterator<Item = (String, String)> {
    let mut list = list.into_iter();
    std::iter::from_fn(move || Some((list.next()?, list.next()?)))
}

/// A life of a log and the number of an event.
pub(super) fn position(value: Value) -> Result<Position, Unreadable> {
    let [epoch, seq] = &texts(value)[..] else {
        return Err(Unreadable("a position has two parts"));
    };
    let read = || {
        Some(Position {
            epoch: Epoch(hexadecimal(epoch)?),
            seq: seq.parse().ok()?,
        })
    };
    read().ok_or(Unreadable("a position is two numbers"))
}

/// The life of a room.
pub(super) fn epoch(text: &str) -> Option<Epoch> {
    hexadecimal(text).map(Epoch)
}

/// Where a room stands.
pub(super) fn head(text: &str) -> Option<Head> {
    let mut parts = text.split('\t');
    Some(Head {
        position: Position {
            epoch: epoch(parts.next()?)?,
            seq: parts.next()?.parse().ok()?,
        },
        version: parts.next()?.parse().ok()?,
    })
}

/// A whole room. What a newer version has written differently is left out.
pub(super) fn snapshot(value: Value) -> Result<RoomSnapshot, Unreadable> {
    let parts = list(value).and_then(|parts| <[Value; 3]>::try_from(parts).ok());
    let [stands, people, events] = parts.ok_or(Unreadable("a room has three parts"))?;
    let stands = text(stands).and_then(|text| head(&text));
    let stands = stands.ok_or(Unreadable("a room does not say where it stands"))?;
    let mut entries = Vec::new();
    for (field, lines) in pairs(texts(people)) {
        if field != "h" {
            entries.extend(lines.lines().filter_map(|line| entry(&field, line)));
        }
    }
    let events = list(events).unwrap_or_default().into_iter();
    let events = events.filter_map(|value| {
        let [id, fields] = <[Value; 2]>::try_from(list(value)?).ok()?;
        let seq = text(id)?.split('-').next()?.parse().ok()?;
        let [_, id, _, at, _, payload] = <[String; 6]>::try_from(texts(fields)).ok()?;
        event(seq, &at, &id, &payload)
    });
    Ok(RoomSnapshot {
        position: stands.position,
        version: stands.version,
        entries,
        events: events.collect(),
    })
}

/// What a node says of itself, after its counter.
pub(super) fn record(record: &Record) -> String {
    let leaving = record
        .leaving_ms
        .map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    format!(
        "{}\t{:016x}\t{}\t{leaving}\t{}",
        record.interval_ms, record.generation, record.pass, record.name
    )
}

/// Everyone's records: run, counter and record, and so on.
pub(super) fn records(value: Value) -> Vec<Record> {
    let read = |(run, text): (String, String)| {
        let mut parts = text.splitn(6, '\t');
        let mut next = || parts.next();
        Some(Record {
            run: RunId(hexadecimal(&run)?),
            counter: next()?.parse().ok()?,
            interval_ms: next()?.parse().ok()?,
            generation: hexadecimal(next()?)?,
            pass: next()?.parse().ok()?,
            leaving_ms: next()?.parse().ok(),
            name: next().unwrap_or_default().to_owned(),
        })
    };
    pairs(texts(value)).filter_map(read).collect()
}

/// A run.
pub(super) fn run(text: &str) -> Option<RunId> {
    hexadecimal(text).map(RunId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Entry {
        Entry {
            session: "a b".try_into().unwrap(),
            user: Some(User::new(7, "Ada\tL\n")),
            incarnation: u64::MAX,
            run: RunId(9),
            device: Some("d".try_into().unwrap()),
            device_kind: DeviceKind::Mobile,
            status: Status::Away,
            since: 5,
            at: vec![Place {
                room: "board:7".parse().unwrap(),
                since: 6,
            }],
        }
    }

    #[test]
    fn an_entry_survives_its_line_and_a_message() {
        let ada = ada();
        let line = line(&ada);
        assert_eq!(entry("u:7", &line), Some(ada.clone()));
        let text = format!("P\t00000000000000ff\t3\t17\t+\tu:7\n{line}");
        let Some(RoomMessage::Presence {
            epoch: Epoch(255),
            version: 3,
            at: 17,
            change: EntryChange::Enter(told),
        }) = message(text.as_bytes())
        else {
            panic!("a presence message")
        };
        assert_eq!(told, ada);
        let guest = Entry { user: None, ..ada };
        assert_eq!(field(&guest.key()), "g:a b");
        assert_eq!(entry("g:a b", &super::line(&guest)), Some(guest));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for text in [
            "",
            "X",
            "E\tzz\t1",
            "P\t01\t1\t1\t+\tu:7\nnonsense",
            "S\n{\"new\":1}",
            "H\t01",
        ] {
            assert!(message(text.as_bytes()).is_none(), "{text}");
        }
        assert!(message(&[0xff]).is_none());
        assert!(snapshot(Value::Nil).is_err());
        assert!(position(Value::Array(vec![])).is_err());
    }

    #[test]
    fn what_a_newer_node_adds_is_read_past() {
        let line = line(&ada());
        let (head, rest) = line.rsplit_once('\t').unwrap();
        let more = rest.replacen('{', r#"{"mood":["blue"],"#, 1);
        assert_eq!(entry("u:7", &format!("{head}\t{more}")), Some(ada()));
        let status = line.replacen("\ta\t", "\tz\t", 1);
        let status = entry("u:7", &status).map(|entry| entry.status);
        assert_eq!(status, Some(Status::Online), "a status that is new");
        let text = "E\t01\t7\t5\te7\te6\tmore\n{\"d\":1,\"lang\":\"en\"}";
        let Some(RoomMessage::Event { event, .. }) = message(text.as_bytes()) else {
            panic!("an event")
        };
        assert_eq!((event.seq, event.data.get()), (7, "1"));
        let bulk = |text: &str| Value::BulkString(text.into());
        let text = "4\t1000\t004d\t3\t-\tweb\t{\"build\":\"b\"}";
        let read = records(Value::Array(vec![bulk("0000000000000001"), bulk(text)]));
        assert_eq!((read.len(), read[0].counter, read[0].pass), (1, 4, 3));
    }

    #[test]
    fn a_record_survives() {
        let before = Record {
            run: RunId(1),
            counter: 4,
            interval_ms: 1_000,
            generation: 77,
            pass: 3,
            leaving_ms: Some(8_000),
            name: "web\t1".to_owned(),
        };
        let text = format!("4\t{}", record(&before));
        let bulk = |text: &str| Value::BulkString(text.into());
        let read = records(Value::Array(vec![
            bulk("0000000000000001"),
            bulk(&text),
            bulk("x"),
            bulk("y"),
        ]));
        assert_eq!(read, [before]);
    }
}
