//! The timeline that can be zoomed and moved, as a specification for Vega-Lite 5, which JupyterLab shows
//! without an extension. It has the strips of the figure, each span of them where they aren't too many.

use super::columns::{Columns, STACK};
use super::lines::{Line, Strip};
use super::{occurs, shown, title};
use crate::analysis::Report;
use crate::experiment::Theme;
use crate::measure::trace::{ACTIVITIES, Activity, Span};
use crate::plot::states;
use serde_json::{Value, json};

/// Most bars of all strips together: about 100 bytes each.
const MOST_BARS: usize = 1_500;

/// The specification; `None` where nothing was traced.
pub fn vega_lite(report: &Report, theme: Theme) -> Option<Value> {
    let shown = shown(report)?;
    let lines: Vec<&Line> = shown.sections.iter().flat_map(|s| &s.lines).collect();
    let strips = lines.iter().filter(|line| matches!(line, Line::Strip(_)));
    let most = MOST_BARS / strips.count().max(1);
    let (mut bars, mut names, mut labels) = (Vec::new(), Vec::new(), Vec::<&str>::new());
    let mut merged = false;
    for section in &shown.sections {
        let name = match section.place.as_str() {
            "" => section.name.clone(),
            place => format!("{}, {place}", section.name),
        };
        let mut place = 0;
        for line in &section.lines {
            let Line::Strip(strip) = line else { continue };
            // Behind the lane above it: one order for the lanes of all sections.
            let known = labels.iter().position(|label| *label == strip.label);
            place = known.unwrap_or_else(|| {
                labels.insert(place, &strip.label);
                place
            }) + 1;
            let many = strip.spans.len() > most;
            merged |= many;
            let own = match many {
                true => in_columns(strip, most, section.whole_ns()),
                false => strip.spans.iter().map(|span| (*span, task(span))).collect(),
            };
            bars.extend(own.iter().map(|(span, task)| {
                json!({
                    "in": name, "lane": strip.label, "does": title(span.activity, shown.gil), "task": task,
                    "from": ms(span.start_ns), "to": ms(span.end_ns),
                })
            }));
        }
        names.push(name);
    }
    let seen = ACTIVITIES.iter().map(|def| def.activity);
    let seen: Vec<Activity> = seen.filter(|one| occurs(&lines, *one)).collect();
    let dark = theme == Theme::Dark;
    let (ground, ink, line) = match dark {
        true => ("#111111", "#e8e8e8", "#2a2d31"),
        false => ("#ffffff", "#1f2328", "#e6e8eb"),
    };
    let subtitle = match merged {
        true => {
            "drag to move, scroll to zoom; where spans were too many, what prevails in each moment"
        }
        false => "drag to move, scroll to zoom",
    };
    let plain = json!({
        "labelColor": ink, "titleColor": ink, "gridColor": line, "domainColor": line, "tickColor": line,
    });
    Some(json!({
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": { "text": report.title, "subtitle": subtitle, "anchor": "start", "color": ink, "subtitleColor": ink },
        "background": ground,
        "config": {
            "axis": plain,
            "legend": { "labelColor": ink },
            "header": { "labelColor": ink },
            "view": { "stroke": null },
        },
        "data": { "values": bars },
        "transform": [{ "calculate": "datum.to - datum.from", "as": "takes" }],
        "facet": { "row": {
            "field": "in", "type": "nominal", "title": null, "sort": names,
            "header": { "labelOrient": "top", "labelAnchor": "start", "labelAngle": 0, "labelFontWeight": "bold" },
        } },
        "spec": {
            "width": 520,
            "height": { "step": 16 },
            "params": [{ "name": "zoom", "select": { "type": "interval", "encodings": ["x"] }, "bind": "scales" }],
            "mark": { "type": "bar", "clip": true },
            "encoding": {
                "x": { "field": "from", "type": "quantitative", "title": "ms since the start", "scale": { "nice": false } },
                "x2": { "field": "to" },
                "y": { "field": "lane", "type": "nominal", "title": null, "sort": labels },
                "color": { "field": "does", "type": "nominal", "title": null, "scale": {
                    "domain": seen.iter().map(|one| title(*one, shown.gil)).collect::<Vec<String>>(),
                    "range": seen.iter().map(|one| states::colour(states::of_activity(*one), dark)).collect::<Vec<_>>(),
                } },
                "tooltip": [
                    { "field": "lane", "title": "lane" },
                    { "field": "task", "title": "task" },
                    { "field": "does", "title": "activity" },
                    { "field": "from", "title": "start (ms)", "type": "quantitative", "format": ",.3f" },
                    { "field": "takes", "title": "length (ms)", "type": "quantitative", "format": ",.3f" },
                ],
            },
        },
        "resolve": { "scale": { "y": "independent" } },
    }))
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
