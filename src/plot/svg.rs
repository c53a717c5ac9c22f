//! A plotters backend that writes SVG with classes, so that one style sheet colours everything.
//!
//! plotters' coordinates are whole numbers: the canvas is ten times as large as the figure, under a
//! scaled `viewBox`. Its styles are a colour and a width: the class of what is drawn next stands in the
//! page, which the backend shares with [`Canvas`], the only way to draw here.

use super::font::{self, Weight};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::{BLACK, Color, IntoFont, ShapeStyle, TextStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write;
use std::rc::Rc;

/// Canvas units of one pixel.
const SCALE: f64 = 10.0;

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// How a kind of text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Class of the style sheet.
    pub class: &'static str,
    /// Weight.
    pub weight: Weight,
    /// Size in pixels.
    pub size: f64,
}

impl Look {
    /// Width of a text that looks so.
    pub fn width(self, text: &str) -> f64 {
        font::width(text, self.size, self.weight)
    }

    /// The text, or as much of it as fits with an ellipsis.
    pub fn fitted(self, text: &str, room: f64) -> String {
        font::fitted(text, self.size, self.weight, room)
    }
}

#[derive(Default)]
struct Page {
    body: String,
    /// What this figure defines beside the style sheet: patterns and the rules that use them.
    defs: String,
    /// Class of what is drawn next.
    class: String,
    anchor: &'static str,
}

/// What plotters draws on.
struct Svg {
    page: Rc<RefCell<Page>>,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Svg {
    fn write(&self, element: std::fmt::Arguments) -> Drawn {
        // Writing to a string can't fail.
        let _ = self.page.borrow_mut().body.write_fmt(element);
        Ok(())
    }

    fn class(&self) -> String {
        self.page.borrow().class.clone()
    }

    fn path(points: impl IntoIterator<Item = BackendCoord>) -> String {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "{}{x} {y}", if path.is_empty() { 'M' } else { 'L' });
        }
        path
    }
}

impl DrawingBackend for Svg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, _color: BackendColor) -> Drawn {
        self.write(format_args!(
            "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\"/>",
            self.class()
        ))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        _style: &S,
        _fill: bool,
    ) -> Drawn {
        let (width, height) = (right - left, bottom - top);
        self.write(format_args!(
            "<rect class=\"{}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>",
            self.class()
        ))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.write(format_args!(
            "<path class=\"line {}\" stroke-width=\"{}\" d=\"{}\"/>",
            self.class(),
            style.stroke_width(),
            Self::path(path)
        ))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        self.write(format_args!(
            "<circle class=\"{}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" stroke-width=\"{}\"/>",
            self.class(),
            style.stroke_width()
        ))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        _style: &S,
    ) -> Drawn {
        self.write(format_args!(
            "<path class=\"{}\" d=\"{}Z\"/>",
            self.class(),
            Self::path(path)
        ))
    }

    fn draw_text<TStyle: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &TStyle,
        (x, y): BackendCoord,
    ) -> Drawn {
        let anchor = self.page.borrow().anchor;
        self.write(format_args!(
            "<text class=\"{}\" x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor}>{}</text>",
            self.class(),
            style.size(),
            escape(text)
        ))
    }

    fn estimate_text_size<TStyle: BackendTextStyle>(
        &self,
        text: &str,
        style: &TStyle,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((
            font::width(text, style.size(), Weight::Regular).ceil() as u32,
            style.size().ceil() as u32,
        ))
    }
}

/// plotters' style of a line; its colour is the class's.
fn stroked(width: f64) -> ShapeStyle {
    ShapeStyle {
        color: BLACK.to_rgba(),
        filled: false,
        stroke_width: (width * SCALE) as u32,
    }
}

/// Both ends of a straight line, in pixels.
pub type Segment = ((f64, f64), (f64, f64));

/// A figure in the making. All lengths are pixels, y grows downwards.
pub struct Canvas {
    page: Rc<RefCell<Page>>,
    area: DrawingArea<Svg, Shift>,
    width: u32,
    height: u32,
}

impl Canvas {
    /// An empty figure with its background.
    pub fn new(width: u32, height: u32) -> Self {
        let page = Rc::new(RefCell::new(Page::default()));
        let size = (
            (f64::from(width) * SCALE) as u32,
            (f64::from(height) * SCALE) as u32,
        );
        let area = Svg {
            page: page.clone(),
            size,
        }
        .into_drawing_area();
        let canvas = Canvas {
            page,
            area,
            width,
            height,
        };
        canvas.rect("bg", 0.0, 0.0, width.into(), height.into());
        canvas
    }

    fn point(x: f64, y: f64) -> (i32, i32) {
        ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
    }

