//! Tests that are moved as one: by the lane's granularity, then by groups.

use std::collections::{BTreeMap, BTreeSet};

use super::Apart;
use super::build::{Inputs, Notes};
use super::error::ModelError;
use crate::config::{Granularity, Group, GroupRule, Pattern};
use crate::ids::{Ix, IxVec, NodeId, TestIx, UnitIx};

/// Tests that are moved as one, before they are a unit.
pub(super) struct Cluster {
    pub(super) lane: usize,
    pub(super) selectors: Vec<String>,
    pub(super) tests: Vec<TestIx>,
    pub(super) divisible: Option<String>,
}

/// Returns the selector that a test falls under.
fn selector(test: &NodeId, file: &str, granularity: Granularity, splits: &BTreeSet<String>) -> String {
    // Where the runner's ids are no paths, the file stands for its tests only by name.
    let class = if test.as_str().starts_with(file) { test.class() } else { file };
    match granularity {
        Granularity::File => file.to_owned(),
        Granularity::Class => class.to_owned(),
        Granularity::Test => test.as_str().to_owned(),
        Granularity::Auto => {
            if !splits.contains(file) {
                file.to_owned()
            } else if class != file && !splits.contains(class) {
                class.to_owned()
            } else {
                test.as_str().to_owned()
            }
        }
    }
}

/// Groups the tests into what is moved as one: by selector, then by together-groups.
pub(super) fn form_clusters(
    inputs: Inputs<'_>,
    lane_of: &IxVec<TestIx, Option<usize>>,
    splits: &BTreeSet<String>,
) -> Result<Vec<Cluster>, ModelError> {
    let Inputs { config, inventory, .. } = inputs;
    let mut by_selector: BTreeMap<(usize, String), Vec<TestIx>> = BTreeMap::new();
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
            let divisible = splittable.then(|| selector.clone());
            Cluster { lane, selectors: vec![selector], tests, divisible }
        })
        .collect();
    for group in config.groups.iter().filter(|group| group.rule == GroupRule::Together) {
        let members = members_of(inputs, group, &clusters);
        let Some(first) = members.first().copied() else { continue };
        if let Some(other) = members.iter().copied().find(|at| clusters[*at].lane != clusters[first].lane) {
            return Err(ModelError::TogetherAcrossLanes {
                group: group.name.clone(),
                origin: group.origin.clone(),
                members: [first, other].map(|at| clusters[at].selectors[0].clone()),
                lanes: [first, other].map(|at| config.lanes[clusters[at].lane].name.clone()),
            });
        }
        for at in members.into_iter().skip(1).rev() {
            let cluster = clusters.remove(at);
            clusters[first].selectors.extend(cluster.selectors);
            clusters[first].tests.extend(cluster.tests);
            clusters[first].divisible = None;
        }
    }
    for cluster in &mut clusters {
        cluster.selectors.sort_unstable();
        cluster.tests.sort_unstable();
    }
    clusters.sort_by(|a, b| (a.lane, &a.selectors).cmp(&(b.lane, &b.selectors)));
    Ok(clusters)
}

/// Returns the positions of the clusters with a test that the group names, in order.
fn members_of(inputs: Inputs<'_>, group: &Group, clusters: &[Cluster]) -> Vec<usize> {
    let named = |ix: &TestIx| {
        let test = &inputs.inventory.tests[*ix];
        group.members.iter().any(|pattern| pattern.matches(&test.id, &test.file))
    };
    (0..clusters.len()).filter(|at| clusters[*at].tests.iter().any(named)).collect()
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
            if members.is_empty() {
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
    let tests = || cluster.tests.iter().map(|ix| &inputs.inventory.tests[*ix]);
    let hit_by = |pattern: &Pattern| tests().any(|test| pattern.matches(&test.id, &test.file));
    // A pattern that names a part of a file stands for that part, any other for the selectors that it hits.
    let parts = group.members.iter().filter(|pattern| pattern.as_str().contains("::") && hit_by(pattern));
    let mut parts: Vec<String> = parts.map(|pattern| pattern.as_str().to_owned()).collect();
    for selector in &cluster.selectors {
        let whole = group.members.iter().filter(|pattern| !pattern.as_str().contains("::"));
        let hit = |pattern: &Pattern| {
            tests().any(|test| {
                test.id.as_str().starts_with(selector.as_str()) && pattern.matches(&test.id, &test.file)
            })
        };
        if whole.into_iter().any(hit) {
            parts.push(selector.clone());
        }
    }
    let [first, second] = [parts.first()?, parts.get(1)?];
    let keeps_both = inputs.config.groups.iter().find(|other| {
        other.rule == GroupRule::Together && cluster.selectors.len() > 1 && other.members.iter().any(hit_by)
    });
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
