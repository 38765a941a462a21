//! What the tests share: the real binary as processes, a hand on the wire between them, small servers of files.

pub mod listener;
