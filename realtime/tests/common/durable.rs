//! A meeting point that outlives its processes, as Redis does: the memory broker, with every append written to a file.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use leptos_realtime::{RoomId, core::message::NewEvent, protocol::EventId, server::broker::Broker};
use serde_json::value::RawValue;

use super::between::Between;

/// A line of the file: room, event id, data.
type Line = (String, EventId, Box<RawValue>);

/// Every append that was ever made, in order. A last line that was cut off was no append: nobody was given its place.
pub fn appended(file: &Path) -> Vec<(String, EventId, Box<RawValue>)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Makes a new memory broker go on where the file ends. `then` is told of each append once it lasts, before its place
/// is returned.
pub fn durable(
    inner: Arc<dyn Broker>,
    file: &Path,
    then: impl Fn(&NewEvent) + Send + Sync + 'static,
) -> Arc<dyn Broker> {
    let mut known = HashSet::new();
    for (room, id, data) in appended(file) {
        known.insert(id.clone());
        let room: RoomId = room.parse().unwrap();
        let event = NewEvent {
            id,
            subject: None,
            origin: None,
            data,
        };
        let again = inner.append(&room, event);
        again.now_or_never().expect("memory does not wait").unwrap();
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    let state = Mutex::new((known, file));
    Arc::new(Between {
        inner,
        link: None,
        before: Box::new(move |room, event| {
            let (known, file): &mut (HashSet<EventId>, File) = &mut state.lock().unwrap();
            if known.insert(event.id.clone()) {
                let line: Line = (
                    room.as_str().to_owned(),
                    event.id.clone(),
                    event.data.clone(),
                );
                let line = serde_json::to_string(&line).unwrap() + "\n";
                // One write: a killed process has made it or not.
                file.write_all(line.as_bytes()).unwrap();
            }
            then(event);
            Ok(Duration::ZERO)
        }),
    })
}
