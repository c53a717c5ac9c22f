//! Integration tests: one binary, one module per subject.

mod answers;
mod install;
mod layers;
mod models;
mod kernel;
mod kernel_cells;
mod kernel_client;
mod analysis;
mod simulator;
