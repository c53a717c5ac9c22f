//! Integration tests: one binary, one module per subject.

mod answers;
mod cells;
mod hostile;
mod install;
mod interpreters;
mod io;
mod layers;
mod models;
mod gil;
mod kernel;
mod kernel_cells;
mod kernel_client;
mod analysis;
mod scripts;
mod session;
mod check_command;
mod claims;
mod plots;
mod simulator;
mod steps;
mod typing;
mod wording;
mod fuzz;
mod reference;
mod pythons;
mod runtimes;
