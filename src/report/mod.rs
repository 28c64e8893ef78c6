//! What people and programs read of a plan: everything is worked out once ([`summary`]) and then only formatted.

pub mod backtest;
pub mod chart;
mod csv;
mod dot;
pub mod explanation;
pub mod html;
pub mod json_v1;
mod markdown;
mod moves;
pub mod page;
mod schedule;
pub mod select_v1;
mod sentences;
mod simulation;
pub mod summary;
mod text;
pub mod verification;

pub use csv::{frontier as frontier_csv, plan as plan_csv};
pub use dot::{constraint_graph, critical_path, job_graph};
pub use markdown::{
    escaped as markdown_escaped, explanation as explanation_markdown, for_comment,
    frontier as frontier_markdown, plan as plan_markdown,
};
pub use schedule::{ScheduleSummary, ScheduleV1};
pub use sentences::{clash, conflict_title, cure, plural};
pub use simulation::{SimulationSummary, SimulationV1};
pub use text::{explanation as explanation_text, frontier as frontier_text, plan as plan_text, table};
