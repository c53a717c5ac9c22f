//! One task after the other, on the trial's own thread.

use super::{Footprint, Job, Model, Settings, Tally, blocking};
use crate::describe::ModelDef;
use crate::measure::trace::Role;

/// The model.
pub struct Sequential;

const DEF: ModelDef = ModelDef {
    name: "sequential",
    summary: "one task after the other",
    doc: "The baseline: a plain loop on one thread. No task starts before the one before has ended, so \
          all waits add up. Of several groups, one follows the other.",
    python: "for i in range(tasks): task(i)",
    settings: &[],
    single_threaded: true,
    uses_processes: false,
};

impl Model for Sequential {
    fn def(&self) -> &'static ModelDef {
        &DEF
    }

    fn footprint(&self, _tasks: u64, _settings: &Settings) -> Footprint {
        Footprint {
            tasks_at_once: 1,
            ..Footprint::default()
        }
    }

    fn run(&self, job: &Job) -> Result<Tally, String> {
        let mut tally = Tally {
            workers: 1,
            ..Tally::default()
        };
        let _lane = job.own_lane(Role::Worker);
        let _held = job.hold();
        blocking::run_all(job, &mut tally);
        Ok(tally)
    }
}
