//! Passes settings through `rouille::Server::new`, which has no parameter for them.

use crate::handle::Handle;
use crate::settings::Settings;
use std::cell::RefCell;

enum Pending {
    New(Box<Settings>),
    Quick(Handle),
    Made(Handle),
}

/// What kind of server to make.
pub(crate) enum Wanted {
    /// A server with these settings. `configured`: the caller of [`configure`] wants its handle.
    New { settings: Box<Settings>, configured: bool },
    /// A server for another server's quick requests.
    Quick(Handle),
}

thread_local! {
    static PENDING: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

/// Runs `make`, and applies these settings to the first server it makes on this thread. Returns what `make` returned
/// and the server's handle, or `None` if it made no server.
///
/// ```no_run
/// let settings = tiny_http::Settings::default();
/// let make = || rouille::Server::new("127.0.0.1:0", |_| rouille::Response::text("hello"));
/// let (server, handle) = tiny_http::configure(settings, make);
/// ```
pub fn configure<R>(settings: Settings, make: impl FnOnce() -> R) -> (R, Option<Handle>) {
    let scope = Scope::begin(Pending::New(Box::new(settings)));
    let made = make();
    let handle = match PENDING.take() {
        Some(Pending::Made(handle)) => Some(handle),
        _ => None,
    };
    drop(scope);
    (made, handle)
}

impl Handle {
    /// Runs `make`. The first server it makes on this thread doesn't listen: it takes those of this server's requests
    /// that [`Settings::is_quick`] selects, so that slow requests never occupy their threads.
    pub fn quick<R>(&self, make: impl FnOnce() -> R) -> R {
        let _scope = Scope::begin(Pending::Quick(self.clone()));
        make()
    }
}

/// Restores what was pending before, even if `make` panics.
struct Scope(Option<Pending>);

impl Scope {
    fn begin(pending: Pending) -> Scope {
        Scope(PENDING.replace(Some(pending)))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        PENDING.replace(self.0.take());
    }
}

/// What the server being made on this thread should be.
pub(crate) fn wanted() -> Wanted {
    match PENDING.take() {
        Some(Pending::New(settings)) => Wanted::New { settings, configured: true },
        Some(Pending::Quick(handle)) => Wanted::Quick(handle),
        made => {
            PENDING.replace(made);
            Wanted::New { settings: Box::default(), configured: false }
        }
    }
}

/// Leaves the handle of a new server for [`configure`].
pub(crate) fn made(handle: Handle) {
    PENDING.replace(Some(Pending::Made(handle)));
}
