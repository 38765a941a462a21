//! The log on its way out: lines wait in memory for one thread that writes them, so that no request waits for what
//! reads the log, be it a terminal, a journal or a disk.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait: some thousand lines. Whoever logs more than is written waits for room.
const WAITING_BYTES: usize = 1 << 20;
/// How long the thread rests between two writes, so that a busy server's lines go out many at a time.
const REST: Duration = Duration::from_millis(5);

/// A log that others wait for as little as can be. Clones are the same.
#[derive(Clone)]
pub struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// The thread has something to do before its rest is over.
    wake: Condvar,
    /// What waited has been written, or the log is closed.
    written: Condvar,
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// The thread waits for the next line, however long that takes.
    is_idle: bool,
    is_writing: bool,
    is_closed: bool,
    /// How many wait for the thread.
    waiters: usize,
}

impl LogQueue {
    /// Begins to write to `out`. An error means that there can be no thread for it.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".into()).spawn(move || writer.write_to(out))?;
        Ok(Self(shared))
    }

    /// Takes no line any more, and waits until those that it took are written, or the time is up.
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
    /// Takes all of it, or forgets it where the log is closed.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shared = &self.0;
        let mut lines = shared.lock();
        while !lines.is_closed && !lines.text.is_empty() && lines.text.len() + line.len() > WAITING_BYTES {
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

    /// Nothing: who logs does not wait.
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
            // A log that cannot be written can be told to nobody.
            let _ = out.write_all(&batch).and_then(|()| out.flush());
            batch.clear();
            lines = self.lock();
            lines.is_writing = false;
            self.written.notify_all();
            let rest = self.wake.wait_timeout_while(lines, REST, |lines| lines.waiters == 0);
            lines = rest.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Tells each write, and lets it end only when the test says so.
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
    fn lines_that_come_while_one_is_written_go_out_together_and_in_order() {
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
    fn more_than_may_wait_waits_for_room_and_nothing_is_lost() {
        let (mut log, seen, end) = slow();
        let line = vec![b'x'; WAITING_BYTES / 4];
        let logging = thread::spawn(move || (0..20).for_each(|_| log.write_all(&line).unwrap()));
        let mut bytes = 0;
        while bytes < 5 * WAITING_BYTES {
            let written = seen.recv_timeout(PATIENCE).unwrap().len();
            assert!(written <= WAITING_BYTES);
            bytes += written;
            end.send(()).unwrap();
        }
        logging.join().unwrap();
        assert_eq!(bytes, 5 * WAITING_BYTES);
    }

    #[test]
    fn who_closes_it_waits_for_the_last_line_no_longer_than_it_says_and_none_comes_after() {
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
    fn who_waits_for_room_is_let_go_when_it_closes() {
        let (log, seen, end) = slow();
        let mut logger = log.clone();
        let logging = thread::spawn(move || (0..3).for_each(|_| logger.write_all(&[b'x'; WAITING_BYTES]).unwrap()));
        seen.recv_timeout(PATIENCE).unwrap();
        log.close(Duration::ZERO);
        logging.join().unwrap();
        drop(end);
    }

    #[test]
    fn a_log_that_cannot_be_written_holds_nobody_up() {
        let (mut log, seen, end) = slow();
        drop((seen, end));
        for _ in 0..20 {
            log.write_all(&vec![b'x'; WAITING_BYTES]).unwrap();
        }
        log.close(PATIENCE);
    }
}
