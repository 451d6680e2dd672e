//! The real engine against a system that does as its routes are called.

mod echo;
mod system;
mod verdicts;
