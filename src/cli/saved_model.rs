//! A problem in a file of its own: `--from-model` reads what `--save-model` wrote.

use std::path::Path;

use super::args::LimitArgs;
use super::console::{Failure, chain, shown_path};
use super::files::{read_text, write_whole};
use super::project::typed_limits;
use crate::config::{Origin, Sourced};
use crate::model::{Limits, Model, SavedModelV1};

/// Returns the problem that a file holds, with its limits where the command line says nothing else.
pub(super) fn read(path: &Path, typed: &LimitArgs) -> Result<(Model, Limits), Failure> {
    let shown = shown_path(path);
    let bad = |error: crate::model::SavedModelError| {
        Failure::bad_input(chain(&error))
            .with_hint("`shardplan suggest --save-model FILE` writes such a file")
    };
    let saved = SavedModelV1::parse(&read_text(path)?, &shown).map_err(bad)?;
    let (mut problem, saved_limits) = saved.problem(&shown).map_err(bad)?;
    if let Some(slots) = typed.slots {
        problem.slots = Some(Sourced::new(slots, Origin::CommandLine("--slots")));
    }
    let typed = typed_limits(typed);
    let limits = Limits {
        containers: typed.containers.or(saved_limits.containers),
        shards: typed.shards.or(saved_limits.shards),
        minutes: typed.minutes.or(saved_limits.minutes),
        target: typed.target.or(saved_limits.target),
    };
    Ok((Model::of_problem(problem), limits))
}

/// Writes a problem and its limits.
pub(super) fn write(path: &Path, model: &Model, limits: &Limits) -> Result<(), Failure> {
    write_whole(path, SavedModelV1::new(&model.problem, limits).render())
}
