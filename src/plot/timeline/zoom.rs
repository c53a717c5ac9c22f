//! The timeline that can be zoomed and moved, as a specification for Vega-Lite 5, which JupyterLab shows
//! without an extension. It has the strips of the figure, each span of them where they aren't too many.

use super::columns::{Columns, STACK};
use super::lines::{Line, Section, Strip};
use super::{occurs, shown, title, words};
use crate::analysis::Report;
use crate::experiment::Theme;
use crate::measure::trace::{ACTIVITIES, Activity, Span};
use crate::plot::states;
use serde_json::{Value, json};

/// Most bars of all strips together: some 40 bytes each.
const MOST_BARS: usize = 2_400;

/// What is told of a bar.
const COLUMNS: &str = "lane,does,task,from,to";
/// Ink that is read on light and on dark ground alike, where it isn't known which it will be.
const INK: &str = "#7d858f";
const LINE: &str = "#8b929c55";

/// The specification; `None` where nothing was traced.
pub fn vega_lite(report: &Report, theme: Theme) -> Option<Value> {
    let shown = shown(report)?;
    let lines: Vec<&Line> = shown.sections.iter().flat_map(|s| &s.lines).collect();
    let all = shown.sections.iter().map(|section| strips(section).len());
    let most = MOST_BARS / all.sum::<usize>().max(1);
    let seen = ACTIVITIES.iter().map(|def| def.activity);
    let seen: Vec<Activity> = seen.filter(|one| occurs(&lines, *one)).collect();
    let (ground, ink, line) = match theme {
        Theme::Auto => (Value::Null, INK, LINE),
        Theme::Dark => (json!("#111111"), "#e8e8e8", "#2a2d31"),
        Theme::Light => (json!("#ffffff"), "#1f2328", "#e6e8eb"),
    };
    let colour = |activity: &Activity| match (activity, theme) {
        // Patterns, by which the picture tells it from being idle, are not to be had here.
        (Activity::Joining, _) => "#b09a8560",
        (Activity::Idle, Theme::Auto) => "#8b929c30",
        (Activity::Starting, Theme::Auto) => "#8b929cb0",
        (Activity::Waiting, Theme::Auto) => "#5b9bd588",
        (other, _) => states::colour(states::of_activity(*other), theme == Theme::Dark),
    };
    let colours = json!({
        "field": "does", "type": "nominal", "title": null,
        "scale": {
            "domain": seen.iter().map(|one| title(*one, shown.gil)).collect::<Vec<String>>(),
            "range": seen.iter().map(colour).collect::<Vec<_>>(),
        },
    });
    let mut merged = false;
    let sections = shown.sections.iter().zip(&shown.whole_ns).enumerate();
    let views: Vec<Value> = sections
        .map(|(number, (section, whole_ns))| {
            let strips = strips(section);
            merged |= strips.iter().any(|strip| strip.spans.len() > most);
            let bars = strips
                .iter()
                .flat_map(|strip| bars(strip, most, section.whole_ns(), shown.gil));
            let table = [COLUMNS.to_owned()].into_iter().chain(bars);
            json!({
                "title": {
                    "text": section.name, "subtitle": words::head(section), "anchor": "start",
                    "color": ink, "subtitleColor": ink, "fontSize": 12,
                },
                "data": {
                    "values": table.collect::<Vec<String>>().join("\n"),
                    "format": { "type": "csv", "parse": { "from": "number", "to": "number" } },
                },
                "transform": [{ "calculate": "datum.to - datum.from", "as": "takes" }],
                "width": 560,
                "height": { "step": 16 },
                "params": [{
                    "name": format!("zoom{number}"), "bind": "scales",
                    "select": { "type": "interval", "encodings": ["x"] },
                }],
                "mark": { "type": "bar", "clip": true },
                "encoding": {
                    "x": {
                        "field": "from", "type": "quantitative", "title": "ms since the start",
                        "scale": { "domain": [0, ms(*whole_ns as u64)], "nice": false },
                    },
                    "x2": { "field": "to" },
                    "y": {
                        "field": "lane", "type": "nominal", "title": null,
                        "sort": strips.iter().map(|strip| &strip.label).collect::<Vec<_>>(),
                    },
                    "color": colours,
                    "tooltip": [
                        { "field": "lane", "title": "lane" },
                        { "field": "task", "title": "task" },
                        { "field": "does", "title": "activity" },
                        { "field": "from", "title": "start (ms)", "type": "quantitative", "format": ",.3f" },
                        { "field": "takes", "title": "length (ms)", "type": "quantitative", "format": ",.3f" },
                    ],
                },
            })
        })
        .collect();
    let mut subtitle =
        vec!["scroll to zoom, drag to move, double-click for all of it again".to_owned()];
    if merged {
        subtitle.push("where spans were too many, what prevails in each moment".to_owned());
    }
    if lines.iter().any(|line| matches!(line, Line::Bundle(_))) {
        subtitle.push(
            "of workers or tasks that are many, those that have a lane of their own in the picture"
                .to_owned(),
        );
    }
    let plain = json!({
        "labelColor": ink, "titleColor": ink, "gridColor": line, "domainColor": line, "tickColor": line,
    });
    Some(json!({
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": { "text": report.title, "subtitle": subtitle, "anchor": "start", "color": ink, "subtitleColor": ink },
        "background": ground,
        "config": {
            "axis": plain,
            "legend": { "labelColor": ink, "labelLimit": 0, "orient": "top", "columns": 4 },
            "view": { "stroke": null },
        },
        "vconcat": views,
        "resolve": { "scale": { "color": "shared" } },
    }))
}

