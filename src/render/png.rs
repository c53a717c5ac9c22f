//! A figure as PNG, from the same SVG that browsers show.

use crate::plot::Drawing;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// The figure's PNG, `scale` pixels for each of its own.
///
/// # Errors
/// Where the SVG is none, or the picture too large.
pub fn png(drawing: &Drawing, scale: f32) -> Result<Vec<u8>, String> {
    let tree =
        Tree::from_str(&drawing.svg, &Options::default()).map_err(|error| error.to_string())?;
    let pixels = |length: u32| (length as f32 * scale).round() as u32;
    let mut canvas =
        Pixmap::new(pixels(drawing.width), pixels(drawing.height)).ok_or("too large")?;
    let factor = |target: u32, own: f32| target as f32 / own;
    let size = tree.size();
    let transform = Transform::from_scale(
        factor(canvas.width(), size.width()),
        factor(canvas.height(), size.height()),
    );
    resvg::render(&tree, transform, &mut canvas.as_mut());
    canvas.encode_png().map_err(|error| error.to_string())
}
