//! The rules of DESIGN.md section 3, row by row, and the seeded simulation.

mod classes;
mod firing;
mod paired;
mod resumed;
mod sight;
mod simulation;
mod world;
