//! Render nodes that stop, are stopped, hoard, share a key or are not there.

#[cfg(target_os = "linux")]
mod interrupted;
mod leave;
mod no_nodes;
mod paths;
mod room;
mod shared_key;
mod words;
