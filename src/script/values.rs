//! What differs from task to task, as an expression of a task's number `i`.

use super::blocks::{PART, UNIFORM, count, in_seconds};
use super::body::Body;
use crate::program::Value;

impl Body<'_> {
    /// A whole number.
    pub(super) fn value(&mut self, value: &Value) -> String {
        self.expression(value, count, "")
    }

    /// A time in seconds; values hold nanoseconds.
    pub(super) fn seconds(&mut self, value: &Value) -> String {
        self.expression(value, in_seconds, " / 1e9")
    }

    /// `write` writes a number that is known, `divided` follows one that is computed.
    fn expression(&mut self, value: &Value, write: fn(u64) -> String, divided: &str) -> String {
        match value {
            Value::Const(number) => write(*number),
            Value::Each(values) => {
                let list: Vec<String> = values.iter().map(|value| write(*value)).collect();
                let name = self.values(&list.join(", "));
                format!("{name}[i]")
            }
            Value::Total(total) => {
                self.block(PART);
                let tasks = match self.program.groups.len() {
                    1 => "TASKS".to_owned(),
                    _ => count(self.tasks),
                };
                format!("part({}, {tasks}, i){divided}", count(*total))
            }
            Value::Uniform { low, high, stream } => {
                self.function_block("draw");
                self.block(UNIFORM);
                self.seeded = true;
                let (low, high) = (count(*low), count(*high));
                format!("uniform(seed, {stream}, {low}, {high}){divided}")
            }
        }
    }

    /// The constant with that list.
    fn values(&mut self, list: &str) -> String {
        let is_list = |line: &&String| line.starts_with("VALUES");
        let ending = format!(" = [{list}]");
        let known = self.constants.iter().filter(is_list);
        if let Some(name) = known.clone().find_map(|line| line.strip_suffix(&ending)) {
            return name.to_owned();
        }
        let name = match known.count() {
            0 => "VALUES".to_owned(),
            more => format!("VALUES_{}", more + 1),
        };
        self.constants.push(format!("{name}{ending}"));
        name
    }
}
