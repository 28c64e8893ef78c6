//! The model: from tests, estimates and the manifest to a [`Problem`] of whole numbers.

mod build;
mod graph;
mod limits;
mod problem;
mod service_set;

pub use build::{Inputs, Model, ModelError, NotProvisioned, Notes, UnitFacts, WhyNot, build};
pub use graph::{ConstraintGraph, Node, Reason, Relation, UnknownService};
pub use limits::Limits;
pub use problem::{Apart, Floor, LaneModel, Problem, ServiceModel, Unit};
pub use service_set::ServiceSet;
