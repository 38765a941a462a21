//! Which job a free node gets: reserved ahead of metered, first come first served within.
