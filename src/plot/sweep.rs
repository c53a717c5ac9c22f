//! A report's rows along its swept number: what line figures draw from.

use super::axis::Kind;
use super::lines::{Along, Dot, Line, Named, Stroke};
use super::page::{self, called, place_of};
use crate::analysis::{Report, Row, number, quantity};

/// A value with both ends of its spread or interval.
pub type Reading = (f64, f64, f64);

/// A sweep of a number: series, values, and the groups that the other swept key and the cases make.
pub struct Sweep<'a> {
    /// Whether it has several runtimes, so that groups say which.
    several: bool,
    /// The x axis.
    pub along: Along,
    /// The series, in the order of the cell.
    pub named: Vec<Named>,
    /// Cases and values of the other swept key; one without a name where there are none.
    pub groups: Vec<Group<'a>>,
}

/// Places told by name; the rest is a number.
const MOST_PLACES: usize = 6;

/// Why a row's time can't be compared; `None` where it can.
pub fn trouble(row: &Row) -> Option<&'static str> {
    let failed = row.tasks.failed + row.tasks.timed_out + row.tasks.cancelled > 0;
    match row.wall_ns {
        // The cell was interrupted: that is said once, and nothing is wrong with the row.
        None if row.cut_off() => None,
        None => Some(row.outcome.name()),
        Some(_) if row.agrees == Some(false) => Some("wrong answer"),
        Some(_) if failed => Some("not all tasks succeeded"),
        Some(_) => None,
    }
}

/// The rows of one case and value of the other key.
pub struct Group<'a> {
    /// Its name.
    pub name: String,
    /// Value of the key, and the row.
    pub rows: Vec<(f64, &'a Row)>,
}

impl<'a> Sweep<'a> {
    /// The report's sweep; `None` where no number is swept, or fewer than `fewest` values of it.
    pub fn of(report: &'a Report, fewest: usize) -> Option<Self> {
        let key = report.x.as_ref()?;
        let mut xs: Vec<f64> = Vec::new();
        let mut kind = Kind::Count;
        let mut named: Vec<Named> = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        for row in &report.rows {
            let (_, at) = row.at.iter().find(|(known, _)| known == key)?;
            let x = number(at)?;
            kind = quantity(at)?.into();
            if !xs.contains(&x) {
                xs.push(x);
            }
            let label = called(report, &row.label, &row.runtime);
            if named.iter().all(|series| series.name != label) {
                let same = named.iter().filter(|other| other.model == row.model);
                named.push(Named {
                    name: label.to_owned(),
                    model: row.model.clone(),
                    nth: same.count(),
                });
            }
            let others: Vec<_> = row.at.iter().filter(|(k, _)| k != key).cloned().collect();
            let name = page::group(report, row.case.as_deref(), &others, &row.runtime);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.rows.push((x, row)),
                None => groups.push(Group {
                    name,
                    rows: vec![(x, row)],
                }),
            }
        }
        xs.sort_by(f64::total_cmp);
        let several = report.has_runtimes();
        (xs.len() >= fewest).then(|| Sweep {
            several,
            along: Along::new(key, kind, xs),
            named,
            groups,
        })
    }

    /// A line for each series of a group: `read` gives value, low and high.
    pub fn lines(&self, group: &Group<'a>, read: &dyn Fn(&Row) -> Option<Reading>) -> Vec<Line> {
        let line = |(series, named): (usize, &Named)| {
            let label = |row: &'a Row| match self.several {
                true => row.short(),
                false => &row.label,
            };
            let own = group
                .rows
                .iter()
                .filter(|(_, row)| label(row) == named.name);
            let mut line = Line {
                series,
                stroke: Stroke::Marked,
                dots: Vec::new(),
                missing: Vec::new(),
            };
            for (x, row) in own {
                match read(row) {
                    Some((y, low, high)) => line.dots.push(Dot {
                        x: *x,
                        y,
                        low,
                        high,
                    }),
                    None if trouble(row).is_some() => line.missing.push(*x),
                    None => {}
                }
            }
            line.dots.sort_by(|a, b| a.x.total_cmp(&b.x));
            line
        };
        self.named.iter().enumerate().map(line).collect()
    }

    /// What gave no numbers or wrong ones, a sentence for each series and reason.
    pub fn missing(&self, report: &Report) -> Vec<String> {
        let mut found: Vec<(&str, &str, Vec<String>)> = Vec::new();
        for row in &report.rows {
            let Some(trouble) = trouble(row) else {
                continue;
            };
            let place = place_of(row.case.as_deref(), &row.at);
            let same =
                |(label, known, _): &&mut (&str, &str, _)| *label == row.label && *known == trouble;
            match found.iter_mut().find(same) {
                Some((.., places)) => places.push(place),
                None => found.push((&row.label, trouble, vec![place])),
            }
        }
        let sentence = |(label, trouble, places): (&str, &str, Vec<String>)| {
            let more = places.len().saturating_sub(MOST_PLACES);
            let mut told = places[..places.len() - more].join("; ");
            if more > 0 {
                told = format!("{told} and {more} more");
            }
            format!("× {label}: {trouble} at {told}")
        };
        found.into_iter().map(sentence).collect()
    }

    /// Values of a group in words, a clause for each series: "threads 1.2 ms (tasks = 2) … 76 ms
    /// (tasks = 128)".
    pub fn words(&self, lines: &[Line], kind: Kind) -> String {
        let clause = |line: &Line| {
            let (first, last) = (line.dots.first()?, line.dots.last()?);
            let at = |x: f64| format!("{} = {}", self.along.title, self.along.kind.label(x));
            let name = &self.named[line.series].name;
            Some(match line.dots.len() {
                1 => format!("{name} {} at {}", kind.label(first.y), at(first.x)),
                _ => format!(
                    "{name} from {} at {} to {} at {}",
                    kind.label(first.y),
                    at(first.x),
                    kind.label(last.y),
                    at(last.x)
                ),
            })
        };
        let clauses: Vec<String> = lines.iter().filter_map(clause).collect();
        clauses.join(", ")
    }

    /// A group's numbers as a plain table: a line for each value, a column for each series.
    pub fn table(&self, lines: &[Line], kind: Kind) -> String {
        let mut cells: Vec<Vec<String>> = vec![
            std::iter::once(self.along.title.clone())
                .chain(
                    lines
                        .iter()
                        .map(|line| self.named[line.series].name.clone()),
                )
                .collect(),
        ];
        for x in &self.along.xs {
            let value = |line: &Line| {
                let dot = line.dots.iter().find(|dot| dot.x == *x);
                dot.map_or("–".to_owned(), |dot| kind.label(dot.y))
            };
            let first = std::iter::once(self.along.kind.label(*x));
            cells.push(first.chain(lines.iter().map(value)).collect());
        }
        let width = |column: usize| {
            let cells = cells.iter().map(|row| crate::units::columns(&row[column]));
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..=lines.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                format!("{}{cell}", " ".repeat(width - crate::units::columns(cell)))
            });
            cells.collect::<Vec<_>>().join("  ") + "\n"
        };
        cells.iter().map(line).collect()
    }
}
