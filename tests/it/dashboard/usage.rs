//! The page Usage, its statements and its CSV.
