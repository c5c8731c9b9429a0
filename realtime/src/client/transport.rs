//! A browser's `WebSocket`, whose callbacks end with it.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, MessageEvent, WebSocket};

/// What a transport tells.
pub(super) enum Signal {
    Opened,
    Received(String),
    Closed,
}

/// An open or opening `WebSocket`. Dropping it closes it, silently.
pub(super) struct Transport {
    socket: WebSocket,
    _on_event: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Transport {
    /// Opens one; nothing where the browser refuses the address.
    pub(super) fn open(url: &str, tell: impl Fn(Signal) + Clone + 'static) -> Option<Self> {
        let socket = WebSocket::new(url).ok()?;
        let on_event = {
            let tell = tell.clone();
            Closure::<dyn FnMut(Event)>::new(move |event: Event| match event.type_().as_str() {
                "open" => tell(Signal::Opened),
                // An `error` is always followed by a `close`, and says nothing more.
                "close" => tell(Signal::Closed),
                _ => {}
            })
        };
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                tell(Signal::Received(text));
            }
        });
        socket.set_onopen(Some(on_event.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_event.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            _on_event: on_event,
            _on_message: on_message,
        })
    }

    /// Sends a text; where the socket is closing, its `close` follows.
    pub(super) fn send(&self, text: &str) {
        let _ = self.socket.send_with_str(text);
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        self.socket.set_onmessage(None);
        let _ = self.socket.close();
    }
}
