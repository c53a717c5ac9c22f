//! Durations, sizes, counts and ratios: read and printed here and nowhere else.
//!
//! To add a unit, add a row to [`TIME_UNITS`] or [`SIZE_UNITS`]; parsing, messages and help follow.

/// Suffix and nanoseconds of each unit of time, smallest first.
pub const TIME_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Suffix and bytes of each unit of size, smallest first.
pub const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// Why a text is no quantity: the reason, to be followed by a proposal of the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// It does not begin with a digit.
    NotANumber,
    /// A number without a unit.
    NoUnit {
        /// The number as it was written.
        number: String,
    },
    /// A number with a unit that is not one of the table's.
    UnknownUnit {
        /// The number as it was written.
        number: String,
        /// The unit as it was written.
        unit: String,
    },
    /// More than 64 bits hold.
    TooLarge,
}

/// Nanoseconds of a duration such as `"250us"`, `"20ms"`, `"1.5s"` or `"2m"`.
pub fn parse_duration_ns(text: &str) -> Result<u64, UnitError> {
    // µ has two code points (micro sign, Greek mu), and people paste both.
    let text = text.replace(['\u{b5}', '\u{3bc}'], "u");
    parse(&text, TIME_UNITS)
}

/// Bytes of a size such as `"64KiB"`, `"10MiB"` or `"1MB"`.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    parse(text, SIZE_UNITS)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Result<u64, UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let value: f64 = number
        .replace('_', "")
        .parse()
        .map_err(|_| UnitError::NotANumber)?;
    if unit.is_empty() {
        return Err(UnitError::NoUnit {
            number: number.to_owned(),
        });
    }
    let (_, factor) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| UnitError::UnknownUnit {
            number: number.to_owned(),
            unit: unit.to_owned(),
        })?;
    // Whole numbers stay exact beyond 2^53.
    if let Ok(whole) = number.replace('_', "").parse::<u64>() {
        return whole.checked_mul(*factor).ok_or(UnitError::TooLarge);
    }
    let product = value * *factor as f64;
    if product < u64::MAX as f64 {
        Ok(product.round() as u64)
    } else {
        Err(UnitError::TooLarge)
    }
}

/// A time for people, three significant digits: `"1.23 ms"`, `"850 ns"`, `"2 min 5 s"`.
pub fn format_ns(ns: f64) -> String {
    if !ns.is_finite() {
        return "–".to_owned();
    }
    let magnitude = ns.abs();
    if magnitude >= 7200e9 {
        return format!("{} h", significant(ns / 3600e9));
    }
    if magnitude >= 120e9 {
        let seconds = (ns / 1e9).round() as i64;
        return format!("{} min {} s", seconds / 60, seconds % 60);
    }
    let (unit, factor) = match magnitude {
        // 999.5 rounds up to the next unit, so that no "1000 µs" appears.
        m if m >= 999.5e6 => ("s", 1e9),
        m if m >= 999.5e3 => ("ms", 1e6),
        m if m >= 999.5 => ("µs", 1e3),
        _ => ("ns", 1.0),
    };
    format!("{} {unit}", significant(ns / factor))
}

/// A size for people in binary units, three significant digits: `"64 MiB"`, `"3.25 GiB"`.
pub fn format_bytes(bytes: f64) -> String {
    if !bytes.is_finite() {
        return "–".to_owned();
    }
    let (unit, factor) = match bytes.abs() {
        b if b >= 999.5 * (1u64 << 30) as f64 => ("TiB", (1u64 << 40) as f64),
        b if b >= 999.5 * (1u64 << 20) as f64 => ("GiB", (1u64 << 30) as f64),
        b if b >= 999.5 * 1024.0 => ("MiB", (1u64 << 20) as f64),
        b if b >= 1024.0 => ("KiB", 1024.0),
        _ => return format!("{bytes:.0} B"),
    };
    format!("{} {unit}", significant(bytes / factor))
}

/// A count with thousands separated: `"1,000,000"`.
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio for people: `"1.9×"`, `"0.56×"`, `"2,300×"`.
pub fn format_ratio(ratio: f64) -> String {
    if !ratio.is_finite() {
        return "–".to_owned();
    }
    format!("{}×", ratio_digits(ratio))
}

/// The digits of [`format_ratio`] without the sign. Near 1 there are two decimals, so that a real
/// difference of 4 % doesn't read `"1.0"`.
pub fn ratio_digits(ratio: f64) -> String {
    match ratio.abs() {
        r if r >= 999.5 => format_count(ratio.round() as u64),
        r if r >= 99.5 => format!("{ratio:.0}"),
        r if r >= 1.195 => format!("{ratio:.1}"),
        r if r >= 0.0995 || r == 0.0 => format!("{ratio:.2}"),
        // Two significant digits, however small.
        r => format!("{ratio:.*}", (1.0 - r.log10().floor()) as usize),
    }
}

