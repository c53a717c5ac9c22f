//! Words of the cell language that this version does not know yet: they get an honest answer instead of
//! "no such key".

/// Keys of a cell.
pub const KEYS: &[&str] = &["stages", "items", "queue", "on_error", "switch_interval"];
/// Verbs of steps.
pub const VERBS: &[&str] = &["append", "send", "receive", "python"];
/// Keys beside a verb.
pub const MODIFIERS: &[&str] = &["timeout", "retry", "fail", "over", "body"];
/// Models.
pub const MODELS: &[&str] = &["interpreters"];
/// Keys of a model's table.
pub const MODEL_KEYS: &[&str] = &["warm", "start", "stages"];

/// Whether a word names a runtime that is yet to come.
pub fn is_runtime(word: &str) -> bool {
    word == "gil" || word.starts_with("python")
}
