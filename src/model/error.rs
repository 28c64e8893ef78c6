//! Models that can not be built, and what to do about it.

use super::graph::UnknownService;
use super::{Problem, ServiceSet};
use crate::config::Origin;
use crate::ids::{LaneName, NodeId};

/// A model that can not be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is nothing to plan.
    #[error("there are no tests to plan")]
    NoTests,
    /// Tests need services that the manifest does not declare.
    #[error("{} needs service `{}`, which the manifest does not declare ({})", .0[0].test, .0[0].service, .0[0].origin)]
    UnknownServices(Vec<UnknownService>),
    /// More services than the model holds.
    #[error("{0} services are declared; a model holds at most {max}", max = ServiceSet::MAX_SERVICES)]
    TooManyServices(usize),
    /// The runners of the lanes can be chosen in more ways than are looked at.
    #[error("the runners of the lanes can be chosen in {0} ways; at most {max} are looked at", max = Problem::MOST_WAYS)]
    TooManyWays(u64),
    /// A test is in two lanes.
    #[error("{test} is selected by two lanes, `{}` ({}) and `{}` ({}): it would run twice ({count})", lanes[0].0, lanes[0].1, lanes[1].0, lanes[1].1, count = such_tests(*others))]
    InTwoLanes {
        /// The first such test.
        test: NodeId,
        /// The lanes, with where they are declared.
        lanes: [(LaneName, Origin); 2],
        /// How many more there are.
        others: usize,
    },
    /// A group joins files of a lane that keeps the suite's order.
    #[error(
        "group `{group}` ({group_origin}) joins files of lane `{lane}`, which keeps the order of the suite ({origin})"
    )]
    TogetherInOrder {
        /// The group.
        group: String,
        /// Where it is declared.
        group_origin: Origin,
        /// The lane.
        lane: LaneName,
        /// Where the order is said.
        origin: Origin,
    },
    /// Tests are in no lane.
    #[error("{test} is selected by no lane: it would run nowhere ({count})", count = such_tests(*others))]
    InNoLane {
        /// The first such test.
        test: NodeId,
        /// How many more there are.
        others: usize,
    },
    /// A group wants tests of two lanes in one shard.
    #[error("group `{group}` ({origin}) wants `{}` and `{}` in one shard, but they are of lanes `{}` and `{}`", members[0], members[1], lanes[0], lanes[1])]
    TogetherAcrossLanes {
        /// The group.
        group: String,
        /// Where it is declared.
        origin: Origin,
        /// A member of each lane.
        members: [String; 2],
        /// The lanes.
        lanes: [LaneName; 2],
    },
    /// Two groups contradict each other.
    #[error("group `{apart}` ({apart_origin}) wants `{}` and `{}` apart, but {together} together", members[0], members[1])]
    TogetherAndApart {
        /// The group that wants them apart.
        apart: String,
        /// Where it is declared.
        apart_origin: Origin,
        /// What keeps them together.
        together: String,
        /// Two members.
        members: [String; 2],
    },
}

/// Returns how many tests an error is about, beside the one that it names.
fn such_tests(others: usize) -> String {
    if others == 0 { "1 such test".to_owned() } else { format!("{} such tests", others + 1) }
}

impl ModelError {
    /// Returns whether constraints clash, rather than an input being wrong.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::TogetherAcrossLanes { .. } | Self::TogetherAndApart { .. })
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoTests => "ingest a test report, or name an inventory with `--inventory`".to_owned(),
            Self::UnknownServices(unknown) => match &unknown[0].near {
                Some(near) => format!("did you mean `{near}`? Else declare it with `[services.{}]`", unknown[0].service),
                None => format!("declare it in the manifest with `[services.{}]`", unknown[0].service),
            },
            Self::TooManyWays(_) => "leave runners out of `runners` that a lane will hardly take".to_owned(),
            Self::TooManyServices(_) => "declare one service for those that always start together".to_owned(),
            Self::InTwoLanes { .. } => "narrow `paths`, `exclude` or `markers` of one of the two".to_owned(),
            Self::InNoLane { .. } => {
                "widen a lane's `paths` or `markers`, or leave such tests out with `unassigned = \"ignore\"` in `[project]`".to_owned()
            }
            Self::TogetherAcrossLanes { .. } => "a shard belongs to one lane: take the members of one lane".to_owned(),
            Self::TogetherInOrder { .. } => {
                "remove the group, or let the lane's order be free: what follows one another may be in one shard anyway".to_owned()
            }
            Self::TogetherAndApart { .. } => "take one of the two out of a group, or use a finer `unit`".to_owned(),
        }
    }
}
