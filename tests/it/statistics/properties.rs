//! What holds of all input.

mod describing;
mod relating;
mod watching;
