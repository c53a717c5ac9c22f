//! Colours: one style sheet for each figure, light and dark.
//!
//! Plain class rules and one media query: `var()` and `light-dark()` come out black in the PNG renderer.
//! Colours are those of Okabe & Ito 2008, lightened for dark backgrounds; a model keeps its colour in
//! every figure. To give a model its colour: a row in [`SERIES`].

use super::font::{REGULAR_WEB, SEMIBOLD_WEB};
use crate::experiment::Theme;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::sync::LazyLock;

/// Model, its colour on light and on dark ground. Related models have related hues.
const SERIES: &[(&str, &str, &str)] = &[
    ("sequential", "#6b7280", "#a8b0bb"),
    ("threads", "#0072b2", "#3a9bdc"),
    ("thread-pool", "#56b4e9", "#8fd0f5"),
    ("processes", "#d55e00", "#ee8236"),
    ("process-pool", "#e69f00", "#f5bd45"),
    ("async", "#009e73", "#2bbf94"),
    ("async-threads", "#6cc5a1", "#9adfc3"),
    ("hybrid", "#8b5fbf", "#b592e0"),
    ("interpreters", "#a6761d", "#d0a356"),
];
/// For a model without a row.
const OTHER: (&str, &str) = ("#cc79a7", "#dd9abf");

/// Class, property, value on light and on dark ground.
const GROUND: &[(&str, &str, &str, &str)] = &[
    ("bg", "fill", "#ffffff", "#111111"),
    ("ink", "fill", "#1f2328", "#e8e8e8"),
    ("value", "fill", "#1f2328", "#e8e8e8"),
    // A halo in the ground's colour, where a grid line runs behind.
    ("value", "stroke", "#ffffff", "#111111"),
    ("muted", "fill", "#59636e", "#a3a9b1"),
    ("failed", "fill", "#b35900", "#f0a35e"),
    ("grid", "stroke", "#e6e8eb", "#2a2d31"),
    ("axis", "stroke", "#8b949e", "#6e7681"),
    ("range", "stroke", "#1f2328", "#f2f2f2"),
    ("run", "fill", "#ffffff", "#111111"),
    ("run", "stroke", "#1f2328", "#f2f2f2"),
    ("hatch", "stroke", "#ffffff", "#111111"),
    // What measured values are compared with.
    ("level", "stroke", "#59636e", "#a3a9b1"),
    ("cross", "stroke", "#b35900", "#f0a35e"),
    // An outline in the ground's colour, where marks lie on lines and on each other.
    ("seen", "stroke", "#ffffff", "#111111"),
    ("plain", "fill", "#eef0f2", "#22262b"),
    // Between two tasks of one worker.
    ("gap", "stroke", "#ffffff", "#111111"),
];

/// How a state looks: colour and lines of its hatch, each on light and on dark ground.
pub struct StateColours {
    /// What fills it.
    pub fill: (&'static str, &'static str),
    /// What its hatch is drawn with.
    pub hatch: (&'static str, &'static str),
}

/// The rules of one state's classes: `f…` fills, `k…` draws its hatch, `p…` is both as a pattern, and `n…`
/// is text upon it.
pub fn state_rules(number: usize, colours: &StateColours, theme: Theme) -> String {
    let rules = |dark: bool| {
        let pick = |(light, dark_value): (&'static str, &'static str)| match dark {
            true => dark_value,
            false => light,
        };
        format!(
            ".f{number}{{fill:{}}}.k{number}{{stroke:{}}}.n{number}{{fill:{}}}",
            pick(colours.fill),
            pick(colours.hatch),
            ink_on(pick(colours.fill))
        )
    };
    let base = rules(theme == Theme::Dark);
    let other = match theme {
        Theme::Auto => format!("@media (prefers-color-scheme:dark){{{}}}", rules(true)),
        Theme::Light | Theme::Dark => String::new(),
    };
    format!("{base}{other}.p{number}{{fill:url(#p{number})}}")
}

/// Black or white, whichever has the larger contrast to a ground.
fn ink_on(ground: &str) -> &'static str {
    match contrast("#111111", ground) >= contrast("#ffffff", ground) {
        true => "#111111",
        false => "#ffffff",
    }
}

