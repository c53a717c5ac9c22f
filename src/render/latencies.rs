//! The table of latencies: how long single tasks took, by group and model.
//!
//! To add a quantile: its heading and its number.

use super::forms::{Line, Table};
use super::table::{self, dash, one_line, place_cells, places, same_group};
use crate::analysis::{Report, Row};
use crate::units::format_ns;

/// What is said of the latencies.
pub const TITLE: &str = "Latency of a task, from its start to its end:";

/// The latencies of tasks: a line for each group of each row; `None` where none were recorded.
pub fn table(report: &Report) -> Option<Table> {
    let groups = || report.rows.iter().flat_map(|row| &row.groups);
    if groups().all(|group| group.latency_ns.is_none()) {
        return None;
    }
    let named = groups().any(|group| !group.name.is_empty());
    let mut head = places(report);
    if named {
        head.push(("group".to_owned(), false));
    }
    head.push(("model".to_owned(), false));
    head.extend(["median", "p95", "max"].map(|title| (title.to_owned(), true)));
    let mut body: Vec<Line> = Vec::new();
    let mut points: Vec<Vec<&Row>> = Vec::new();
    for row in &report.rows {
        match points.last_mut() {
            Some(point) if same_group(point[0], row) => point.push(row),
            _ => points.push(vec![row]),
        }
    }
    for point in points {
        let mut names: Vec<&str> = Vec::new();
        for group in point.iter().flat_map(|row| &row.groups) {
            if !names.contains(&group.name.as_str()) {
                names.push(&group.name);
            }
        }
        for (number, name) in names.into_iter().enumerate() {
            let own = point.iter().filter_map(|row| {
                let group = row.groups.iter().find(|group| group.name == name)?;
                Some((row, group))
            });
            for (nth, (row, group)) in own.enumerate() {
                let mut cells = place_cells(report, row);
                if number + nth > 0 {
                    // Said once for all of them.
                    cells.fill(String::new());
                }
                if named {
                    cells.push(if nth == 0 {
                        one_line(name)
                    } else {
                        String::new()
                    });
                }
                cells.push(one_line(table::name(report, row)));
                let latency = group.latency_ns.as_ref();
                cells.extend(match latency {
                    Some(latency) => [latency.median, latency.p95, latency.max].map(format_ns),
                    None => [(); 3].map(|()| dash()),
                });
                body.push(Line {
                    cells,
                    why: None,
                    first: nth == 0 && !body.is_empty(),
                });
            }
        }
    }
    Some(Table {
        head,
        body,
        ..Table::default()
    })
}
