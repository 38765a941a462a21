//! Asynchronous log output: lines are buffered in memory and written by one thread, so that no request waits for a
//! slow terminal, journal, or disk.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Buffer size, some thousand lines. When it is full, logging blocks.
const BUFFER_BYTES: usize = 1 << 20;
/// Pause between writes, so that a busy server's lines are written in batches.
const BATCH_PAUSE: Duration = Duration::from_millis(5);

/// A buffered log writer. Clones share the buffer.
#[derive(Clone)]
pub struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// Wakes the thread before its pause is over.
    wake: Condvar,
    /// Signals that the buffer was written or the log closed.
    written: Condvar,
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// The thread is waiting for the next line, with no timeout.
    is_idle: bool,
    is_writing: bool,
    is_closed: bool,
    /// Number of threads waiting for the writer.
    waiters: usize,
}

impl LogQueue {
    /// Starts the thread that writes to `out`. Fails if the thread cannot be started.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".into()).spawn(move || writer.write_to(out))?;
        Ok(Self(shared))
    }

    /// Stops accepting lines, and waits until the buffer is written or the timeout expires.
    pub fn close(&self, most: Duration) {
        let shared = &self.0;
        let mut lines = shared.lock();
        lines.is_closed = true;
        shared.written.notify_all();
        lines.waiters += 1;
        shared.wake.notify_one();
        let waits = |lines: &mut Lines| lines.is_writing || !lines.text.is_empty();
        let waited = shared.written.wait_timeout_while(lines, most, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiters -= 1;
    }
}

impl Write for LogQueue {
    /// Always accepts the whole line; discards it if the log is closed.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shared = &self.0;
        let mut lines = shared.lock();
        while !lines.is_closed && !lines.text.is_empty() && lines.text.len() + line.len() > BUFFER_BYTES {
            lines.waiters += 1;
            shared.wake.notify_one();
            lines = shared.written.wait(lines).unwrap_or_else(PoisonError::into_inner);
            lines.waiters -= 1;
        }
        if lines.is_closed {
            return Ok(line.len());
        }
        lines.text.extend_from_slice(line);
        if mem::take(&mut lines.is_idle) {
            shared.wake.notify_one();
        }
        Ok(line.len())
    }

    /// A no-op: logging does not wait.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        let mut lines = self.lock();
        loop {
            while lines.text.is_empty() {
                lines.is_idle = true;
                lines = self.wake.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            lines.is_idle = false;
            lines.is_writing = true;
            mem::swap(&mut lines.text, &mut batch);
            drop(lines);
            // There is nowhere to report a failing log.
            let _ = out.write_all(&batch).and_then(|()| out.flush());
            batch.clear();
            lines = self.lock();
            lines.is_writing = false;
            self.written.notify_all();
            let rest = self.wake.wait_timeout_while(lines, BATCH_PAUSE, |lines| lines.waiters == 0);
            lines = rest.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Reports each write, and blocks it until the test lets it finish.
    struct Slow {
        writes: mpsc::Sender<Vec<u8>>,
        may_end: mpsc::Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.writes.send(text.to_vec()).map_err(io::Error::other)?;
            self.may_end.recv().map_err(io::Error::other)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (LogQueue, mpsc::Receiver<Vec<u8>>, mpsc::Sender<()>) {
        let (writes, seen) = mpsc::channel();
        let (end, may_end) = mpsc::channel();
        (LogQueue::new(Slow { writes, may_end }).unwrap(), seen, end)
    }

    #[test]
    fn lines_arriving_during_a_write_are_written_together_in_order() {
        let (mut log, seen, end) = slow();
        log.write_all(b"one\n").unwrap();
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), b"one\n");
        for line in ["two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        end.send(()).unwrap();
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), b"two\nthree\n");
        end.send(()).unwrap();
    }

    #[test]
    fn full_buffer_blocks_and_loses_nothing() {
        let (mut log, seen, end) = slow();
        let line = vec![b'x'; BUFFER_BYTES / 4];
        let logging = thread::spawn(move || (0..20).for_each(|_| log.write_all(&line).unwrap()));
        let mut bytes = 0;
        while bytes < 5 * BUFFER_BYTES {
            let written = seen.recv_timeout(PATIENCE).unwrap().len();
            assert!(written <= BUFFER_BYTES);
            bytes += written;
            end.send(()).unwrap();
        }
        logging.join().unwrap();
        assert_eq!(bytes, 5 * BUFFER_BYTES);
    }

    #[test]
    fn close_waits_for_the_last_line_up_to_its_timeout_and_discards_later_lines() {
        let (mut log, seen, end) = slow();
        log.write_all(b"last\n").unwrap();
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), b"last\n");
        log.close(Duration::from_millis(1));
        log.write_all(b"late\n").unwrap();
        end.send(()).unwrap();
        log.close(PATIENCE);
        assert!(log.0.lock().text.is_empty() && !log.0.lock().is_writing);
        assert!(seen.try_recv().is_err());
    }

    #[test]
    fn close_releases_blocked_writers() {
        let (log, seen, end) = slow();
        let mut logger = log.clone();
        let logging = thread::spawn(move || (0..3).for_each(|_| logger.write_all(&[b'x'; BUFFER_BYTES]).unwrap()));
        seen.recv_timeout(PATIENCE).unwrap();
        log.close(Duration::ZERO);
        logging.join().unwrap();
        drop(end);
    }

    #[test]
    fn failing_output_blocks_nobody() {
        let (mut log, seen, end) = slow();
        drop((seen, end));
        for _ in 0..20 {
            log.write_all(&vec![b'x'; BUFFER_BYTES]).unwrap();
        }
        log.close(PATIENCE);
    }
}
