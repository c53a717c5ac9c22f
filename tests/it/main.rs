//! Integration tests: one binary, one module per subject.

mod answers;
mod install;
mod io;
mod layers;
mod kernel;
mod kernel_cells;
mod kernel_client;
mod analysis;
mod simulator;
mod steps;
