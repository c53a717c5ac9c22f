//! Words of the cell language that this version does not know yet: they get an honest answer instead of
//! "no such key".

/// Keys of a cell.
pub const KEYS: &[&str] = &["stages", "items", "queue", "on_error"];
/// Verbs of steps.
pub const VERBS: &[&str] = &["append", "send", "receive"];
/// Keys beside a verb.
pub const MODIFIERS: &[&str] = &["timeout", "retry", "fail", "over"];
/// Keys of a model's table.
pub const MODEL_KEYS: &[&str] = &["warm", "stages"];
