//! Resource limits on Windows, where a child cannot limit itself: a Job Object with a memory limit. The number of
//! processes and access to the desktop cannot be limited in safe code.

use std::io;
use std::process::{Child, Command};
use std::time::Duration;

use process_control::{ChildExt, Control};
use process_wrap::std::{CommandWrap, CommandWrapper};

use super::child_memory_bytes;

/// Applies the memory limit before the child's first instruction.
#[derive(Debug)]
pub struct MemoryLimit;

impl CommandWrapper for MemoryLimit {
    fn post_spawn(&mut self, _command: &mut Command, child: &mut Child, _core: &CommandWrap) -> io::Result<()> {
        let bytes = usize::try_from(child_memory_bytes()).unwrap_or(usize::MAX);
        // No waiting: this is only for the Job Object, whose limit lasts as long as the child.
        let limited = child.controlled().memory_limit(bytes).time_limit(Duration::ZERO).strict_errors().wait();
        if let Err(error) = limited {
            log::warn!("A child process runs without a memory limit: {error}");
        }
        Ok(())
    }
}
