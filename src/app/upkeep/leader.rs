//! Which of two servers leads: a lock in a bucket, held by whoever wrote it last.
//!
//! A server that leads writes the lock again every few seconds, on the condition that it is as the server left it. One
//! that wants to lead waits until the lock has not changed for longer than a leader goes on writing without having
//! renewed it. So no clock is compared with another machine's, and two servers never both write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::clock::Clock;
use crate::os::random::Random;
use crate::os::s3::Bucket;
use crate::os::s3::object::{Condition, Put};
use crate::os::stop::StopFlag;

/// How often the lock is renewed.
const RENEW: Duration = Duration::from_secs(3);
/// A server that could not renew the lock for so long stops writing: 15 seconds.
pub const LEADER_SILENT: Duration = Duration::from_secs(15);
/// A lock that has not changed for so long may be taken: 30 seconds. What is more than [`LEADER_SILENT`] is for a commit that
/// was begun just before.
pub const LEADER_GONE: Duration = Duration::from_secs(30);
/// Maximum bytes of the lock.
const LOCK_BYTES: u64 = 256;
/// What the lock holds when nobody leads.
const FREE: &str = "free";
const MEDIA_TYPE: &str = "text/plain";

/// When the lock was last known to be ours.
#[derive(Clone, Copy)]
struct Renewed {
    monotonic: Duration,
    /// Unix time in milliseconds: a machine that slept may have a monotonic clock that did not count.
    wall_ms: i64,
}

struct Held {
    renewed: Renewed,
    etag: String,
    count: u64,
}

/// The lock of the server that leads.
pub struct LeaderLock {
    bucket: Bucket,
    key: String,
    /// This process.
    me: String,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Another server has taken the lock: this one never writes again.
    is_lost: AtomicBool,
}

/// The lock and the thread that renews it. Gives the lock back when dropped.
pub struct Leader {
    /// What says whether this server leads.
    pub lock: Arc<LeaderLock>,
    stop: Arc<StopFlag>,
    thread: Option<JoinHandle<()>>,
}

impl Leader {
    /// Waits until this server leads; `None` if `stop` was set before.
    pub fn wait(
        bucket: Bucket,
        key: String,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        stop: &StopFlag,
    ) -> Result<Option<Self>> {
        let me = format!("{:032x}", random.bits()?);
        let Some(held) = acquire(&bucket, &key, &me, &*clock, stop)? else { return Ok(None) };
        let lock =
            Arc::new(LeaderLock { bucket, key, me, clock, held: Mutex::new(held), is_lost: AtomicBool::new(false) });
        let ended = Arc::new(StopFlag::default());
        let (renewing, until) = (Arc::clone(&lock), Arc::clone(&ended));
        let thread = std::thread::Builder::new()
            .name("leader lock".into())
            .spawn(move || renewing.keep(&until))
            .map_err(|error| Error::internal("Could not start the leader lock's thread.", error))?;
        Ok(Some(Self { lock, stop: ended, thread: Some(thread) }))
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
        self.lock.give_back();
    }
}

impl LeaderLock {
    /// Fails unless this server leads for certain: the next commit must follow within [`LEADER_GONE`] less
    /// [`LEADER_SILENT`].
    pub fn check(&self) -> Result<()> {
        if self.is_lost.load(Ordering::SeqCst) {
            return Err(refused(
                "Another server has taken the leader lock, so this one writes nothing any more. Use the other one.",
            ));
        }
        let renewed = self.lock().renewed;
        let silent = self.clock.monotonic().saturating_sub(renewed.monotonic);
        let silent_ms = self.clock.now_ms().saturating_sub(renewed.wall_ms);
        if silent < LEADER_SILENT && silent_ms < LEADER_SILENT.as_millis() as i64 {
            return Ok(());
        }
        Err(refused("This server cannot reach its leader lock, so another may lead: it writes nothing until it can."))
    }

    /// Renews the lock until it is lost or `stop` is set.
    fn keep(&self, stop: &StopFlag) {
        let mut is_failing = false;
        while !stop.wait(RENEW) {
            match self.renew() {
                Ok(true) => is_failing = false,
                Ok(false) => {
                    self.is_lost.store(true, Ordering::SeqCst);
                    log::error!("another server has taken the leader lock: this one writes nothing any more");
                    return;
                }
                Err(error) if !is_failing => {
                    is_failing = true;
                    log::error!("the leader lock could not be renewed: {error}");
                }
                Err(_) => {}
            }
        }
    }

