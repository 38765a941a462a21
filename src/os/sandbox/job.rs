//! The share of the machine that a child may take on Windows, where it cannot limit itself: a Job Object with a memory
//! limit. How many processes it starts and what it does to the desktop cannot be limited in safe code.

use std::io;
use std::process::{Child, Command};
use std::time::Duration;

use process_control::{ChildExt, Control};
use process_wrap::std::{CommandWrap, CommandWrapper};

use super::child_memory_bytes;

/// Gives a child its memory limit before its first instruction.
#[derive(Debug)]
pub struct MemoryLimit;

impl CommandWrapper for MemoryLimit {
    fn post_spawn(&mut self, _command: &mut Command, child: &mut Child, _core: &CommandWrap) -> io::Result<()> {
        let bytes = usize::try_from(child_memory_bytes()).unwrap_or(usize::MAX);
        // It waits for no time at all: only the Job Object is wanted, whose limit holds as long as the child lives.
        let limited = child.controlled().memory_limit(bytes).time_limit(Duration::ZERO).strict_errors().wait();
        if let Err(error) = limited {
            log::warn!("A child process runs without a memory limit: {error}");
        }
        Ok(())
    }
}