/// A share of a whole, from 0 to 1: `"62 %"`; what is there and less than one in a hundred is told as such.
pub fn format_share(share: f64) -> String {
    match 100.0 * share {
        percent if percent > 0.0 && percent < 1.0 => "<1 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// An interval of ratios: `"1.8–2.0"`; with another digit where both ends would read the same.
pub fn format_ratio_range(low: f64, high: f64) -> String {
    let (mut from, mut to) = (ratio_digits(low), ratio_digits(high));
    if from == to && (1.0..99.5).contains(&low) {
        (from, to) = (format!("{low:.2}"), format!("{high:.2}"));
    }
    if from == to {
        from
    } else {
        format!("{from}–{to}")
    }
}

/// Columns that a text takes in a terminal: wide East Asian characters and emoji take two, combining
/// marks none (Unicode Standard Annex 11, its blocks rather than single characters).
pub fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

fn char_columns(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A duration as a cell would write it, exact: `"250us"`, `"1500ms"`.
pub fn duration_text(ns: u64) -> String {
    unit_text(ns, TIME_UNITS, "ns")
}

/// A size as a cell would write it, exact: `"64KiB"`, `"1000000B"`.
pub fn bytes_text(bytes: u64) -> String {
    // Decimal sizes print in bytes unless a binary unit divides them.
    let binary: Vec<(&str, u64)> = SIZE_UNITS
        .iter()
        .copied()
        .filter(|(name, _)| *name == "B" || name.contains('i'))
        .collect();
    unit_text(bytes, &binary, "B")
}

fn unit_text(value: u64, units: &[(&str, u64)], smallest: &str) -> String {
    units
        .iter()
        .rev()
        .find(|(_, factor)| value > 0 && value.is_multiple_of(*factor))
        .map_or_else(
            || format!("{value}{smallest}"),
            |(name, factor)| format!("{}{name}", value / factor),
        )
}

/// Three significant digits, no trailing zeros after the point, no exponent.
fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_exactly() {
        for (text, ns) in [
            ("250us", 250_000),
            ("1.5s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("1 µs", 1_000),
        ] {
            assert_eq!(parse_duration_ns(text), Ok(ns), "{text}");
        }
        for (text, bytes) in [
            ("64KiB", 65_536),
            ("1MB", 1_000_000),
            ("1_000 B", 1_000),
            ("0.5GiB", 1 << 29),
            ("2TiB", 2 << 40),
            ("1.5TB", 1_500_000_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_says_why() {
        assert_eq!(parse_duration_ns("fast"), Err(UnitError::NotANumber));
        assert_eq!(
            parse_duration_ns("50"),
            Err(UnitError::NoUnit {
                number: "50".into()
            })
        );
        let unknown = UnitError::UnknownUnit {
            number: "5".into(),
            unit: "sec".into(),
        };
        assert_eq!(parse_duration_ns("5sec"), Err(unknown));
        assert_eq!(parse_bytes("99999999999GiB"), Err(UnitError::TooLarge));
        assert_eq!(parse_duration_ns("1.2.3ms"), Err(UnitError::NotANumber));
    }

    #[test]
    fn people_read_three_digits() {
        assert_eq!(format_ns(1_234_567.0), "1.23 ms");
        assert_eq!(format_ns(999_600.0), "1 ms");
        assert_eq!(format_ns(125e9), "2 min 5 s");
        assert_eq!(format_ns(100_000e9), "27.8 h");
        assert_eq!(format_bytes((64u64 << 20) as f64), "64 MiB");
        assert_eq!(format_bytes(7200.0 * (1u64 << 30) as f64), "7.03 TiB");
        assert_eq!(format_count(1_000_000), "1,000,000");
        assert_eq!(
            [0.0, 0.004, 0.12, 0.997].map(format_share),
            ["0 %", "<1 %", "12 %", "100 %"]
        );
        assert_eq!(format_ratio(1.94), "1.9×");
        assert_eq!(format_ratio(2300.4), "2,300×");
        assert_eq!(format_ratio(1.04), "1.04×");
        assert_eq!(format_ratio(0.000_56), "0.00056×");
        assert_eq!(format_ratio_range(1.84, 1.96), "1.8–2.0");
        assert_eq!(format_ratio_range(1.921, 1.944), "1.92–1.94");
        assert_eq!(format_ratio_range(0.5, 0.5), "0.50");
        assert_eq!(
            (columns("threads"), columns("线程"), columns("e\u{301}")),
            (7, 4, 1)
        );
    }

    #[test]
    fn what_is_printed_for_a_cell_reads_back() {
        for ns in [1, 250_000, 1_500_000_000, 3_600_000_000_000, 0] {
            assert_eq!(parse_duration_ns(&duration_text(ns)), Ok(ns));
        }
        for bytes in [0, 1, 1 << 16, 1_000_000, 3 << 30, 5 << 40] {
            assert_eq!(parse_bytes(&bytes_text(bytes)), Ok(bytes));
        }
    }
}
