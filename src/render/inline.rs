//! A line of text in each form, escaped; what stands between backticks becomes code.
//!
//! Messages name keys and values as `repeat = 5`; everything else in them is text, whoever wrote it. To
//! add a form: its escape and a function like the others.

/// Text for HTML, attributes included.
pub fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Text for Markdown, where nothing of it is markup.
pub fn escape_markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '$' | '~'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Text for LaTeX.
pub fn escape_latex(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            '×' => escaped.push_str("$\\times$"),
            '–' => escaped.push_str("--"),
            'µ' => escaped.push_str("$\\mu$"),
            '±' => escaped.push_str("$\\pm$"),
            '·' => escaped.push_str("$\\cdot$"),
            // A bracket behind a line's end would be read as its optional argument.
            '[' => escaped.push_str("{[}"),
            ']' => escaped.push_str("{]}"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A line for HTML.
pub fn html(text: &str) -> String {
    pieces(text, escape_html, |code| {
        format!("<code>{}</code>", escape_html(code))
    })
}

/// A line for Markdown. A line's end in it is a space: behind an empty line nothing would be code any more.
pub fn markdown(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    pieces(&line, escape_markdown, |code| format!("`{code}`"))
}

/// A line for LaTeX.
pub fn latex(text: &str) -> String {
    pieces(text, escape_latex, |code| {
        format!("\\texttt{{{}}}", escape_latex(code))
    })
}

/// Every second piece between backticks is code, where the backticks come in pairs.
fn pieces(text: &str, plain: fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) || parts.iter().skip(1).step_by(2).any(|part| part.is_empty())
    {
        return plain(text);
    }
    let write = |(index, part): (usize, &&str)| match index % 2 {
        0 => plain(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_markdown_is_markup_of_its_writer() {
        assert_eq!(markdown("`a\n\n<script>`"), "`a  <script>`", "still code");
        assert_eq!(markdown("a\n\n<b>"), "a  \\<b\\>");
    }

    #[test]
    fn text_is_escaped_for_each_form() {
        assert_eq!(escape_html("<b>&\""), "&lt;b&gt;&amp;&quot;");
        assert_eq!(escape_latex("50_% & ×"), "50\\_\\% \\& $\\times$");
        assert_eq!(escape_markdown("a*b"), "a\\*b");
    }

    #[test]
    fn pairs_of_backticks_are_code_and_odd_ones_are_text() {
        assert_eq!(
            html("set `a = <1>` & run"),
            "set <code>a = &lt;1&gt;</code> &amp; run"
        );
        assert_eq!(markdown("set `a_b` or a_b"), "set `a_b` or a\\_b");
        assert_eq!(latex("set `a_b`"), "set \\texttt{a\\_b}");
        assert_eq!(html("an odd ` one"), "an odd ` one");
        assert_eq!(html("``"), "``");
    }
}
