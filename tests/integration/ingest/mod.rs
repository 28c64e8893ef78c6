//! The readers over whole files: those that other projects published, and small ones in each tool's own shape.

mod hostile;
mod published;
mod shapes;
