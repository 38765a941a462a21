//! The appliance's door: what comes in from clients, proxies and strangers' servers, and what may not.

mod damage;
#[cfg(target_os = "linux")]
mod fetching;
mod hosts;
mod join;
#[cfg(unix)]
mod packages;
mod redirects;
mod shelf;
mod transport;
mod uploads;
mod zip;
