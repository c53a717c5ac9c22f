//! The bundled font: Inter (SIL Open Font License, see OFL.txt), subset, in two weights.
//!
//! Browsers get a small WOFF2 inside each SVG and the PNG renderer gets the same outlines, so that text is
//! as wide everywhere as it was when the figure was laid out. The subsets carry no kerning: a text's
//! width is the sum of its characters'.

use ttf_parser::Face;

/// Outlines for the PNG renderer: Latin, Greek, punctuation, mathematical signs.
pub const REGULAR: &[u8] = include_bytes!("Inter-Regular.otf");
/// The same, semibold.
pub const SEMIBOLD: &[u8] = include_bytes!("Inter-SemiBold.otf");
/// What is embedded in each SVG: the characters that figures themselves use.
pub const REGULAR_WEB: &[u8] = include_bytes!("Inter-Regular.woff2");
/// The same, semibold.
pub const SEMIBOLD_WEB: &[u8] = include_bytes!("Inter-SemiBold.woff2");

/// Part of the size that a line of text takes above its baseline.
pub const ASCENT: f64 = 0.78;
/// Part of the size below it.
pub const DESCENT: f64 = 0.22;

/// A weight of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For most text.
    Regular,
    /// For headings and results.
    Semibold,
}

thread_local! {
    static FACES: [Option<Face<'static>>; 2] = [Face::parse(REGULAR, 0).ok(), Face::parse(SEMIBOLD, 0).ok()];
}

/// Width of a text at a size, both in pixels.
///
/// A character that the font lacks comes from another font; it is counted as wide as it is high.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    FACES.with(|faces| {
        let Some(face) = &faces[weight as usize] else {
            return size * text.chars().count() as f64;
        };
        let units = f64::from(face.units_per_em());
        let advance = |c: char| {
            let glyph = face.glyph_index(c)?;
            face.glyph_hor_advance(glyph)
                .map(|advance| f64::from(advance) / units)
        };
        text.chars().map(|c| advance(c).unwrap_or(1.0) * size).sum()
    })
}

/// Whether every character of the text is in the bundled font.
pub fn covers(text: &str) -> bool {
    FACES.with(|faces| match &faces[0] {
        Some(face) => text
            .chars()
            .all(|c| c.is_control() || face.glyph_index(c).is_some()),
        None => false,
    })
}

/// The text, or as much of it as fits with an ellipsis at its end.
pub fn fitted(text: &str, size: f64, weight: Weight, room: f64) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    // Cut by the sum of widths, which is what a text's width is here; a space at the cut goes too.
    let left = room - width("…", size, weight);
    let mut sum = 0.0;
    let kept = text.char_indices().take_while(|(at, c)| {
        sum += width(&text[*at..at + c.len_utf8()], size, weight);
        sum <= left
    });
    let end = kept.last().map_or(0, |(at, c)| at + c.len_utf8());
    match left >= 0.0 {
        true => format!("{}…", text[..end].trim_end()),
        false => String::new(),
    }
}

/// The text in lines that fit, at most `lines` of them, the last one with an ellipsis where it is cut.
pub fn wrapped(text: &str, size: f64, weight: Weight, room: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let longer = wrapped.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| width(line, size, weight) <= room) {
            Some(line) => *wrapped.last_mut().expect("it was just read") = line,
            None if wrapped.len() < lines => wrapped.push(word.to_owned()),
            None => {
                let rest: Vec<&str> = std::iter::once(word).chain(words).collect();
                let last = wrapped.last_mut().expect("there is at least one line");
                *last = format!("{last} {}", rest.join(" "));
                break;
            }
        }
    }
    wrapped
        .iter()
        .map(|line| fitted(line, size, weight, room))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_come_from_the_font() {
        let regular = width("illicit", 12.0, Weight::Regular);
        assert!(regular < width("mammoth", 12.0, Weight::Regular));
        assert!(regular < width("illicit", 12.0, Weight::Semibold));
        assert!((width("illicit", 24.0, Weight::Regular) - 2.0 * regular).abs() < 1e-9);
        assert!(covers("µ × – … ± ≤ 1.9×") && !covers("并发"));
    }

    #[test]
    fn long_texts_are_cut_to_fit() {
        let text = "a title that is much too long for the room that there is";
        assert!(
            width(
                &fitted(text, 12.0, Weight::Regular, 100.0),
                12.0,
                Weight::Regular
            ) <= 100.0
        );
        let lines = wrapped(text, 12.0, Weight::Regular, 100.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(
            lines[1].ends_with('…')
                && lines
                    .iter()
                    .all(|l| width(l, 12.0, Weight::Regular) <= 100.0)
        );
        assert_eq!(wrapped("short", 12.0, Weight::Regular, 100.0, 2), ["short"]);
        assert_eq!(fitted("x", 12.0, Weight::Regular, 0.0), "");
    }
}
