//! The model: from tests, estimates and the manifest to a [`Problem`] of whole numbers.

mod build;
mod clusters;
mod error;
mod graph;
mod leeway;
mod limits;
mod notes;
mod problem;
mod provision;
mod saved;
mod service_set;
mod setups;

pub use build::{Inputs, Model, UnitFacts, build};
pub use error::ModelError;
pub use graph::{ConstraintGraph, Node, Reason, Relation, UnknownService};
pub use leeway::Leeway;
pub use limits::Limits;
pub use notes::{Idle, Notes};
pub use problem::{
    Apart, Floor, LaneModel, OtherJob, Problem, RunnerModel, Runners, ServiceKind, ServiceModel, SuiteOrder,
    Unit,
};
pub use provision::{NotProvisioned, WhyNot};
pub use saved::{SavedModelError, SavedModelV1};
pub use service_set::ServiceSet;
