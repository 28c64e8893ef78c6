//! The model: from tests, estimates and the manifest to a [`Problem`] of whole numbers.

mod limits;
mod problem;
mod service_set;

pub use limits::Limits;
pub use problem::{Apart, Floor, LaneModel, Problem, ServiceModel, Unit};
pub use service_set::ServiceSet;