    /// Writes the lock again; false if another server has taken it.
    fn renew(&self) -> Result<bool> {
        // A second time if an attempt before was taken and its answer was lost: when it was taken is not known.
        for _ in 0..2 {
            let now = now(&*self.clock);
            let (etag, count) = {
                let held = self.lock();
                (held.etag.clone(), held.count + 1)
            };
            let content = format!("{} {count}", self.me);
            match self.bucket.put(&self.key, content.as_bytes(), MEDIA_TYPE, Condition::Etag(&etag))? {
                Put::Written(etag) => {
                    *self.lock() = Held { renewed: now, etag, count };
                    return Ok(true);
                }
                Put::Refused => match look(&self.bucket, &self.key)? {
                    Some((etag, found)) if is_of(&found, &self.me) => {
                        let mut held = self.lock();
                        (held.etag, held.count) = (etag, count);
                    }
                    _ => return Ok(false),
                },
            }
        }
        Err(Error::internal("The leader lock could not be renewed.", "the bucket refused what it should accept"))
    }

    /// Lets another server lead at once.
    fn give_back(&self) {
        if self.is_lost.load(Ordering::SeqCst) {
            return;
        }
        let etag = self.lock().etag.clone();
        if let Err(error) = self.bucket.put(&self.key, FREE.as_bytes(), MEDIA_TYPE, Condition::Etag(&etag)) {
            log::warn!("the leader lock could not be given back, so another server waits for it to run out: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the lock as soon as nobody holds it; `None` if `stop` was set before. Once it has seen the lock, failures are
/// logged and tried again.
fn acquire(bucket: &Bucket, key: &str, me: &str, clock: &dyn Clock, stop: &StopFlag) -> Result<Option<Held>> {
    // The version seen last, and since when it has not changed.
    let mut seen: Option<(String, Duration)> = None;
    let mut is_told = false;
    loop {
        let start = now(clock);
        let found = match look(bucket, key) {
            Err(error) if seen.is_some() => {
                log::warn!("the leader lock cannot be read now: {error}");
                if stop.wait(RENEW) {
                    return Ok(None);
                }
                continue;
            }
            found => found?,
        };
        let condition = match &found {
            None => Some(Condition::Absent),
            Some((etag, content)) => {
                let since = match &seen {
                    Some((known, since)) if known == etag => *since,
                    _ => clock.monotonic(),
                };
                seen = Some((etag.clone(), since));
                let is_over = clock.monotonic().saturating_sub(since) >= LEADER_GONE;
                // Ours: an answer was lost.
                (content == FREE || is_of(content, me) || is_over).then_some(Condition::Etag(etag))
            }
        };
        if let Some(condition) = condition {
            let written = bucket.put(key, format!("{me} 0").as_bytes(), MEDIA_TYPE, condition)?;
            if let Put::Written(etag) = written {
                check_conditions(bucket, key, me)?;
                return Ok(Some(Held { renewed: start, etag, count: 0 }));
            }
        } else if !is_told {
            is_told = true;
            log::info!("another server holds the leader lock: waiting until it gives it back or is gone");
        }
        if stop.wait(Duration::from_secs(1)) {
            return Ok(None);
        }
    }
}

/// Fails if the store writes whatever the condition: then two servers could lead.
fn check_conditions(bucket: &Bucket, key: &str, me: &str) -> Result<()> {
    match bucket.put(key, format!("{me} 0").as_bytes(), MEDIA_TYPE, Condition::Absent)? {
        Put::Refused => Ok(()),
        Put::Written(_) => {
            let message = format!(
                "The bucket {} ignores the conditions of a write (If-None-Match), so two servers could lead at once. Use a \
                 store that knows them, or no --leader-lock.",
                bucket.name()
            );
            Err(Error::new(Kind::Internal, ErrorCode::BucketRefused, message))
        }
    }
}

/// The lock's ETag and content; `None` if there is none.
fn look(bucket: &Bucket, key: &str) -> Result<Option<(String, String)>> {
    // The ETag first: if the lock changes in between, a write on its condition is refused.
    let Some(head) = bucket.head(key)? else { return Ok(None) };
    Ok(bucket.text(key, LOCK_BYTES)?.map(|content| (head.etag, content)))
}

/// Whether the lock's content is this process's.
fn is_of(content: &str, me: &str) -> bool {
    content.split(' ').next() == Some(me)
}

fn now(clock: &dyn Clock) -> Renewed {
    Renewed { monotonic: clock.monotonic(), wall_ms: clock.now_ms() }
}

fn refused(message: &str) -> Error {
    Error::new(Kind::Unavailable, ErrorCode::NotLeader, message)
}
