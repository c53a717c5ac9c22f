//! Crossover: the ratio to the baseline along the swept key, with the place where both are as fast.

use super::Drawing;
use super::axis::Kind;
use super::lines::{self, Chart, Panel, PanelRow, Scale};
use super::page::{self, finish, title_sentence};
use super::speedup::{over, read};
use super::sweep::{Group, Sweep};
use crate::analysis::{Crossover, Report, crossover_summary};
use crate::experiment::Theme;

/// Draws it; `None` where no number is swept or nothing can be compared.
pub fn draw(report: &Report, theme: Theme) -> Option<Drawing> {
    let sweep = Sweep::of(report, 2)?;
    let over = over(report)?;
    // Where groups say the runtime, labels needn't.
    let crossovers: Vec<Crossover> = match report.has_runtimes() {
        true => {
            let runtimes = report.runtimes().into_iter();
            runtimes
                .flat_map(|runtime| report.on(runtime).crossovers)
                .collect()
        }
        false => report.crossovers.clone(),
    };
    let own = |group: &Group| -> Vec<&Crossover> {
        let here = |found: &&Crossover| {
            page::group(report, found.case.as_deref(), &found.at, &found.runtime) == group.name
        };
        crossovers.iter().filter(here).collect()
    };
    let panel = |group: &Group| {
        let lines = sweep.lines(group, &read);
        let dots = lines.iter().flat_map(|line| &line.dots);
        let values = dots.flat_map(|dot| [dot.y, dot.low, dot.high]);
        let (low, high) = values
            .filter(|value| *value > 0.0)
            .fold((0.9f64, 1.1f64), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let crossings = own(group).into_iter().filter_map(|found| {
            let series = sweep
                .named
                .iter()
                .position(|named| named.name == found.series);
            Some((series?, found.crossing?))
        });
        Panel {
            title: match group.name.as_str() {
                "" => format!("Speed beside {over}"),
                name => name.to_owned(),
            },
            kind: Kind::Ratio,
            scale: Scale::log(low, high),
            lines,
            guides: Vec::new(),
            level: Some(1.0),
            crossings: crossings.collect(),
        }
    };
    let single = sweep.groups.len() == 1;
    let (columns, height) = if single { (1, 260.0) } else { (2, 180.0) };
    let row = |groups: &[Group]| PanelRow {
        title: String::new(),
        panels: groups.iter().map(panel).collect(),
        columns,
        height,
    };
    let rows = sweep.groups.chunks(columns).map(row).collect();
    let mut words = Vec::new();
    for group in &sweep.groups {
        let told = crossover_summary(&own(group));
        match group.name.as_str() {
            "" => words.extend(told),
            name if !told.is_empty() => words.push(format!("{name}: {}", told.join("; "))),
            _ => {}
        }
    }
    let mut tables = vec![title_sentence(report)];
    for group in &sweep.groups {
        let of = if group.name.is_empty() {
            String::new()
        } else {
            format!(" ({})", group.name)
        };
        let mut lines = sweep.lines(group, &read);
        lines.retain(|line| !line.dots.is_empty());
        let table = sweep.table(&lines, Kind::Ratio);
        tables.push(format!("Speed beside {over}{of}\n{}", table.trim_end()));
    }
    tables.extend(words.iter().cloned());
    let alt = format!("{} {}.", title_sentence(report), words.join(". "));
    let subtitle = format!(
        "how many times as fast as {over}, with its 95 % interval; above the line is faster, and where lines \
         cross it both are as fast"
    );
    let chart = Chart {
        subtitle: &subtitle,
        along: &sweep.along,
        named: &sweep.named,
        rows,
        notes: words,
        failed: sweep.missing(report),
    };
    let canvas = lines::draw(report, chart);
    Some(finish(canvas, report, theme, alt, tables.join("\n\n")))
}
