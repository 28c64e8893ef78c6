//! Charts as plain shapes: laid out once, then drawn into a page or a file of their own.
//!
//! A chart is a list of [`Shape`]s with their places in pixels and a [`Role`] each instead of a colour, so that the same
//! chart is drawn light, dark and on paper. No plotting crate is behind it: those that are kept up draw pixels or
//! SVG without names, and what a chart must tell a screen reader and a keyboard is in exactly these names.

mod frontier;
pub mod png;
mod runs;
mod scale;
mod scene;
mod style;
pub mod svg;
mod timeline;

pub use frontier::frontier;
pub use runs::runs;
pub use scene::{Anchor, Chart, Mark, Role, Shape};
pub use style::{Medium, stylesheet};
pub use timeline::timeline;

use super::page::Report;

/// Returns every chart of a report, each as wide as a pull request shows it.
#[must_use]
pub fn of(report: &Report) -> Vec<Chart> {
    let charts = [
        Some(frontier(&report.frontier, &report.plan, Width::Wide)),
        Some(timeline(&report.timeline, Width::Wide)),
        runs(&report.runs, Width::Wide),
    ];
    charts.into_iter().flatten().collect()
}

/// How wide a chart is: its text keeps its size, so a narrow one is laid out anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// For a page on a screen, for paper and for pull requests.
    Wide,
    /// For a telephone.
    Narrow,
}

impl Width {
    const fn pixels(self) -> f64 {
        match self {
            Self::Wide => 920.0,
            Self::Narrow => 340.0,
        }
    }
}
