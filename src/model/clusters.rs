//! Tests that are moved as one: by the lane's granularity, then by groups.

use std::collections::{BTreeMap, BTreeSet};

use super::Apart;
use super::build::Inputs;
use super::error::ModelError;
use super::notes::Notes;
use crate::config::{Granularity, Group, GroupRule, Pattern};
use crate::ids::{Ix, IxVec, NodeId, TestIx, UnitIx};

/// Tests that are moved as one, before they are a unit.
pub(super) struct Cluster {
    pub(super) lane: usize,
    /// What was put together, sorted by selector; one part where no group joined others to it.
    pub(super) parts: Vec<Part>,
    /// The selector that could be split to make this smaller, where the lane allows it.
    pub(super) divisible: Option<String>,
}

/// The tests of one selector.
pub(super) struct Part {
    pub(super) selector: String,
    pub(super) tests: Vec<TestIx>,
}

impl Cluster {
    /// Returns its selectors in order.
    pub(super) fn selectors(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.selector.clone()).collect()
    }

    /// Returns its tests in order.
    pub(super) fn tests(&self) -> Vec<TestIx> {
        let mut tests: Vec<TestIx> = self.parts.iter().flat_map(|part| part.tests.iter().copied()).collect();
        tests.sort_unstable();
        tests
    }

    fn first(&self) -> &str {
        self.parts.first().map_or("", |part| &part.selector)
    }
}

/// Returns the selector that a test falls under: the one that the lane's granularity gives, or a finer one where
/// that is split.
fn selector<'t>(
    test: &'t NodeId,
    file: &'t str,
    granularity: Granularity,
    splits: &BTreeSet<String>,
) -> &'t str {
    // Where the runner's ids are no paths, the file stands for its tests only by name.
    let class = Some(test.class()).filter(|class| class.starts_with(file)).unwrap_or(file);
    let finest = match granularity {
        Granularity::File | Granularity::Auto => [file, class],
        Granularity::Class => [class, class],
        Granularity::Test => [test.as_str(), test.as_str()],
    };
    finest.into_iter().find(|selector| !splits.contains(*selector)).unwrap_or(test.as_str())
}

/// Groups the tests into what is moved as one: by selector, then by together-groups.
pub(super) fn form_clusters(
    inputs: Inputs<'_>,
    lane_of: &IxVec<TestIx, Option<usize>>,
    splits: &BTreeSet<String>,
) -> Result<Vec<Cluster>, ModelError> {
    let Inputs { config, inventory, .. } = inputs;
    let mut by_selector: BTreeMap<(usize, &str), Vec<TestIx>> = BTreeMap::new();
    for (ix, test) in inventory.tests.iter_enumerated() {
        if let Some(lane) = lane_of[ix] {
            let selector = selector(&test.id, &test.file, config.lanes[lane].unit, splits);
            by_selector.entry((lane, selector)).or_default().push(ix);
        }
    }
    let mut clusters: Vec<Cluster> = by_selector
        .into_iter()
        .map(|((lane, selector), tests)| {
            let splittable = config.lanes[lane].unit == Granularity::Auto && tests.len() > 1;
            let divisible = splittable.then(|| selector.to_owned());
            Cluster { lane, parts: vec![Part { selector: selector.to_owned(), tests }], divisible }
        })
        .collect();
    for group in config.groups.iter().filter(|group| group.rule == GroupRule::Together) {
        let members = members_of(inputs, group, &clusters);
        let Some(first) = members.first().copied() else { continue };
        if let Some(other) = members.iter().copied().find(|at| clusters[*at].lane != clusters[first].lane) {
            return Err(ModelError::TogetherAcrossLanes {
                group: group.name.clone(),
                origin: group.origin.clone(),
                members: [first, other].map(|at| clusters[at].first().to_owned()),
                lanes: [first, other].map(|at| config.lanes[clusters[at].lane].name.clone()),
            });
        }
        if let Some(origin) = &config.lanes[clusters[first].lane].keeps_order {
            let lane = &config.lanes[clusters[first].lane].name;
            if members.len() > 1 {
                return Err(ModelError::TogetherInOrder {
                    group: group.name.clone(),
                    group_origin: group.origin.clone(),
                    lane: lane.clone(),
                    origin: origin.clone(),
                });
            }
        }
        for at in members.into_iter().skip(1).rev() {
            let cluster = clusters.remove(at);
            clusters[first].parts.extend(cluster.parts);
            clusters[first].divisible = None;
        }
    }
    for cluster in &mut clusters {
        cluster.parts.sort_unstable_by(|a, b| a.selector.cmp(&b.selector));
    }
    clusters.sort_by(|a, b| {
        let by_name = || a.first().cmp(b.first());
        a.lane.cmp(&b.lane).then_with(|| match config.lanes[a.lane].keeps_order {
            Some(_) => suite_order(a.first()).cmp(suite_order(b.first())).then_with(by_name),
            None => by_name(),
        })
    });
    Ok(clusters)
}

