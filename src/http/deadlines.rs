//! Deadlines of a connection that hyper does not provide: for the head of a request, between requests, and
//! for a client that does not read its response. A head that arrives slowly is cut off soon. A connection
//! that waits for its next request stays open for longer than a minute, because load balancers keep
//! connections for a minute. The times come from tokio's timer, which tests can stop and move.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::{Idle, Progress};

/// From the beginning of a connection to its first byte.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// From the first byte of a request to the end of its head.
const HEAD: Duration = Duration::from_secs(10);
/// From one request to the next.
const IDLE: Duration = Duration::from_secs(75);
/// Without a byte that the client reads.
const WRITE: Duration = Duration::from_secs(30);

/// The most bytes that one read takes from the socket. hyper begins with a buffer of 8 KiB and doubles it
/// whenever a read fills it. One byte less prevents that while a body arrives.
pub(super) const READ_AHEAD: usize = 8 * 1024 - 1;

/// A stream that fails with [`io::ErrorKind::TimedOut`] when a deadline passes.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: Take<S>,
    progress: Progress,
    seen: u32,
    /// When the first byte of the current head arrived.
    head_since: Option<Instant>,
    /// Since when the client reads nothing.
    stuck_since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl<S: AsyncRead> Paced<S> {
    pub(super) fn new(stream: S, progress: Progress) -> Self {
        let alarm = Box::pin(sleep_until(Instant::now() + FIRST_BYTE));
        let stream = stream.take(READ_AHEAD as u64);
        Self { stream, progress, seen: 0, head_since: None, stuck_since: None, alarm }
    }

    /// The deadline for more bytes from the peer; `None` while a request is being answered (its body has a
    /// deadline of its own).
    fn read_deadline(&mut self) -> Option<Instant> {
        let steps = self.progress.steps();
        if steps != self.seen {
            self.seen = steps;
            self.head_since = None;
        }
        let idle_since = self.progress.idle_since().map(|idle| self.progress.instant(idle))?;
        let until_head = if steps == 0 { FIRST_BYTE } else { IDLE };
        Some(self.head_since.map_or(idle_since + until_head, |since| since + HEAD))
    }

    /// Pending until `deadline`, then an error. An alarm for an earlier instant stays set, so that a busy
    /// connection does not set it again for each request.
    fn wait(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            if self.alarm.deadline() > deadline {
                self.alarm.as_mut().reset(deadline);
            }
            ready!(self.alarm.as_mut().poll(context));
            if self.alarm.deadline() == deadline {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(deadline);
        }
    }

    fn wrote(
        &mut self,
        result: Poll<io::Result<usize>>,
        begun: Idle,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stuck_since = None;
            self.progress.wrote(begun);
            return result;
        }
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        self.wait(since + WRITE, context).map(Err)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.stream.set_limit(READ_AHEAD as u64);
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        let deadline = this.read_deadline();
        match (read, deadline) {
            (Poll::Pending, Some(deadline)) => this.wait(deadline, context).map(Err),
            (Poll::Ready(Ok(())), Some(_)) => {
                this.head_since.get_or_insert_with(Instant::now);
                this.progress.read(buffer.filled().len() - before);
                Poll::Ready(Ok(()))
            }
            (read, _) => read,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let begun = this.progress.now();
        let result = Pin::new(this.stream.get_mut()).poll_write(context, buffer);
        this.wrote(result, begun, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let begun = this.progress.now();
        let result = Pin::new(this.stream.get_mut()).poll_write_vectored(context, buffers);
        this.wrote(result, begun, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind::TimedOut;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::{FIRST_BYTE, HEAD, IDLE, Paced, Progress, READ_AHEAD, WRITE};

    #[tokio::test(start_paused = true)]
    async fn a_head_that_dribbles_is_cut_off() {
        let (mut peer, ours) = duplex(64);
        let mut ours = Paced::new(ours, Progress::new(Instant::now()));
        let begun = Instant::now();
        let dribble = tokio::spawn(async move {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        });
        let error = ours.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (TimedOut, HEAD));
        drop(ours);
        dribble.await.unwrap();
    }

    /// Seen: a socket that never sent a byte kept its place for as long as one between two requests.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_sends_a_byte_is_closed_soon() {
        let (_peer, ours) = duplex(64);
        let mut ours = Paced::new(ours, Progress::new(Instant::now()));
        let begun = Instant::now();
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (TimedOut, FIRST_BYTE));
    }

    /// Seen: hyper doubled its buffer for a client that sent fast.
    #[tokio::test]
    async fn one_read_takes_no_more_than_fits_beside_the_others() {
        let (mut peer, ours) = duplex(4 * READ_AHEAD);
        let mut ours = Paced::new(ours, Progress::new(Instant::now()));
        peer.write_all(&[b'x'; 2 * READ_AHEAD]).await.unwrap();
        let mut buffer = [0; 4 * READ_AHEAD];
        assert_eq!(ours.read(&mut buffer).await.unwrap(), READ_AHEAD);
        assert_eq!(ours.read(&mut buffer).await.unwrap(), READ_AHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_longer_and_closed_too() {
        let (mut peer, ours) = duplex(64);
        let progress = Progress::new(Instant::now());
        let mut ours = Paced::new(ours, progress.clone());
        peer.write_all(b"x").await.unwrap();
        ours.read_u8().await.unwrap();
        progress.begin();
        progress.end();
        let begun = Instant::now();
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (TimedOut, IDLE));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_hurries_a_peer_whose_request_is_being_answered() {
        let (mut peer, ours) = duplex(64);
        let progress = Progress::new(Instant::now());
        let mut ours = Paced::new(ours, progress.clone());
        progress.begin();
        tokio::spawn(async move {
            tokio::time::sleep(10 * IDLE).await;
            peer.write_all(b"x").await
        });
        assert_eq!(ours.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_is_cut_off() {
        let (_peer, ours) = duplex(16);
        let mut ours = Paced::new(ours, Progress::new(Instant::now()));
        let begun = Instant::now();
        let error = ours.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (TimedOut, WRITE));
    }
}
