//! The presets for the game: what they write, what they prove, and how they end, with fakes of the game and its tools.

mod pov_script;
