//! One cycle: a person comes, sees a room and goes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use leptos_realtime::{
    RoomId,
    core::codec,
    protocol::{Auth, ClientCommand, JoinRoom, SessionId},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::Result;

/// How long a cycle may take: far more than it does, even where all of them are slow together.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many rooms there are to join.
const ROOMS: u64 = 20;

/// How a person goes.
#[derive(Clone, Copy, Debug)]
pub enum Leave {
    /// Leaves the room, says bye, and closes once the server has said goodbye.
    Politely,
    /// Closes the connection without a word, so that the server waits for them to come back.
    Silently,
}

/// How many people there have been.
static PEOPLE: AtomicU64 = AtomicU64::new(0);

/// Does a cycle, as a new person.
pub async fn cycle(port: u16, leave: Leave) -> Result<()> {
    let number = PEOPLE.fetch_add(1, Ordering::Relaxed);
    timeout(PATIENCE, come_and_go(port, number, leave))
        .await
        .map_err(|_| format!("cycle {number} took longer than {PATIENCE:?}"))?
        .map_err(|error| format!("cycle {number}: {error}").into())
}

async fn come_and_go(port: u16, number: u64, leave: Leave) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    // As browsers do: what is said in two words is not held back for the answer to the first.
    stream.set_nodelay(true)?;
    let url = format!("ws://127.0.0.1:{port}/realtime/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = client_async(url, stream).await?;
    wait_for(&mut socket, "0{").await?;
    // As long for one person as for another, so that they all take the same memory.
    let auth = Auth {
        token: Some(format!("person-{number:012}")),
        session: Some(SessionId::try_from(format!("session-{number:012}"))?),
        ..Auth::default()
    };
    socket.send(Message::text(codec::connect(&auth))).await?;
    wait_for(&mut socket, r#"42["welcome""#).await?;
    let room = RoomId::new("board", number % ROOMS, None)?;
    let join = ClientCommand::Join(vec![JoinRoom::new(room.clone())]);
    say(&mut socket, &join).await?;
    wait_for(&mut socket, r#"42["joined""#).await?;
    if let Leave::Politely = leave {
        say(&mut socket, &ClientCommand::Leave(vec![room])).await?;
        say(&mut socket, &ClientCommand::Bye).await?;
        wait_for(&mut socket, r#"42["goodbye""#).await?;
        socket.close(None).await?;
        // The rest of the farewell, up to the end of the stream.
        while let Some(Ok(_)) = socket.next().await {}
    }
    Ok(())
}

async fn say(socket: &mut WebSocketStream<TcpStream>, command: &ClientCommand) -> Result<()> {
    let text = codec::event(None, &command.to_json());
    Ok(socket.send(Message::text(text)).await?)
}

/// Reads, and answers pings, up to a message that begins like this.
async fn wait_for(socket: &mut WebSocketStream<TcpStream>, beginning: &str) -> Result<()> {
    while let Some(message) = socket.next().await {
        let message = message?;
        match message.to_text()? {
            "2" => socket.send(Message::text(codec::PONG)).await?,
            text if text.starts_with(beginning) => return Ok(()),
            _ => {}
        }
    }
    Err(format!("the connection ended before {beginning}").into())
}
