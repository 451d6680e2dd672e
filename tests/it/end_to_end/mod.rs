//! The real engine against a system that does as its routes are called.

mod annotations;
mod behind_a_proxy;
mod echo;
mod flood;
mod inputs;
mod slept;
mod system;
mod trouble;
mod verdicts;
