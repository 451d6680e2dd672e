//! The numbers: reference cases computed elsewhere, and properties that hold of all input.

mod cases;
mod compare;
mod latency;
mod one_route;
mod only_here;
mod properties;
mod routes;
mod simulation;
mod watching;
