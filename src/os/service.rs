//! A Windows service: tells the service manager how far it is, and hears from it when to stop.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_dispatcher;

use super::stop::StopFlag;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// How the service is called by the installer, `sc` and `net`.
pub const NAME: &str = "DinkemAppliance";

/// What the service does, once: gets the service, tells its exit code.
type Body = Box<dyn FnOnce(&Service) -> u8 + Send>;

/// The service manager calls back without a word about whom: what it needs lies here.
static BODY: Mutex<Option<Body>> = Mutex::new(None);
static STOP: OnceLock<Arc<StopFlag>> = OnceLock::new();
static STATUS: OnceLock<ServiceStatusHandle> = OnceLock::new();

/// The running service, as its own body sees it.
#[derive(Debug)]
pub struct Service {
    /// Raised when the service manager wants it to stop, and before the machine goes down.
    pub stop: Arc<StopFlag>,
}

impl Service {
    /// It does now what it is there for.
    pub fn running(&self) {
        report(ServiceState::Running, ServiceExitCode::NO_ERROR);
    }
}

/// Hands this process to the service manager until `body` has ended. Until [`Service::running`] the service counts as
/// starting. An error: the service manager has not started this process.
pub fn run(body: impl FnOnce(&Service) -> u8 + Send + 'static) -> Result<()> {
    *BODY.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(body));
    service_dispatcher::start(NAME, service_main).map_err(|error| {
        Error::new(
            Kind::Invalid,
            "no_service",
            format!("This command is for Windows' service manager: start the service with `net start {NAME}`."),
        )
        .because(error)
    })
}

windows_service::define_windows_service!(service_main, main);

fn main(_: Vec<std::ffi::OsString>) {
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    match service_control_handler::register(NAME, handle) {
        Ok(status) => STATUS.get_or_init(|| status),
        Err(error) => return log::error!("The service manager does not listen: {error}"),
    };
    report(ServiceState::StartPending, ServiceExitCode::NO_ERROR);
    let body = BODY.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A panic ends the process here, and the service manager starts anew what has crashed.
    let code = body.map_or(0, |body| body(&Service { stop }));
    let code = if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code.into()) };
    report(ServiceState::Stopped, code);
}

/// Captures nothing: the crate frees what a handler captures at the first word to stop.
fn handle(control: ServiceControl) -> ServiceControlHandlerResult {
    match control {
        ServiceControl::Stop | ServiceControl::Preshutdown => {
            report(ServiceState::StopPending, ServiceExitCode::NO_ERROR);
            if let Some(stop) = STOP.get() {
                stop.stop();
            }
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    }
}

fn report(state: ServiceState, exit_code: ServiceExitCode) {
    let (controls_accepted, patience) = match state {
        ServiceState::Running => (ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN, 0),
        ServiceState::StartPending => (ServiceControlAccept::empty(), limits::SERVICE_START_SECONDS),
        ServiceState::StopPending => (ServiceControlAccept::empty(), limits::SERVICE_STOP_SECONDS),
        _ => (ServiceControlAccept::empty(), 0),
    };
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted,
        exit_code,
        checkpoint: u32::from(patience > 0),
        wait_hint: Duration::from_secs(patience),
        process_id: None,
    };
    if let Some(Err(error)) = STATUS.get().map(|handle| handle.set_service_status(status)) {
        log::error!("The service manager could not be told that the service is {state:?}: {error}");
    }
}
