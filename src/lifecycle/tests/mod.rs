//! The rules of DESIGN.md section 3, row by row, and the seeded simulation.

mod rows;
mod simulation;
mod world;