/// Returns what files are sorted by in the suite: pytest 8 goes through a folder's files and folders by name.
fn suite_order(file: &str) -> impl Iterator<Item = &str> {
    file.split('/')
}

/// Returns the positions of the clusters with a test that the group names, in order.
fn members_of(inputs: Inputs<'_>, group: &Group, clusters: &[Cluster]) -> Vec<usize> {
    let named = |ix: &TestIx| {
        let test = &inputs.inventory.tests[*ix];
        group.members.iter().any(|pattern| pattern.matches(&test.id, &test.file))
    };
    (0..clusters.len())
        .filter(|at| clusters[*at].parts.iter().any(|part| part.tests.iter().any(named)))
        .collect()
}

pub(super) fn apart_groups(
    inputs: Inputs<'_>,
    clusters: &[Cluster],
    notes: &mut Notes,
) -> Result<Vec<Apart>, ModelError> {
    let mut groups = Vec::new();
    for group in &inputs.config.groups {
        let members = members_of(inputs, group, clusters);
        if group.rule == GroupRule::Together {
            // Its members are one cluster by now.
            let joined = members.iter().any(|at| clusters[*at].parts.len() > 1);
            if !joined {
                notes.idle_groups.push(group.name.clone());
            }
            continue;
        }
        for at in &members {
            if let Some(error) = torn_apart(inputs, group, &clusters[*at]) {
                return Err(error);
            }
        }
        let mut found = false;
        for lane in members.iter().map(|at| clusters[*at].lane).collect::<BTreeSet<_>>() {
            let units: Vec<UnitIx> = members
                .iter()
                .filter(|at| clusters[**at].lane == lane)
                .map(|at| UnitIx::from_position(*at))
                .collect();
            if units.len() > 1 {
                found = true;
                groups.push(Apart { name: group.name.clone(), origin: group.origin.clone(), units });
            }
        }
        if !found {
            notes.idle_groups.push(group.name.clone());
        }
    }
    Ok(groups)
}

/// Returns the contradiction where a group wants two parts of one cluster apart.
fn torn_apart(inputs: Inputs<'_>, group: &Group, cluster: &Cluster) -> Option<ModelError> {
    let matches = |pattern: &Pattern, ix: &TestIx| {
        let test = &inputs.inventory.tests[*ix];
        pattern.matches(&test.id, &test.file)
    };
    // A pattern that names a part of a file stands for that part, any other for the selectors that it hits.
    let mut wanted: Vec<(String, BTreeSet<TestIx>)> = Vec::new();
    for pattern in &group.members {
        if pattern.as_str().contains("::") {
            let tests = cluster.parts.iter().flat_map(|part| &part.tests);
            let hit = tests.copied().filter(|ix| matches(pattern, ix)).collect();
            wanted.push((pattern.as_str().to_owned(), hit));
        } else {
            for part in cluster.parts.iter().filter(|part| part.tests.iter().any(|ix| matches(pattern, ix))) {
                wanted.push((part.selector.clone(), part.tests.iter().copied().collect()));
            }
        }
    }
    wanted.retain(|(_, tests)| !tests.is_empty());
    // A class and the file around it are no two things; what has no test in common is.
    let (first, second) = wanted.iter().enumerate().find_map(|(at, (name, tests))| {
        let (other, _) = wanted[at + 1..].iter().find(|(_, others)| tests.is_disjoint(others))?;
        Some((name, other))
    })?;
    let joins = |other: &&Group| {
        let hit =
            |part: &Part| part.tests.iter().any(|ix| other.members.iter().any(|member| matches(member, ix)));
        other.rule == GroupRule::Together && cluster.parts.iter().filter(|part| hit(part)).count() > 1
    };
    let keeps_both = inputs.config.groups.iter().find(joins);
    Some(ModelError::TogetherAndApart {
        apart: group.name.clone(),
        apart_origin: group.origin.clone(),
        together: keeps_both.map_or_else(
            || "the lane moves them as one unit,".to_owned(),
            |other| format!("group `{}` ({}) wants them", other.name, other.origin),
        ),
        members: [first.clone(), second.clone()],
    })
}
