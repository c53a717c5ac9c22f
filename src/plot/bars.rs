//! Bars: a row for each series and point, a column for each measured quantity.
//!
//! The default figure is wall time, CPU time and memory side by side; each is a figure of its own too.
//! To add a quantity: a constant [`Metric`] and its figure's row in [`super::FIGURES`].

use super::Drawing;
use super::axis::Kind;
use super::page::{called, finish, group, runs, title_sentence, with_place};
use super::rows::{self, Column, Entry, MOST_ROWS, Mark, Shown};
use super::sweep::trouble;
use crate::analysis::{Report, Row, Summary, reasons};
use crate::experiment::Theme;
use crate::trial::Outcome;
use crate::units::{format_ratio, format_ratio_range};

/// A quantity that has a column or a panel.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Heading.
    pub title: &'static str,
    /// What it is counted in.
    pub kind: Kind,
    /// How it is read.
    pub read: fn(&Row) -> Option<&Summary>,
    /// Whether the value shown is the largest reading instead of the median.
    pub peak: bool,
}

/// Wall time.
pub const WALL: Metric = Metric {
    title: "Wall time",
    kind: Kind::Time,
    read: |row| row.wall_ns.as_ref(),
    peak: false,
};
/// CPU time.
pub const CPU: Metric = Metric {
    title: "CPU time",
    kind: Kind::Time,
    read: |row| row.cpu_ns.as_ref(),
    peak: false,
};
/// Peak memory.
pub const MEMORY: Metric = Metric {
    title: "Peak memory",
    kind: Kind::Bytes,
    read: |row| row.peak_pss_bytes.as_ref(),
    peak: true,
};

impl Metric {
    /// The value that stands for a summary.
    pub fn value(&self, summary: &Summary) -> f64 {
        if self.peak {
            summary.max
        } else {
            summary.median
        }
    }

    fn shown(&self, row: &Row) -> Option<Shown> {
        let summary = (self.read)(row)?;
        let value = self.value(summary);
        let spread = !self.peak && summary.samples.len() > 1;
        Some(Shown {
            value,
            label: self.kind.label(value),
            range: spread.then_some((summary.min, summary.max)),
            inner: None,
            dots: if spread {
                summary.samples.clone()
            } else {
                Vec::new()
            },
        })
    }
}

/// Draws the metrics as bars; `None` where the report has no rows.
pub fn draw(report: &Report, metrics: &[Metric], theme: Theme) -> Option<Drawing> {
    let columns: Vec<Column> = metrics
        .iter()
        .map(|metric| Column {
            title: metric.title.to_owned(),
            kind: metric.kind,
            mark: Mark::Bar,
            level: None,
        })
        .collect();
    let subtitle = match runs(report) {
        None => "nothing was measured".to_owned(),
        Some(runs) if runs == "one run each" => format!("{runs}; less is better"),
        Some(runs) => format!("{runs}; small dots: each run; less is better"),
    };
    let shown = |row: &Row| metrics.iter().map(|metric| metric.shown(row)).collect();
    rows_figure(report, &subtitle, &columns, &shown, |_| None, theme)
}

/// Draws the speedup over the baseline as bars, with intervals and a line at 1.
pub fn speedup(report: &Report, theme: Theme) -> Option<Drawing> {
    let over = super::speedup::over(report)?;
    let column = Column {
        title: format!("Speedup over {over}"),
        kind: Kind::Ratio,
        mark: Mark::Bar,
        level: Some(1.0),
    };
    let shown = |row: &Row| -> Vec<Option<Shown>> {
        let (value, range, label) = match &row.speedup {
            Some(s) if s.high.is_finite() => {
                let range = format_ratio_range(s.low, s.high);
                let label = format!("{} ({range})", format_ratio(s.ratio));
                (s.ratio, Some((s.low, s.high)), label)
            }
            Some(s) => (s.ratio, None, format_ratio(s.ratio)),
            None => (1.0, None, "baseline".to_owned()),
        };
        let shown = Shown {
            value,
            label,
            range,
            inner: None,
            dots: Vec::new(),
        };
        vec![row.wall_ns.as_ref().map(|_| shown)]
    };
    let subtitle = "how many times faster, paired by block, with its 95 % interval; more is better";
    rows_figure(report, subtitle, &[column], &shown, trouble, theme)
}

/// Draws every repeat as a dot.
pub fn distribution(report: &Report, theme: Theme) -> Option<Drawing> {
    let column = Column {
        title: "Wall time of each run".to_owned(),
        kind: Kind::Time,
        mark: Mark::Strip,
        level: None,
    };
    let subtitle = "a dot for each timed run; the line is their median; less is better";
    rows_figure(
        report,
        subtitle,
        &[column],
        &|row| vec![WALL.shown(row)],
        |_| None,
        theme,
    )
}

/// A row of the figure for each row of the report; those that an interrupt kept from being measured are
/// left out. `trouble` says why a row's numbers are not shown although it has some.
fn rows_figure(
    report: &Report,
    subtitle: &str,
    columns: &[Column],
    shown: &dyn Fn(&Row) -> Vec<Option<Shown>>,
    trouble: fn(&Row) -> Option<&'static str>,
    theme: Theme,
) -> Option<Drawing> {
    let rows = report.rows.iter().zip(reasons(&report.rows));
    let entries: Vec<Entry> = rows
        .filter(|(row, _)| !row.cut_off())
        .map(|(row, reason)| Entry {
            group: group(report, row.case.as_deref(), &row.at, &row.runtime),
            name: called(report, &row.label, &row.runtime).to_owned(),
            model: row.model.clone(),
            calm: row.outcome == Outcome::Unsupported,
            why: reason.or_else(|| Some(trouble(row)?.to_owned())),
            shown: shown(row),
        })
        .collect();
    if entries.is_empty() {
        return None;
    }
    let canvas = rows::draw(report, subtitle, columns, &entries);
    let alt = alt(report, columns, &entries);
    Some(finish(canvas, report, theme, alt, String::new()))
}

/// The result in words.
pub fn alt(report: &Report, columns: &[Column], entries: &[Entry]) -> String {
    let mut sentences = vec![title_sentence(report)];
    let name = |entry: &Entry| with_place(&entry.name, &entry.group);
    for (number, column) in columns.iter().enumerate() {
        let values = entries.iter().take(MOST_ROWS).filter_map(|entry| {
            let shown = entry.shown[number]
                .as_ref()
                .filter(|_| entry.why.is_none())?;
            Some(format!("{} {}", name(entry), shown.label))
        });
        let values: Vec<String> = values.collect();
        if !values.is_empty() {
            sentences.push(format!("{}: {}.", column.title, values.join(", ")));
        }
    }
    let failed = entries.iter().filter(|entry| entry.why.is_some());
    sentences.extend(failed.map(|entry| {
        let why = entry.why.as_deref().unwrap_or_default();
        let outcome = why.split(':').next().unwrap_or_default();
        format!("{}: {outcome}.", name(entry))
    }));
    sentences.join(" ")
}
