//! The measured quantities as lines over the swept key: a panel each, and for each case its own.

use super::Drawing;
use super::bars::Metric;
use super::lines::{self, Chart, Panel, PanelRow, Scale};
use super::page::{finish, runs, title_sentence};
use super::sweep::{Group, Reading, Sweep};
use crate::analysis::{Report, Row};
use crate::experiment::Theme;

/// Swept values from which on lines are drawn: two points are two groups of bars.
pub const LINES_FROM: usize = 3;
/// Cases and values of the other key that have panels; the table has the others.
const MOST_GROUPS: usize = 8;

/// Draws the metrics as lines; `None` where no number is swept, or too few values of it.
pub fn draw(report: &Report, metrics: &[Metric], theme: Theme) -> Option<Drawing> {
    let sweep = Sweep::of(report, LINES_FROM)?;
    let shown = &sweep.groups[..sweep.groups.len().min(MOST_GROUPS)];
    let read = |metric: &Metric, row: &Row| {
        let summary = (metric.read)(row)?;
        let value = metric.value(summary);
        Some(match metric.peak {
            true => (value, value, value),
            false => (value, summary.min, summary.max),
        })
    };
    let panel = |metric: &Metric, group: &Group, title: &str| {
        // The same scale for all groups: what is higher in one panel is more.
        let rows = shown.iter().flat_map(|group| &group.rows);
        let readings: Vec<Reading> = rows.filter_map(|(_, row)| read(metric, row)).collect();
        Panel {
            title: title.to_owned(),
            kind: metric.kind,
            scale: Scale::of_readings(&readings),
            lines: sweep.lines(group, &|row| read(metric, row)),
            guides: Vec::new(),
            level: None,
            crossings: Vec::new(),
        }
    };
    let rows: Vec<PanelRow> = match (shown, metrics) {
        // One after the other as the reader's question goes: time first, what it cost below.
        ([group], [first, rest @ ..]) => {
            let row = |metrics: &[Metric], height| PanelRow {
                title: String::new(),
                panels: metrics.iter().map(|m| panel(m, group, m.title)).collect(),
                columns: metrics.len(),
                height,
            };
            let main = row(std::slice::from_ref(first), 220.0);
            match rest {
                [] => vec![main],
                rest => vec![main, row(rest, 150.0)],
            }
        }
        (groups, [metric]) => {
            let columns = if groups.len() == 3 { 3 } else { 2 };
            let row = |groups: &[Group]| PanelRow {
                title: String::new(),
                panels: groups.iter().map(|g| panel(metric, g, &g.name)).collect(),
                columns,
                height: 160.0,
            };
            groups.chunks(columns).map(row).collect()
        }
        (groups, metrics) => {
            let row = |group: &Group| PanelRow {
                title: group.name.clone(),
                panels: metrics.iter().map(|m| panel(m, group, m.title)).collect(),
                columns: metrics.len(),
                height: 130.0,
            };
            groups.iter().map(row).collect()
        }
    };
    let what = match metrics {
        [metric] if shown.len() > 1 => {
            format!("{}: ", metric.title.to_lowercase().replace("cpu", "CPU"))
        }
        _ => String::new(),
    };
    let subtitle = match runs(report) {
        None => "nothing was measured".to_owned(),
        Some(runs) => {
            format!("{what}{runs}; whiskers: from the fastest to the slowest; less is better")
        }
    };
    let hidden = sweep.groups.len() - shown.len();
    let mut notes: Vec<String> = beyond(&rows, &sweep).into_iter().collect();
    if hidden > 0 {
        notes.push(format!("and {hidden} more panels: see the table"));
    }
    let (alt, text) = words(report, &sweep, shown, metrics, &read);
    let chart = Chart {
        subtitle: &subtitle,
        along: &sweep.along,
        named: &sweep.named,
        rows,
        notes,
        failed: sweep.missing(report),
    };
    let canvas = lines::draw(report, chart);
    Some(finish(canvas, report, theme, alt, text))
}

/// The slowest runs that lie beyond their panels, in a sentence.
fn beyond(rows: &[PanelRow], sweep: &Sweep) -> Option<String> {
    const MOST_TOLD: usize = 3;
    let mut told: Vec<String> = Vec::new();
    for panel in rows.iter().flat_map(|row| &row.panels) {
        for line in &panel.lines {
            let far = line
                .dots
                .iter()
                .filter(|dot| panel.scale.is_beyond(dot.high));
            told.extend(far.map(|dot| {
                format!(
                    "{} {} at {} = {}",
                    sweep.named[line.series].name,
                    panel.kind.label(dot.high),
                    sweep.along.title,
                    sweep.along.kind.label(dot.x)
                )
            }));
        }
    }
    let more = told.len().saturating_sub(MOST_TOLD);
    told.truncate(MOST_TOLD);
    let more = match more {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    (!told.is_empty()).then(|| {
        format!(
            "Arrows: a run that was far slower than the median, beyond the axis: {}{more}",
            told.join("; ")
        )
    })
}

/// The result in words, and its numbers as tables.
fn words(
    report: &Report,
    sweep: &Sweep,
    groups: &[Group],
    metrics: &[Metric],
    read: &dyn Fn(&Metric, &Row) -> Option<Reading>,
) -> (String, String) {
    let mut sentences = vec![title_sentence(report)];
    let mut tables = vec![title_sentence(report)];
    for group in groups {
        let of = if group.name.is_empty() {
            String::new()
        } else {
            format!(" ({})", group.name)
        };
        for metric in metrics {
            let lines = sweep.lines(group, &|row| read(metric, row));
            let words = sweep.words(&lines, metric.kind);
            if !words.is_empty() {
                sentences.push(format!("{}{of}: {words}.", metric.title));
            }
            let table = sweep.table(&lines, metric.kind);
            tables.push(format!("{}{of}\n{}", metric.title, table.trim_end()));
        }
    }
    let missing = sweep.missing(report);
    sentences.extend(missing.iter().map(|missing| format!("{missing}.")));
    tables.extend(missing);
    (sentences.join(" "), tables.join("\n\n"))
}
