//! Landfall ends, and is started again: what it had fired is waited for, and nothing is fired twice.

mod abort;
mod bygone;
mod down;
mod killed;
mod life;
mod soak;
mod versions;
