//! A figure as PNG, from the same SVG that browsers show.

use crate::plot::Drawing;
use crate::plot::font::{self, REGULAR, SEMIBOLD};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::sync::{Arc, LazyLock};

/// The bundled font alone: the same picture on every machine.
static BUNDLED: LazyLock<Arc<Database>> = LazyLock::new(|| Arc::new(bundled()));

/// With the machine's fonts behind it, for what the bundled one lacks.
static WITH_SYSTEM: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = bundled();
    fonts.load_system_fonts();
    Arc::new(fonts)
});

fn bundled() -> Database {
    let mut fonts = Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMIBOLD.to_vec());
    fonts.set_sans_serif_family("Inter");
    fonts
}

/// The figure's PNG, `scale` pixels for each of its own.
///
/// # Errors
/// Where the SVG is none, or the picture too large.
pub fn png(drawing: &Drawing, scale: f32) -> Result<Vec<u8>, String> {
    // Loading the machine's fonts takes longer than drawing: only for text that needs them.
    let fonts = if font::covers(&drawing.alt) {
        &BUNDLED
    } else {
        &WITH_SYSTEM
    };
    let options = Options {
        fontdb: Arc::clone(fonts),
        font_family: "Inter".to_owned(),
        ..Options::default()
    };
    let tree = Tree::from_str(&drawing.svg, &options).map_err(|error| error.to_string())?;
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