    fn class(&self, class: &str) {
        class.clone_into(&mut self.page.borrow_mut().class);
    }

    /// A filled rectangle.
    pub fn rect(&self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.class(class);
        let corners = [Self::point(x, y), Self::point(x + width, y + height)];
        // The backend's error type has no values.
        let _ = self.area.draw(&Rectangle::new(corners, BLACK.filled()));
    }

    /// Diagonal lines over a rectangle that was drawn before: a second series of the same colour.
    pub fn hatched(&self, x: f64, y: f64, width: f64, height: f64) {
        let (left, top) = Self::point(x, y);
        let (right, bottom) = Self::point(x + width, y + height);
        // A pattern is no style that plotters knows.
        let _ = write!(
            self.page.borrow_mut().body,
            "<rect fill=\"url(#hatch)\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\"/>",
            right - left,
            bottom - top
        );
    }

    /// A line through points.
    pub fn line(&self, class: &str, stroke: f64, points: &[(f64, f64)]) {
        self.class(class);
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| Self::point(*x, *y)).collect();
        let _ = self.area.draw(&PathElement::new(points, stroked(stroke)));
    }

    /// A dot; its class may give it an outline of `stroke`.
    pub fn dot(&self, class: &str, x: f64, y: f64, radius: f64, stroke: f64) {
        self.class(class);
        let style = ShapeStyle {
            filled: true,
            ..stroked(stroke)
        };
        let _ = self
            .area
            .draw(&Circle::new(Self::point(x, y), radius * SCALE, style));
    }

    /// The same mark at many points, as one element: a figure has hundreds of them.
    pub fn marks(&self, class: &str, shape: usize, radius: f64, points: &[(f64, f64)]) {
        let outline = outline(shape, radius * SCALE);
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = Self::point(*x, *y);
            let _ = write!(path, "M{x} {y}{outline}");
        }
        self.path(class, None, &path);
    }

    /// Straight lines of two points each, as one element.
    pub fn segments(&self, class: &str, stroke: f64, lines: &[Segment]) {
        let mut path = String::new();
        for ((x, y), (to_x, to_y)) in lines {
            let ((x, y), (to_x, to_y)) = (Self::point(*x, *y), Self::point(*to_x, *to_y));
            let _ = write!(path, "M{x} {y}L{to_x} {to_y}");
        }
        self.path(class, Some(stroke), &path);
    }

    /// Adds definitions (patterns, rules of their own) to the document.
    pub fn define(&self, defs: &str) {
        self.page.borrow_mut().defs.push_str(defs);
    }

    /// Rectangles of one height side by side, each from its left to its right end, as one element.
    pub fn stretches(&self, class: &str, top: f64, height: f64, ends: &[(f64, f64)]) {
        let tall = (height * SCALE).round() as i32;
        let mut path = String::new();
        let mut at = None;
        for (left, right) in ends {
            let (x, y) = Self::point(*left, top);
            let wide = (((right - left) * SCALE).round() as i32).max(1);
            let _ = match at {
                None => write!(path, "M{x} {y}"),
                Some(at) => write!(path, "m{} 0", x - at),
            };
            let _ = write!(path, "h{wide}v{tall}h-{wide}z");
            at = Some(x);
        }
        self.path(class, None, &path);
    }

    /// The area between a bottom line and steps of one width above it, as one element.
    pub fn steps(&self, class: &str, left: f64, bottom: f64, width: f64, heights: &[f64]) {
        let to = |x: f64| (x * SCALE).round() as i32;
        if heights.iter().all(|height| to(*height) == 0) {
            return;
        }
        let mut path = format!("M{} {}", to(left), to(bottom));
        let (mut up, mut from) = (0, 0);
        for (number, height) in heights.iter().enumerate() {
            if to(*height) == up {
                continue;
            }
            let x = to(left + width * number as f64) - to(left);
            if x > from {
                let _ = write!(path, "h{}", x - from);
                from = x;
            }
            let _ = write!(path, "v{}", up - to(*height));
            up = to(*height);
        }
        let end = to(left + width * heights.len() as f64) - to(left);
        let _ = write!(path, "h{}V{}z", end - from, to(bottom));
        self.path(class, None, &path);
    }

    /// Elements of several pieces, which plotters doesn't know.
    fn path(&self, class: &str, stroke: Option<f64>, path: &str) {
        if path.is_empty() {
            return;
        }
        let body = &mut self.page.borrow_mut().body;
        let _ = match stroke {
            Some(stroke) => write!(
                body,
                "<path class=\"line {class}\" stroke-width=\"{}\" d=\"{path}\"/>",
                (stroke * SCALE) as u32
            ),
            None => write!(body, "<path class=\"{class}\" d=\"{path}\"/>"),
        };
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// A line of text with its baseline at `y`.
    pub fn text(&self, look: Look, anchor: Anchor, x: f64, y: f64, text: &str) {
        match look.weight {
            Weight::Semibold => self.class(&format!("{} b", look.class)),
            Weight::Regular => self.class(look.class),
        }
        self.page.borrow_mut().anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let style = TextStyle::from(("sans-serif", look.size * SCALE).into_font());
        let _ = self
            .area
            .draw(&Text::new(text.to_owned(), Self::point(x, y), style));
    }

    /// The finished document. `title` is what readers of the figure's code are told.
    pub fn finish(self, title: &str, style: &str) -> String {
        let Canvas {
            page,
            width,
            height,
            ..
        } = self;
        let Page { body, defs, .. } = std::mem::take(&mut *page.borrow_mut());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {}0 {}0\"><title>{}</title><defs><style>{style}</style>{HATCH}{defs}</defs>{body}</svg>",
            width,
            height,
            escape(title)
        )
    }
}

