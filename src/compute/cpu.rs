//! Work of a given duration: a calibrated number of small steps.
//!
//! A `cpu` step is work, not time: calibration says once how many steps a nanosecond is, and then every
//! model does the same number of them, however long they take there.

use super::{Tick, in_chunks};
use crate::program::{Op, Program, Value};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

/// One step of xorshift64 (Marsaglia 2003) each: too irregular for any closed form.
pub fn run(size: u64, _seed: u64, tick: Tick) -> ControlFlow<(), u64> {
    in_chunks(size, 2048, tick, |state, _| {
        // Never 0, where xorshift would stay.
        let mut state = state | 1 << 63;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        black_box(state)
    })
}

/// Steps of `cpu` a nanosecond on this machine: the fastest of several short runs.
///
/// The fastest is the one that was disturbed least; its length is bounded, so that a slow machine
/// takes no longer than a fast one.
pub fn calibrate() -> f64 {
    const RUNS: u32 = 15;
    const RUN_NS: u128 = 8_000_000;
    let mut steps = 100_000;
    let mut best = 0.0f64;
    for _ in 0..RUNS {
        let start = Instant::now();
        let _ = black_box(run(black_box(steps), 0, &mut || ControlFlow::Continue(())));
        let elapsed_ns = start.elapsed().as_nanos().max(1);
        best = best.max(steps as f64 / elapsed_ns as f64);
        steps = ((best * RUN_NS as f64) as u64).max(1);
    }
    best
}

/// Turns every `cpu` of a program from nanoseconds into steps.
pub fn calibrate_program(program: &mut Program, steps_per_ns: f64) {
    for group in &mut program.groups {
        calibrate_ops(&mut group.ops, steps_per_ns);
    }
}

fn calibrate_ops(ops: &mut [Op], steps_per_ns: f64) {
    let steps = |ns: &mut u64| *ns = (*ns as f64 * steps_per_ns).round() as u64;
    for op in ops {
        match op {
            Op::Compute { function, size } if function == "cpu" => match size {
                Value::Const(ns) | Value::Total(ns) => steps(ns),
                Value::Uniform { low, high, .. } => {
                    steps(low);
                    steps(high);
                }
                Value::Each(list) => list.iter_mut().for_each(steps),
            },
            Op::Group { ops, .. } => calibrate_ops(ops, steps_per_ns),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_reaches_every_cpu_step_and_nothing_else() {
        let cpu = |size| Op::Compute {
            function: "cpu".into(),
            size,
        };
        let count = Op::Compute {
            function: "count".into(),
            size: Value::Const(7),
        };
        let inner = Op::Group {
            ops: vec![cpu(Value::Each(vec![1, 2]))],
            times: 2,
            lock: None,
            permit: None,
            label: String::new(),
        };
        let group = |ops| crate::program::Group {
            name: String::new(),
            tasks: 1,
            ops,
        };
        let mut program = Program {
            groups: vec![group(vec![cpu(Value::Const(100)), count.clone(), inner])],
            ..Program::default()
        };
        calibrate_program(&mut program, 1.5);
        let expected = Op::Group {
            ops: vec![cpu(Value::Each(vec![2, 3]))],
            times: 2,
            lock: None,
            permit: None,
            label: String::new(),
        };
        assert_eq!(
            program.groups[0].ops,
            [cpu(Value::Const(150)), count, expected]
        );
    }

    #[test]
    fn calibration_finds_a_plausible_rate() {
        let rate = calibrate();
        assert!(rate > 0.0001 && rate < 100.0, "{rate} steps a nanosecond");
    }
}
