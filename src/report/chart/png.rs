//! Charts as PNG, for mail, chat and whatever else shows no SVG.
//!
//! What is drawn is the SVG file on its light ground, at twice its size so that text stays sharp. The letters come
//! from two fonts inside the program and never from the machine: the same chart is the same bytes everywhere. A letter
//! that neither font has (Chinese, say) is left out; the SVG has it.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::style::Medium;
use super::{Chart, svg};

/// How many pixels of the picture one of the chart's is.
const SCALE: f32 = 2.0;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The drawing is not understood: a fault of ours.
    #[error("the drawing is not understood")]
    Drawing(#[from] Box<usvg::Error>),
    /// The picture is larger than a memory can hold.
    #[error("a picture of {0} × {1} pixels is too large")]
    Size(f32, f32),
    /// The picture can't be packed: a fault of ours.
    #[error("the picture can't be packed: {0}")]
    Packing(String),
}

/// Returns the chart as the bytes of a PNG file, twice as wide and high in pixels as the chart is.
pub fn file(chart: &Chart) -> Result<Vec<u8>, PngError> {
    let options = usvg::Options { fontdb: Arc::new(fonts()), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(&svg::file(chart, Medium::Light), &options).map_err(Box::new)?;
    let size = tree.size();
    let (width, height) = (size.width() * SCALE, size.height() * SCALE);
    let whole = size.to_int_size().scale_by(SCALE);
    let pixels = whole.and_then(|whole| Pixmap::new(whole.width(), whole.height()));
    let mut pixels = pixels.ok_or(PngError::Size(width, height))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PngError::Packing(error.to_string()))
}

/// Returns the two fonts: one for text, and one for the arrows and signs that it lacks.
fn fonts() -> fontdb::Database {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
    fonts.set_sans_serif_family("Ubuntu");
    fonts
}
