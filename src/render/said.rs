//! What the tasks themselves said, as they said it: tracebacks, and what they printed.

use super::table::one_line;
use crate::analysis::Report;

/// Rows that a heading names.
const MOST_NAMED: usize = 4;

/// Every text below a line that tells whose it is.
pub fn said_text(report: &Report) -> String {
    let mut text = String::new();
    for said in &report.said {
        let named: Vec<String> = said
            .labels
            .iter()
            .take(MOST_NAMED)
            .map(|l| one_line(l))
            .collect();
        let more = match said.labels.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(&format!("{}{more}, {}:\n", named.join(", "), said.what));
        for line in said.text.lines() {
            text.push_str(&format!("    {line}\n"));
        }
        text.push('\n');
    }
    text
}
