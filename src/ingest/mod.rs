//! Foreign files to observations: one file per format, the only place that knows them.

mod observation;

pub use observation::{
    Extent, JobObservation, Observation, Outcome, Phases, Report, RunFacts, StepObservation, Warning,
    WarningKind,
};
