//! Which services a scope reaches, how strongly that is known, and by which way.
//!
//! For every service and every strength there is a search backwards from what touches it; each scope then knows its
//! next step on a shortest way. A test that replaces names on that way is searched forwards by itself.

use std::collections::{BTreeMap, VecDeque};

use ruff_text_size::TextRange;

use super::links::{Link, Links, TouchKind};
use super::program::ScopeIx;
use super::signs::Sought;

/// How a scope reaches a service, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// What is reached decides whether the test is skipped.
    Guard,
    /// A client is made or a connection opened.
    Client,
    /// A container is started.
    Container,
    /// A variable about it is read.
    Variable,
}

/// The way from a scope to what touches a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) strength: Strength,
    /// The scopes on it, each with the place where it leads on; the last with what touches the service.
    pub(super) steps: Vec<(ScopeIx, TextRange)>,
    /// What touches the service.
    pub(super) what: String,
    /// The names that it goes through: who replaces one of them goes another way, if any.
    pub(super) via: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Nowhere,
    /// The scope's own touch at this position.
    Touch(u32),
    /// The scope's own link at this position.
    Link(u32),
}

/// A search: for which service, and how strong what it starts from is.
type Layer = (Sought, Strength);

/// The answers for all scopes.
#[derive(Debug)]
pub(super) struct Reach<'l> {
    links: &'l [Links],
    layers: BTreeMap<(Sought, Strength), Vec<Next>>,
}

impl<'l> Reach<'l> {
    /// Returns what all scopes reach.
    pub(super) fn new(links: &'l [Links]) -> Self {
        let mut backwards: Vec<Vec<(u32, u32)>> = vec![Vec::new(); links.len()];
        for (from, out) in links.iter().enumerate() {
            for (at, link) in out.out.iter().enumerate() {
                backwards[link.to.0 as usize].push((to_u32(from), to_u32(at)));
            }
        }
        let mut seeds: BTreeMap<(Sought, Strength), Vec<(u32, Next)>> = BTreeMap::new();
        for (scope, out) in links.iter().enumerate() {
            for (at, touch) in out.touches.iter().enumerate() {
                let strength = match touch.kind {
                    TouchKind::Client => Strength::Client,
                    TouchKind::Container => Strength::Container,
                    TouchKind::Variable => Strength::Variable,
                    TouchKind::Named => Strength::Guard,
                };
                seeds
                    .entry((touch.service, strength))
                    .or_default()
                    .push((to_u32(scope), Next::Touch(to_u32(at))));
                if touch.guard && strength != Strength::Guard {
                    seeds
                        .entry((touch.service, Strength::Guard))
                        .or_default()
                        .push((to_u32(scope), Next::Touch(to_u32(at))));
                }
            }
        }
        let mut layers = BTreeMap::new();
        let plain: Vec<(Layer, Vec<(u32, Next)>)> = seeds
            .iter()
            .filter(|((_, strength), _)| *strength != Strength::Guard)
            .map(|(key, seeds)| (*key, seeds.clone()))
            .collect();
        for (key, seeds) in plain {
            layers.insert(key, search(links, &backwards, &seeds, key.0));
        }
        // A guard that leads to a service by whatever way makes its scope guarded.
        let mut guards: BTreeMap<Sought, Vec<(u32, Next)>> = BTreeMap::new();
        for ((service, _), next) in &layers {
            for (scope, out) in links.iter().enumerate() {
                for (at, link) in out.out.iter().enumerate() {
                    if link.guard && link.leads_to(*service) && next[link.to.0 as usize] != Next::Nowhere {
                        guards.entry(*service).or_default().push((to_u32(scope), Next::Link(to_u32(at))));
                    }
                }
            }
        }
        for ((service, strength), seeds) in seeds {
            if strength == Strength::Guard {
                guards.entry(service).or_default().extend(seeds);
            }
        }
        for (service, seeds) in guards {
            layers.insert((service, Strength::Guard), search(links, &backwards, &seeds, service));
        }
        Self { links, layers }
    }

    /// Returns every service that a scope reaches with its strongest way, where nothing in `replaced` (sorted) is on it.
    pub(super) fn ways(&self, from: ScopeIx, replaced: &[u64]) -> BTreeMap<Sought, Way> {
        let mut ways: BTreeMap<Sought, Way> = BTreeMap::new();
        for ((service, strength), next) in &self.layers {
            if next[from.0 as usize] == Next::Nowhere || ways.contains_key(service) {
                continue;
            }
            if let Some(way) = self.follow(from, *service, *strength, next, replaced) {
                ways.insert(*service, way);
            }
        }
        ways
    }

    /// Returns whether a scope reaches any service at all.
    pub(super) fn reaches_any(&self, from: ScopeIx) -> bool {
        self.layers.values().any(|next| next[from.0 as usize] != Next::Nowhere)
    }

    /// Returns whether a scope makes a client of a service, or starts one.
    pub(super) fn opens_any(&self, from: ScopeIx) -> bool {
        self.opens(from).next().is_some()
    }

