//! Pages for people. Markup, styles and scripts are files beside the code, embedded in the binary.

pub mod player;
mod template;