/// Shapes of marks, by number.
pub const SHAPES: usize = 8;

/// A mark's outline from its centre on, in the canvas's units.
fn outline(shape: usize, radius: f64) -> String {
    let steps = |steps: &[(f64, f64)]| {
        let mut path = String::new();
        for (number, (x, y)) in steps.iter().enumerate() {
            let command = if number == 0 { 'm' } else { 'l' };
            let (x, y) = ((x * radius).round() as i32, (y * radius).round() as i32);
            let _ = write!(path, "{command}{x} {y}");
        }
        path + "z"
    };
    match shape % SHAPES {
        0 => {
            let radius = radius.round() as i32;
            format!(
                "m-{radius} 0a{radius} {radius} 0 1 0 {0} 0a{radius} {radius} 0 1 0-{0} 0z",
                2 * radius
            )
        }
        1 => steps(&[(-0.9, -0.9), (1.8, 0.0), (0.0, 1.8), (-1.8, 0.0)]),
        2 => steps(&[(0.0, -1.2), (1.15, 2.1), (-2.3, 0.0)]),
        3 => steps(&[(0.0, -1.3), (1.3, 1.3), (-1.3, 1.3), (-1.3, -1.3)]),
        4 => steps(&[(0.0, 1.2), (1.15, -2.1), (-2.3, 0.0)]),
        5 => steps(&[
            (-0.4, -1.2),
            (0.8, 0.0),
            (0.0, 0.8),
            (0.8, 0.0),
            (0.0, 0.8),
            (-0.8, 0.0),
            (0.0, 0.8),
            (-0.8, 0.0),
            (0.0, -0.8),
            (-0.8, 0.0),
            (0.0, -0.8),
            (0.8, 0.0),
        ]),
        6 => steps(&[(-1.3, -0.6), (2.6, 0.0), (0.0, 1.2), (-2.6, 0.0)]),
        _ => steps(&[(-0.6, -1.3), (1.2, 0.0), (0.0, 2.6), (-1.2, 0.0)]),
    }
}

/// Diagonal lines over a bar: a second series of the same model.
const HATCH: &str = "<pattern id=\"hatch\" width=\"60\" height=\"60\" patternUnits=\"userSpaceOnUse\" \
                     patternTransform=\"rotate(45)\"><path class=\"hatch\" stroke-width=\"18\" d=\"M0 0V60\"/>\
                     </pattern>";

/// Text for XML; what XML forbids is left out.
fn escape(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_carry_classes_and_tenths_of_pixels() {
        let canvas = Canvas::new(100, 50);
        canvas.rect("s1", 1.25, 2.0, 3.0, 4.0);
        let look = Look {
            class: "ink",
            weight: Weight::Semibold,
            size: 12.0,
        };
        canvas.text(look, Anchor::End, 10.0, 20.0, "a < b & c\u{7}");
        canvas.line("grid", 1.0, &[(0.0, 0.0), (5.0, 5.0)]);
        canvas.dot("run", 5.0, 5.0, 2.0, 1.0);
        let svg = canvas.finish("t", "");
        for part in [
            "viewBox=\"0 0 1000 500\"",
            "<rect class=\"s1\" x=\"13\" y=\"20\" width=\"30\" height=\"40\"/>",
            "<text class=\"ink b\" x=\"100\" y=\"200\" font-size=\"120\" text-anchor=\"end\">a &lt; b &amp; c</text>",
            "<path class=\"line grid\" stroke-width=\"10\" d=\"M0 0L50 50\"/>",
            "<circle class=\"run\" cx=\"50\" cy=\"50\" r=\"20\" stroke-width=\"10\"/>",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
    }
}
