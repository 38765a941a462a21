//! Pages for people. Markup, styles and scripts are files beside the code, embedded in the binary.

mod csp;
pub mod home;
pub mod player;
mod template;
