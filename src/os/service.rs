//! Windows service integration: reports status to the service control manager and receives stop requests.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_dispatcher;

use super::stop::StopFlag;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Seconds that a Windows service may take to start, including a migration of the store.
const SERVICE_START_SECONDS: u64 = 600;
/// Seconds that a Windows service may take to stop, also when the machine shuts down. Must match `packaging/msi`.
const SERVICE_STOP_SECONDS: u64 = 180;

/// Service name, as used by the installer, `sc`, and `net`.
pub const NAME: &str = "DinkemAppliance";

/// The service's main function; returns the exit code.
type Body = Box<dyn FnOnce(&Service) -> u8 + Send>;

/// The service control manager calls back without context, so this is global.
static BODY: Mutex<Option<Body>> = Mutex::new(None);
static STOP: OnceLock<Arc<StopFlag>> = OnceLock::new();
static STATUS: OnceLock<ServiceStatusHandle> = OnceLock::new();

/// The running service, passed to its main function.
#[derive(Debug)]
pub struct Service {
    /// Set when the service control manager requests a stop or the machine shuts down.
    pub stop: Arc<StopFlag>,
}

impl Service {
    /// Reports that startup is complete.
    pub fn running(&self) {
        report(ServiceState::Running, ServiceExitCode::NO_ERROR);
    }
}

/// Hands this process to the service control manager until `body` returns. The service is reported as starting until
/// [`Service::running`]. Fails if this process was not started by the service control manager.
pub fn run(body: impl FnOnce(&Service) -> u8 + Send + 'static) -> Result<()> {
    *BODY.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(body));
    service_dispatcher::start(NAME, service_main).map_err(|error| {
        Error::new(
            Kind::Invalid,
            ErrorCode::NoService,
            format!("This command is run by the Windows service manager. Start the service with `net start {NAME}`."),
        )
        .because(error)
    })
}

windows_service::define_windows_service!(service_main, main);

fn main(_: Vec<std::ffi::OsString>) {
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    match service_control_handler::register(NAME, handle) {
        Ok(status) => STATUS.get_or_init(|| status),
        Err(error) => return log::error!("Could not register with the service manager: {error}"),
    };
    report(ServiceState::StartPending, ServiceExitCode::NO_ERROR);
    let body = BODY.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A panic ends the process here, and the service manager restarts it.
    let code = body.map_or(0, |body| body(&Service { stop }));
    let code = if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code.into()) };
    report(ServiceState::Stopped, code);
}

/// Captures nothing: the crate frees a handler's captures at the first stop request.
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
        ServiceState::StartPending => (ServiceControlAccept::empty(), SERVICE_START_SECONDS),
        ServiceState::StopPending => (ServiceControlAccept::empty(), SERVICE_STOP_SECONDS),
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
        log::error!("Could not report the status {state:?} to the service manager: {error}");
    }
}
