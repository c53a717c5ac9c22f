//! conclab: a Jupyter kernel whose cells are concurrency experiments, run for real.
//!
//! Modules are listed bottom-up: each may use only those above its own line, and
//! `tests/it/layers.rs` holds it to that. ARCHITECTURE.md draws the same picture in words.

pub mod diagnostic;
pub mod units;
pub mod describe;
pub mod process;
pub mod host;
pub mod program;
pub mod compute;
pub mod service;
pub mod io;
pub mod step;
pub mod measure;
pub mod runtime;
pub mod model;
pub mod claim;
pub mod experiment;
pub mod plan;
pub mod trial;
pub mod analysis;
pub mod plot;
pub mod script;
pub mod catalog;
pub mod spec;
pub mod render;
pub mod lab;
pub mod kernel;
pub mod cli;