/// Contrast of two colours, from 1 to 21 (Web Content Accessibility Guidelines 2.1).
fn contrast(one: &str, other: &str) -> f64 {
    let channel = |hex: &str| {
        let share = f64::from(u8::from_str_radix(hex, 16).unwrap_or(0)) / 255.0;
        match share <= 0.040_45 {
            true => share / 12.92,
            false => ((share + 0.055) / 1.055).powf(2.4),
        }
    };
    let luminance = |colour: &str| {
        0.2126 * channel(&colour[1..3])
            + 0.7152 * channel(&colour[3..5])
            + 0.0722 * channel(&colour[5..7])
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The class of a model's bars and dots.
pub fn series_class(model: &str) -> String {
    let known = SERIES.iter().position(|(name, _, _)| *name == model);
    format!("s{}", known.unwrap_or(SERIES.len()))
}

/// The class of a model's lines.
pub fn line_class(model: &str) -> String {
    series_class(model).replace('s', "l")
}

/// Class of a line of the same model's second, third … series.
pub fn dash_class(nth: usize) -> &'static str {
    ["", " d1", " d2", " d3"][nth % 4]
}

static FONTS: LazyLock<String> = LazyLock::new(|| {
    let face = |weight: u32, data: &[u8]| {
        format!(
            "@font-face{{font-family:conclab;font-weight:{weight};src:url(data:font/woff2;base64,{}) \
             format(\"woff2\")}}",
            BASE64.encode(data)
        )
    };
    face(400, REGULAR_WEB) + &face(600, SEMIBOLD_WEB)
});

/// The style sheet of a figure.
pub fn style(theme: Theme) -> String {
    let base = rules(theme == Theme::Dark);
    let other = match theme {
        Theme::Auto => format!("@media (prefers-color-scheme:dark){{{}}}", rules(true)),
        Theme::Light | Theme::Dark => String::new(),
    };
    format!(
        "{}text{{font-family:conclab,Inter,sans-serif}}.b{{font-weight:600}}.line{{fill:none}}.value{{paint-order:stroke;stroke-width:40;stroke-linejoin:round}}\
         .seen{{stroke-width:8}}.tint{{fill-opacity:.28}}.d1{{stroke-dasharray:70 40}}.d2{{stroke-dasharray:20 35}}\
         .d3{{stroke-dasharray:90 35 20 35}}.thin{{stroke-opacity:.75}}{base}{other}",
        *FONTS
    )
}

fn rules(dark: bool) -> String {
    let pick =
        |light: &'static str, dark_value: &'static str| if dark { dark_value } else { light };
    let ground = GROUND.iter().map(|(class, property, light, dark_value)| {
        format!(".{class}{{{property}:{}}}", pick(light, dark_value))
    });
    let others = std::iter::once(&("", OTHER.0, OTHER.1));
    let series = SERIES
        .iter()
        .chain(others)
        .enumerate()
        .map(|(number, (_, light, dark_value))| {
            let colour = pick(light, dark_value);
            format!(".s{number}{{fill:{colour}}}.l{number}{{stroke:{colour}}}")
        });
    ground.chain(series).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MODELS;
    use std::collections::HashSet;

    #[test]
    fn every_model_has_a_colour_of_its_own() {
        let classes: HashSet<String> = MODELS
            .iter()
            .map(|model| series_class(model.def().name))
            .collect();
        assert_eq!(classes.len(), MODELS.len());
        assert!(
            !classes.contains(&format!("s{}", SERIES.len())),
            "one falls back to the spare colour"
        );
    }

    #[test]
    fn ink_is_read_on_every_ground() {
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        assert_eq!(contrast("#0072b2", "#0072b2"), 1.0);
        assert_eq!(
            (ink_on("#0072b2"), ink_on("#f0b429")),
            ("#ffffff", "#111111")
        );
    }

    #[test]
    fn only_the_auto_theme_asks_for_the_readers_mode_and_none_uses_variables() {
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            let style = style(theme);
            assert_eq!(style.contains("@media"), theme == Theme::Auto);
            assert!(!style.contains("var(") && !style.contains("light-dark("));
        }
        assert!(style(Theme::Dark).contains(".bg{fill:#111111}"));
    }
}