/// What has a lane of its own.
fn strips<'a>(section: &'a Section) -> Vec<&'a Strip<'a>> {
    let strips = section.lines.iter().filter_map(|line| match line {
        Line::Strip(strip) => Some(strip),
        Line::Bundle(_) => None,
    });
    strips.collect()
}

/// A strip's spans as lines of CSV, or what prevails in so many moments where they are more.
fn bars(strip: &Strip, most: usize, whole_ns: f64, gil: (bool, bool)) -> Vec<String> {
    let spans = match strip.spans.len() > most {
        true => in_columns(strip, most, whole_ns),
        false => strip.spans.iter().map(|span| (*span, task(span))).collect(),
    };
    let bar = |(span, task): &(Span, String)| {
        let (from, to) = (ms(span.start_ns), ms(span.end_ns));
        let does = title(span.activity, gil);
        format!("\"{}\",{does},{task},{from},{to}", strip.label)
    };
    spans.iter().map(bar).collect()
}

fn task(span: &Span) -> String {
    span.task.map_or("–".to_owned(), |task| task.to_string())
}

/// Milliseconds, to the microsecond.
fn ms(ns: u64) -> f64 {
    (ns as f64 / 1e3).round() / 1e3
}

/// What prevails in each of so many moments, as spans.
fn in_columns(strip: &Strip, columns: usize, whole_ns: f64) -> Vec<(Span, String)> {
    let columns = columns.max(2);
    let mut found = Columns::new(columns, whole_ns);
    for span in strip.spans.iter() {
        found.add(span.activity, span.start_ns, span.end_ns);
    }
    let levels = found.stacked();
    let edge = |column: usize| (whole_ns * column as f64 / columns as f64).round() as u64;
    let mut spans: Vec<(Span, String)> = Vec::new();
    for column in 0..columns {
        let mut below = 0.0;
        let shares = levels.iter().zip(STACK).map(|(level, activity)| {
            let share = level[column] - below;
            below = level[column];
            (activity, share)
        });
        let most = shares.max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((activity, _)) = most.filter(|(_, share)| *share > 0.0) else {
            continue;
        };
        match spans.last_mut() {
            Some((last, _)) if last.activity == activity && last.end_ns == edge(column) => {
                last.end_ns = edge(column + 1);
            }
            _ => spans.push((
                Span {
                    activity,
                    task: None,
                    start_ns: edge(column),
                    end_ns: edge(column + 1),
                    then: None,
                },
                "several".to_owned(),
            )),
        }
    }
    spans
}
