//! The upgraded stream under a socket, watched and cut from outside.
//!
//! socketioxide neither notices that a client has stopped reading nor can end such a connection: its writer waits in
//! the stream. So the stream itself keeps time: every read is stamped, pongs too, a write that makes no progress is
//! noted, and [`WireControl::cut`] makes the next poll of either direction fail, at once.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::unsent::Unsent;
use crate::server::{clock::Monotonic, limits::Place};

/// A stream with a [`WireControl`].
pub(crate) struct Wire<S> {
    stream: S,
    control: Arc<WireControl>,
    /// One of the connections that the address may have.
    _place: Option<Place<IpAddr>>,
}

/// The outside of a [`Wire`].
pub(crate) struct WireControl {
    clock: Monotonic,
    last_read: AtomicU64,
    /// Locked while one message is queued, or one write is counted.
    unsent: Mutex<Unsent>,
    /// Since when a write has made no progress, plus one; zero, where none waits.
    stalled_since: AtomicU64,
    cut: AtomicBool,
    /// Whether a connection speaks over it: until the handshake, and after the goodbye, nothing may for long.
    in_use: AtomicBool,
    /// Whether the stream is gone.
    over: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl WireControl {
    pub(crate) fn new(clock: Monotonic) -> Arc<Self> {
        Arc::new(Self {
            clock,
            last_read: AtomicU64::new(clock.millis()),
            unsent: Mutex::default(),
            stalled_since: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            in_use: AtomicBool::new(false),
            over: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        })
    }

    /// Ends the connection now, whatever its peer does.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether a write waits for the peer to read.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled_since.load(Ordering::Relaxed) > 0
    }

    /// Queues a text message of so many bytes above the stream, and counts it where that succeeds. Both under the lock,
    /// so that the message is counted before the first of its bytes is written, and in its place.
    pub(super) fn queue<E>(
        &self,
        length: usize,
        queue: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut unsent = self.unsent();
        queue()?;
        unsent.queued(length);
        Ok(())
    }

    /// What waits to be written.
    pub(super) fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(count)) = written {
            self.unsent().wrote(*count);
        }
    }

    pub(crate) fn set_in_use(&self, in_use: bool) {
        self.in_use.store(in_use, Ordering::Release);
    }

    pub(crate) fn is_in_use(&self) -> bool {
        self.in_use.load(Ordering::Acquire)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Why the connection should be cut, if it should.
    pub(crate) fn verdict(&self, silence: Duration, stall: Duration) -> Option<&'static str> {
        let now = self.clock.millis();
        let elapsed = |since: u64| Duration::from_millis(now.saturating_sub(since));
        if elapsed(self.last_read.load(Ordering::Relaxed)) > silence {
            return Some("silent");
        }
        let stalled = self.stalled_since.load(Ordering::Relaxed);
        (stalled > 0 && elapsed(stalled - 1) > stall).then_some("stalled")
    }

    fn aborted() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the server")
    }

    fn wrote<T>(&self, progress: &Poll<T>) {
        match progress {
            Poll::Ready(_) => self.stalled_since.store(0, Ordering::Relaxed),
            Poll::Pending => {
                let since = self.clock.millis() + 1;
                let _ = self.stalled_since.compare_exchange(
                    0,
                    since,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
            }
        }
    }
}

impl<S> Wire<S> {
    pub(crate) fn new(stream: S, control: Arc<WireControl>, place: Option<Place<IpAddr>>) -> Self {
        Self {
            stream,
            control,
            _place: place,
        }
    }
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        self.control.over.store(true, Ordering::Release);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.control.reader.register(cx.waker());
        if this.control.is_cut() {
            return Poll::Ready(Err(WireControl::aborted()));
        }
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if read.is_ready() {
            this.control
                .last_read
                .store(this.control.clock.millis(), Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    fn writing<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        this.control.writer.register(cx.waker());
        if this.control.is_cut() {
            return Poll::Ready(Err(WireControl::aborted()));
        }
        let written = write(Pin::new(&mut this.stream), cx);
        this.control.wrote(&written);
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let control = self.control.clone();
        let written = self.writing(cx, |stream, cx| stream.poll_write(cx, buf));
        control.took(&written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |stream, cx| stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let control = self.control.clone();
        let written = self.writing(cx, |stream, cx| stream.poll_write_vectored(cx, bufs));
        control.took(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed_and_any_byte_ends_it() {
        let (mut peer, stream) = duplex(64);
        let control = WireControl::new(Monotonic::start());
        let mut wire = Wire::new(stream, control.clone(), None);
        tokio::time::advance(LONG + Duration::from_secs(1)).await;
        assert_eq!(control.verdict(LONG, LONG), Some("silent"));
        peer.write_all(b"x").await.unwrap();
        wire.read_u8().await.unwrap();
        assert_eq!(control.verdict(LONG, LONG), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_noticed_and_progress_ends_it() {
        let (mut peer, stream) = duplex(4);
        let control = WireControl::new(Monotonic::start());
        let mut wire = Wire::new(stream, control.clone(), None);
        let writer = tokio::spawn(async move { wire.write_all(b"12345678").await });
        tokio::task::yield_now().await;
        tokio::time::advance(LONG + Duration::from_secs(1)).await;
        assert_eq!(control.verdict(Duration::MAX, LONG), Some("stalled"));
        peer.read_exact(&mut [0; 8]).await.unwrap();
        writer.await.unwrap().unwrap();
        assert_eq!(control.verdict(Duration::MAX, LONG), None);
    }

    #[tokio::test]
    async fn what_waits_above_the_stream_is_counted_until_it_is_written() {
        let (_peer, stream) = duplex(64);
        let control = WireControl::new(Monotonic::start());
        let mut wire = Wire::new(stream, control.clone(), None);
        control.queue(10, || Ok::<(), ()>(())).unwrap();
        control.queue(20, || Err(())).unwrap_err();
        // The stream is flushed between one message and the next, too.
        wire.flush().await.unwrap();
        assert_eq!(control.unsent().bytes(), 12);
        wire.write_all(&[0; 12]).await.unwrap();
        assert_eq!(control.unsent().messages(), 0);
    }

    #[tokio::test]
    async fn a_cut_ends_a_waiting_read_and_a_waiting_write() {
        let (_peer, stream) = duplex(4);
        let control = WireControl::new(Monotonic::start());
        let (mut read, mut write) = tokio::io::split(Wire::new(stream, control.clone(), None));
        let reader = tokio::spawn(async move { read.read_u8().await });
        let writer = tokio::spawn(async move { write.write_all(&[0; 64]).await });
        tokio::task::yield_now().await;
        control.cut();
        assert_eq!(
            reader.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
        assert_eq!(
            writer.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
    }
}
