//! Integration tests: one binary, one module per subject.

mod layers;
mod kernel;
mod kernel_client;
