//! The real engine against a system that does as its routes are called.

mod annotations;
mod behind_a_proxy;
mod echo;
mod flood;
mod inputs;
mod system;
mod trouble;
mod verdicts;
