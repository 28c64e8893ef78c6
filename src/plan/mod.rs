//! The plan: what the solver found, checked before it is shown.

pub mod check;

pub use check::{Fault, check};