    /// Returns the services of which a scope makes a client.
    pub(super) fn opens(&self, from: ScopeIx) -> impl Iterator<Item = Sought> {
        let firm = |strength: Strength| matches!(strength, Strength::Client | Strength::Container);
        let layers = self.layers.iter();
        let opened = layers
            .filter(move |((_, strength), next)| firm(*strength) && next[from.0 as usize] != Next::Nowhere);
        opened.map(|((service, _), _)| *service)
    }

    fn follow(
        &self,
        from: ScopeIx,
        service: Sought,
        strength: Strength,
        next: &[Next],
        replaced: &[u64],
    ) -> Option<Way> {
        let mut steps = Vec::new();
        let mut gone = Vec::new();
        let mut at = from;
        let blocked =
            |via: &[u64]| !replaced.is_empty() && via.iter().any(|mark| replaced.binary_search(mark).is_ok());
        // In the layer of guards the way ends at the guard; from there any other layer goes on.
        let mut layer = next;
        loop {
            match layer[at.0 as usize] {
                Next::Nowhere => return None,
                Next::Touch(position) => {
                    let touch = &self.links[at.0 as usize].touches[position as usize];
                    if blocked(&touch.via) {
                        return self.search_forwards(from, service, strength, replaced);
                    }
                    steps.push((at, touch.range));
                    gone.extend_from_slice(&touch.via);
                    return Some(Way { strength, steps, what: touch.what.clone(), via: gone });
                }
                Next::Link(position) => {
                    let link = &self.links[at.0 as usize].out[position as usize];
                    if blocked(&link.via) || steps.len() > self.links.len() {
                        return self.search_forwards(from, service, strength, replaced);
                    }
                    steps.push((at, link.range));
                    gone.extend_from_slice(&link.via);
                    at = link.to;
                    if layer[at.0 as usize] == Next::Nowhere || strength == Strength::Guard && link.guard {
                        layer = self.other_layer(service, at)?;
                    }
                }
            }
        }
    }

    fn other_layer(&self, service: Sought, at: ScopeIx) -> Option<&[Next]> {
        [Strength::Client, Strength::Container, Strength::Variable, Strength::Guard].iter().find_map(
            |strength| {
                let layer = self.layers.get(&(service, *strength))?;
                (layer[at.0 as usize] != Next::Nowhere).then_some(layer.as_slice())
            },
        )
    }

    /// Searches by itself, for a test that replaces names.
    fn search_forwards(
        &self,
        from: ScopeIx,
        service: Sought,
        strength: Strength,
        replaced: &[u64],
    ) -> Option<Way> {
        let free = |via: &[u64]| !via.iter().any(|mark| replaced.binary_search(mark).is_ok());
        let wanted = |kind: TouchKind, guard: bool| match strength {
            Strength::Guard => guard || kind == TouchKind::Named,
            Strength::Client => kind == TouchKind::Client,
            Strength::Container => kind == TouchKind::Container,
            Strength::Variable => kind == TouchKind::Variable,
        };
        let mut came_by: BTreeMap<ScopeIx, Option<(ScopeIx, &Link)>> = BTreeMap::from([(from, None)]);
        let mut open = VecDeque::from([(from, false)]);
        while let Some((at, guarded)) = open.pop_front() {
            let out = &self.links[at.0 as usize];
            let touch = out.touches.iter().find(|touch| {
                touch.service == service
                    && (guarded && strength == Strength::Guard || wanted(touch.kind, touch.guard))
                    && free(&touch.via)
            });
            if let Some(touch) = touch {
                let mut steps = vec![(at, touch.range)];
                let mut back = at;
                while let Some(Some((before, link))) = came_by.get(&back) {
                    steps.push((*before, link.range));
                    back = *before;
                }
                steps.reverse();
                return Some(Way { strength, steps, what: touch.what.clone(), via: Vec::new() });
            }
            for link in &out.out {
                if free(&link.via) && link.leads_to(service) && !came_by.contains_key(&link.to) {
                    came_by.insert(link.to, Some((at, link)));
                    open.push_back((link.to, guarded || link.guard));
                }
            }
        }
        None
    }
}

/// Searches backwards from the seeds and gives every scope that leads there its next step.
fn search(
    links: &[Links],
    backwards: &[Vec<(u32, u32)>],
    seeds: &[(u32, Next)],
    service: Sought,
) -> Vec<Next> {
    let mut next = vec![Next::Nowhere; backwards.len()];
    let mut open = VecDeque::new();
    for (scope, step) in seeds {
        if next[*scope as usize] == Next::Nowhere {
            next[*scope as usize] = *step;
            open.push_back(*scope);
        }
    }
    while let Some(at) = open.pop_front() {
        for (from, link) in &backwards[at as usize] {
            let leads = links[*from as usize].out[*link as usize].leads_to(service);
            if leads && next[*from as usize] == Next::Nowhere {
                next[*from as usize] = Next::Link(*link);
                open.push_back(*from);
            }
        }
    }
    next
}

fn to_u32(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
