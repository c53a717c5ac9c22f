//! Integration tests: one binary, one module per subject.

mod answers;
mod cells;
mod hostile;
mod install;
mod layers;
mod kernel;
mod kernel_cells;
mod kernel_client;
mod analysis;
mod session;
mod simulator;
