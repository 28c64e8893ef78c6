//! An exact search over shard counts: how many shards of each configuration do all the work within the caps.
//!
//! Branch and cut. The relaxation with fractional counts is solved by the simplex method ([`super::simplex`]); rows
//! that it breaks are looked for and added ([`super::cuts`]); where a fractional answer remains, the number of
//! shards with some services is branched on, which leaves no symmetry behind, last the number of shards of one
//! configuration. A branch is given up only by a proof in whole numbers ([`super::rows::Proof`]), and the search is
//! cut off only by counting work, never by a clock.

use std::rc::Rc;

use super::cuts::Cuts;
use super::effort::Effort;
use super::flow::Transport;
use super::rows::{ClassSet, Proof, Row};
use super::simplex::{Outcome, Tableau};
use crate::ids::LaneIx;
use crate::model::ServiceSet;

/// The question for one end time: may shard counts do all the work?
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// The configurations that could be useful, with what one shard of each takes and gives, lane by lane.
    pub(super) columns: Vec<Column>,
    /// The work, by who may take it.
    pub(super) classes: Vec<Class>,
    /// For every column the classes that it can take.
    pub(super) takes: Vec<ClassSet>,
    /// Conditions on shard counts that every answer fulfils.
    pub(super) covers: Vec<Cover>,
    /// How many shards make sense in each lane, by position.
    pub(super) most_shards: Vec<u32>,
}

/// A configuration, as seen by one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) lane: LaneIx,
    pub(super) services: ServiceSet,
    pub(super) containers: u32,
    /// What a shard takes before and after its tests, in milliseconds.
    pub(super) overhead: u64,
    /// How much load a shard can work off in time, in milliseconds.
    pub(super) capacity: u64,
}

/// Work of one requirement that fits the same configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) lane: LaneIx,
    pub(super) needs: ServiceSet,
    /// The largest overhead that leaves time for each of its units.
    pub(super) slowest: u64,
    /// All its load, in milliseconds.
    pub(super) demand: u64,
    /// The largest capacity of a column that can take it.
    pub(super) largest: u64,
}

/// At least so many shards of a lane start at least these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) lane: LaneIx,
    pub(super) services: ServiceSet,
    pub(super) shards: u32,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Containers,
    Shards,
    Overhead,
}

/// What an answer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caps {
    pub(super) containers: u32,
    pub(super) shards: u32,
    /// The overhead of all shards together, in milliseconds.
    pub(super) overhead: u64,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<T> {
    /// It can be done so.
    Yes(T),
    /// It can not be done: every way was tried or ruled out.
    No,
    /// The search was cut off.
    Unknown,
}

impl<T> Verdict<T> {
    /// Returns the verdict with another answer.
    pub(super) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Yes(found) => Verdict::Yes(answer(found)),
            Self::No => Verdict::No,
            Self::Unknown => Verdict::Unknown,
        }
    }
}

/// Shard counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// A count for every column.
    pub(super) counts: Vec<u32>,
    /// Whether it is proven that there is nothing better. If not, the search for less was cut off.
    pub(super) proven: bool,
}

/// More containers or shards than any plan has.
pub(super) const UNLIMITED: u32 = u32::MAX / 4;

/// More milliseconds than any plan takes.
pub(super) const UNLIMITED_TIME: u64 = u64::MAX / 4;

/// How many nodes one search may visit before it gives up.
const NODE_LIMIT: u32 = 4_000;

/// How many decisions one search may take after another.
const DEEPEST: usize = 120;

/// How many times rows are added at the first node, and at every other.
const CUT_ROUNDS: [u32; 2] = [40, 12];

/// From how many columns on only those are searched among that could matter.
const MANY_COLUMNS: usize = 1_000;

/// How many columns are searched among at the most. Where more could matter, a search that finds nothing proves
/// nothing.
const MOST_COLUMNS: usize = 1_500;

/// How many times columns are added, and how many at once.
const PRICING_ROUNDS: usize = 40;
const COLUMNS_AT_ONCE: usize = 200;

/// What is taken for a whole number.
const WHOLE: f64 = 1e-6;

impl Resource {
    pub(super) const ALL: [Self; 3] = [Self::Containers, Self::Shards, Self::Overhead];
}

impl Column {
    /// Returns what one shard uses.
    pub(super) fn cost(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => 1,
            Resource::Overhead => self.overhead,
        }
    }

    /// Returns whether it can take a class of work.
    pub(super) fn takes(&self, class: &Class) -> bool {
        self.lane == class.lane && self.services.covers(class.needs) && self.overhead <= class.slowest
    }
}

impl Caps {
    pub(super) fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => self.shards.into(),
            Resource::Overhead => self.overhead,
        }
    }

    /// Returns whether a cap is worth looking at.
    fn limits(&self, resource: Resource) -> bool {
        match resource {
            Resource::Containers => self.containers < UNLIMITED,
            Resource::Shards => self.shards < UNLIMITED,
            Resource::Overhead => self.overhead < UNLIMITED_TIME,
        }
    }
}

impl Question {
    /// Fills in who takes what, once columns and classes are known.
    pub(super) fn linked(mut self) -> Self {
        for class in &mut self.classes {
            class.largest = 0;
        }
        self.takes = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut takes = ClassSet::none(self.classes.len());
            for (at, class) in self.classes.iter_mut().enumerate() {
                if column.takes(class) {
                    takes.insert(at);
                    class.largest = class.largest.max(column.capacity);
                }
            }
            self.takes.push(takes);
        }
        self
    }

    /// Returns how much work a set of classes is, and the largest capacity of a column that can take any of it.
    pub(super) fn work_and_largest(&self, set: &ClassSet) -> (u64, u64) {
        let inside = self.classes.iter().enumerate().filter(|(at, _)| set.contains(*at));
        inside.fold((0, 0), |(work, largest), (_, class)| (work + class.demand, largest.max(class.largest)))
    }

    /// Returns what the counts use.
    pub(super) fn usage(&self, counts: &[u32], resource: Resource) -> u64 {
        self.columns.iter().zip(counts).map(|(column, count)| column.cost(resource) * u64::from(*count)).sum()
    }

    /// Returns whether work is left that no column can take.
    fn is_hopeless(&self) -> bool {
        self.classes.iter().any(|class| class.demand > 0 && class.largest == 0)
            || self.covers.iter().any(|cover| {
                cover.shards > 0 && !self.columns.iter().any(|column| cover.counts(column))
            })
    }

    /// Returns nothing where shards, so many of each column, can take all the work; else the classes that find too
    /// little room.
    pub(super) fn overfull(&self, capacity: &[(usize, u64)]) -> Option<ClassSet> {
        let allowed = (0..self.classes.len())
            .map(|class| {
                let able = (0u32..).zip(capacity).filter(|(_, (column, _))| self.takes[*column].contains(class));
                able.map(|(at, _)| at).collect()
            })
            .collect();
        let mut transport = Transport::new(allowed, self.classes.iter().map(|class| class.demand).collect());
        let room: Vec<u64> = capacity.iter().map(|(_, room)| *room).collect();
        let full = transport.overflow(&room)?;
        let mut set = ClassSet::none(self.classes.len());
        full.into_iter().for_each(|class| set.insert(class));
        Some(set)
    }

    /// Returns the classes that find too little room on these shards, or nothing where all work fits.
    fn overfull_counts(&self, counts: &[u32]) -> Option<ClassSet> {
        let used = self.columns.iter().zip(counts).enumerate().filter(|(_, (_, count))| **count > 0);
        let capacity: Vec<(usize, u64)> =
            used.map(|(at, (column, count))| (at, column.capacity * u64::from(*count))).collect();
        self.overfull(&capacity)
    }

    /// Returns whether the counts keep the caps and the lanes' limits.
    fn keeps(&self, counts: &[u32], caps: &Caps) -> bool {
        let of_lane = |lane: usize| -> u32 {
            let of_lane = self.columns.iter().zip(counts).filter(|(column, _)| column.lane.0 as usize == lane);
            of_lane.map(|(_, count)| *count).sum()
        };
        Resource::ALL.iter().all(|resource| self.usage(counts, *resource) <= caps.of(*resource))
            && self.most_shards.iter().enumerate().all(|(lane, most)| of_lane(lane) <= *most)
    }

    /// Returns the first condition on shard counts that the counts break.
    fn broken_cover(&self, counts: &[u32]) -> Option<&Cover> {
        self.covers.iter().find(|cover| {
            let able = self.columns.iter().zip(counts).filter(|(column, _)| cover.counts(column));
            able.map(|(_, count)| *count).sum::<u32>() < cover.shards
        })
    }

    /// Returns counts within the caps that use least of a resource.
    pub(super) fn least(&self, caps: Caps, resource: Resource, effort: &Effort) -> Verdict<Found> {
        Search::answer(self, caps, resource, true, effort)
    }

    /// Returns any counts within the caps.
    pub(super) fn find(&self, caps: Caps, effort: &Effort) -> Verdict<Found> {
        let resource = Resource::ALL.into_iter().find(|resource| caps.limits(*resource));
        Search::answer(self, caps, resource.unwrap_or(Resource::Containers), false, effort)
    }

    /// Keeps only some of the columns.
    fn keep(&mut self, kept: &[usize]) {
        self.columns = kept.iter().map(|at| self.columns[*at]).collect();
        self.takes = kept.iter().map(|at| self.takes[*at].clone()).collect();
    }
}

impl Cover {
    /// Returns whether a shard of the column counts.
    pub(super) fn counts(&self, column: &Column) -> bool {
        column.lane == self.lane && column.services.covers(self.services)
    }

    /// Returns the condition that at least, or with a negative sign at most, so many shards count.
    fn row(&self, columns: &[Column], sign: i64, at_least: i64) -> Row {
        let coefficient = |column: &Column| if self.counts(column) { sign } else { 0 };
        Row::new(columns.iter().map(coefficient).collect(), at_least)
    }
}

struct Search<'q> {
    question: Question,
    /// The position in the whole question of every column that is left.
    columns: Vec<usize>,
    whole: &'q Question,
    caps: Caps,
    resource: Resource,
    /// Whether the best answer is wanted, or any.
    best: bool,
    found: Option<Vec<u32>>,
    cuts: Cuts,
    /// Whether no column was left out that could matter.
    complete: bool,
    nodes: u32,
    effort: &'q Effort,
}

/// What is known at a node: the relaxation with its rows.
#[derive(Clone)]
struct Node {
    tableau: Tableau,
    rows: Vec<Rc<Row>>,
}

/// What looking at a node, or at everything below it, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visit {
    /// There is nothing more to find here.
    Done,
    /// Something may be here.
    CutOff,
    /// There is an answer, and any will do.
    Found,
}

impl<'q> Search<'q> {
    fn answer(
        question: &'q Question,
        caps: Caps,
        resource: Resource,
        best: bool,
        effort: &'q Effort,
    ) -> Verdict<Found> {
        if question.is_hopeless() {
            return Verdict::No;
        }
        let mut search = Self {
            columns: (0..question.columns.len()).collect(),
            cuts: Cuts::new(question),
            question: question.clone(),
            whole: question,
            caps,
            resource,
            best,
            found: None,
            complete: true,
            nodes: 0,
            effort,
        };
        let visit = search.root();
        match search.found {
            Some(counts) => Verdict::Yes(Found { counts, proven: visit != Visit::CutOff }),
            None if visit == Visit::Done => Verdict::No,
            None => Verdict::Unknown,
        }
    }

    fn root(&mut self) -> Visit {
        if self.question.columns.len() > MANY_COLUMNS
            && let Some(visit) = self.choose_columns()
        {
            return visit;
        }
        let node = self.node(&self.given_rows(&self.question));
        let visit = self.visit(node, 0);
        if self.complete || visit == Visit::Found { visit } else { Visit::CutOff }
    }

    fn node(&self, rows: &[Row]) -> Node {
        let mut node = Node { tableau: Tableau::new(self.near_costs(), rows.len() + 64), rows: Vec::new() };
        rows.iter().for_each(|row| node.add(row.clone()));
        node
    }

    /// Returns the rows that are there from the start: the caps, and the conditions on shard counts.
    fn given_rows(&self, question: &Question) -> Vec<Row> {
        let every = |lane: usize| Cover {
            lane: LaneIx(u32::try_from(lane).unwrap_or(u32::MAX)),
            services: ServiceSet::EMPTY,
            shards: 0,
        };
        let mut rows = Vec::new();
        for resource in Resource::ALL {
            if resource != self.resource && self.caps.limits(resource) {
                let coefficients = question.columns.iter().map(|column| column.cost(resource));
                let coefficients = coefficients.map(|cost| -i64::try_from(cost).unwrap_or(i64::MAX)).collect();
                rows.push(Row::new(coefficients, -i64::try_from(self.caps.of(resource)).unwrap_or(i64::MAX)));
            }
        }
        for (lane, most) in question.most_shards.iter().enumerate() {
            if *most < UNLIMITED && *most < self.caps.shards {
                rows.push(every(lane).row(&question.columns, -1, -i64::from(*most)));
            }
        }
        // That work needs a shard at all, its cuts say already.
        let has_work = |cover: &Cover| {
            let inside = |class: &&Class| class.lane == cover.lane && class.needs.covers(cover.services);
            question.classes.iter().filter(inside).any(|class| class.demand > 0)
        };
        let covers = question.covers.iter().filter(|cover| cover.shards > 1 || cover.shards == 1 && !has_work(cover));
        rows.extend(covers.map(|cover| cover.row(&question.columns, 1, cover.shards.into())));
        rows
    }

    /// Chooses the columns to search among, where there are too many to carry along: the relaxation is solved over
    /// a few, those of all that its prices call for are added, and in the end all are kept that its proof does not
    /// rule out. Returns what everything came to, where the relaxation says it.
    fn choose_columns(&mut self) -> Option<Visit> {
        let whole = self.whole;
        let few: Vec<ServiceSet> = whole.classes.iter().map(|class| class.needs).collect();
        let mut active: Vec<bool> = whole
            .columns
            .iter()
            .map(|column| {
                // Requirements, unions of two of them, and nearly everything.
                let inside = few.iter().filter(|needs| column.services.covers(**needs));
                let union = inside.clone().fold(ServiceSet::EMPTY, |all, needs| all.union(*needs));
                inside.count() <= 4 || union.len() + 1 >= few.iter().fold(ServiceSet::EMPTY, |all, n| all.union(*n)).len()
            })
            .collect();
        let mut cuts = Vec::new();
        let given = self.given_rows(whole);
        for _ in 0..PRICING_ROUNDS {
            let kept: Vec<usize> = (0..active.len()).filter(|at| active[*at]).collect();
            self.question = whole.clone();
            self.question.keep(&kept);
            self.columns = kept;
            let mut rows = self.given_rows(&self.question);
            rows.extend(cuts.iter().filter_map(|cut: &super::cuts::Cut| cut.row(&self.question)));
            let mut node = self.node(&rows);
            let mut rounds = CUT_ROUNDS[0];
            let outcome = loop {
                let outcome = node.tableau.solve(self.effort);
                if outcome != Outcome::Optimal || rounds == 0 {
                    break outcome;
                }
                rounds -= 1;
                let solution = node.tableau.solution();
                self.effort.spend(self.cuts.cost(&solution));
                let broken = self.cuts.broken_by(&self.question, &solution, true);
                if broken.is_empty() {
                    break outcome;
                }
                for cut in broken {
                    if let Some(row) = cut.row(&self.question) {
                        node.add(row);
                        cuts.push(cut);
                    }
                }
            };
            let (multipliers, cap) = match outcome {
                Outcome::CutOff => return Some(Visit::CutOff),
                Outcome::Infeasible(row) => (node.tableau.ray(row), None),
                Outcome::Optimal => (node.tableau.prices(), Some(self.caps.of(self.resource))),
            };
            self.effort.spend(node.rows.len() * whole.columns.len());
            let rows: Vec<Row> = given.iter().cloned().chain(cuts.iter().filter_map(|cut| cut.row(whole))).collect();
            let proof = Proof::of(rows.iter(), &multipliers, whole.columns.len())?;
            let cost = |column: &Column| if cap.is_some() { column.cost(self.resource) } else { 0 };
            let most: Vec<u32> = whole.columns.iter().map(|column| self.most_of(column)).collect();
            let slack = match proof.refuses(whole.columns.iter().map(cost), &most, cap.unwrap_or(0)) {
                Ok(()) => return Some(Visit::Done),
                Err(slack) => slack,
            };
            let mut wanted: Vec<(i128, usize)> = whole
                .columns
                .iter()
                .enumerate()
                .filter(|(at, _)| !active[*at])
                .map(|(at, column)| (proof.profit(at, cost(column)), at))
                .filter(|(profit, _)| *profit > 0)
                .collect();
            if wanted.is_empty() {
                let mut kept: Vec<(i128, usize)> = whole
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(at, column)| (-proof.profit(at, cost(column)), at))
                    .filter(|(loss, at)| *loss <= slack || active[*at] && cap.is_none())
                    .collect();
                self.complete = kept.len() <= MOST_COLUMNS;
                kept.sort_unstable();
                kept.truncate(MOST_COLUMNS);
                let mut kept: Vec<usize> = kept.into_iter().map(|(_, at)| at).collect();
                kept.sort_unstable();
                self.question = whole.clone();
                self.question.keep(&kept);
                self.columns = kept;
                return None;
            }
            wanted.sort_unstable_by(|a, b| b.cmp(a));
            wanted.into_iter().take(COLUMNS_AT_ONCE).for_each(|(_, at)| active[at] = true);
        }
        self.complete = false;
        None
    }

    fn visit(&mut self, mut node: Node, depth: usize) -> Visit {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT || depth > DEEPEST || self.effort.is_spent() { return Visit::CutOff;
        }
        let mut rounds = CUT_ROUNDS[depth.min(1)];
        let mut again = false;
        let solution = loop {
            match node.tableau.solve(self.effort) {
                Outcome::Infeasible(row) => {
                    let ray = node.tableau.ray(row);
                    let free = self.question.columns.iter().map(|_| 0);
                    let refused = self.proof(&node, &ray).map(|proof| proof.refuses(free, &self.most(), 0));
                    if refused == Some(Ok(())) {
                        return Visit::Done;
                    }
                    if std::mem::replace(&mut again, true) {
                        return Visit::CutOff;
                    }
                    // The numbers went astray on the way here: begin anew.
                    node.tableau = self.tableau(&node.rows);
                    continue;
                }
                Outcome::CutOff => return Visit::CutOff,
                Outcome::Optimal => {}
            }
            let solution = node.tableau.solution();
            let cost: f64 = self.costs().zip(&solution).map(|(cost, count)| cost as f64 * count).sum();
            let cap = self.caps.of(self.resource);
            if cost > cap as f64 * (1.0 + 1e-12) && self.slack(&node).is_ok() {
                return Visit::Done;
            }
            // Whole counts are looked at as long as any row is broken: nothing else rules them out.
            if rounds == 0 && solution.iter().any(|count| (count - count.round()).abs() > WHOLE) {
                break solution;
            }
            rounds = rounds.saturating_sub(1);
            let rows = self.cuts.broken_by(&self.question, &solution, depth == 0);
            if !self.effort.spend(self.cuts.cost(&solution)) {
                return Visit::CutOff;
            }
            if rows.is_empty() {
                break solution;
            }
            rows.iter().filter_map(|cut| cut.row(&self.question)).for_each(|row| node.add(row));
        };
        if let Some(counts) = self.rounded(&solution)
            && self.keep(counts) == Visit::Found
        {
            return Visit::Found;
        }
        match self.slack(&node) {
            Ok(()) => return Visit::Done,
            Err(slack) => {
                let slack = slack.filter(|_| depth == 0);
                if !self.refresh(&mut node, slack) {
                    return Visit::CutOff;
                }
            }
        }
        let solution = node.tableau.solution();
        self.branch(&node, &solution, depth)
    }

    /// Branches on the number of shards that is farthest from a whole one.
    fn branch(&mut self, node: &Node, solution: &[f64], depth: usize) -> Visit {
        let Some((cover, count)) = self.fractional(solution) else {
            return self.at_whole_counts(solution);
        };
        let below = count.floor();
        #[expect(clippy::cast_possible_truncation, reason = "a number of shards is small")]
        let whole = below as i64;
        let at_most = cover.row(&self.question, -1, -whole);
        let at_least = cover.row(&self.question, 1, whole + 1);
        let rows = if count - below < 0.5 { [at_most, at_least] } else { [at_least, at_most] };
        let mut all = Visit::Done;
        for row in rows {
            let mut child = node.clone();
            child.add(row);
            match self.visit(child, depth + 1) {
                Visit::Found => return Visit::Found,
                Visit::CutOff => all = Visit::CutOff,
                Visit::Done => {}
            }
        }
        all
    }

    /// Takes counts that are whole as they are. Work may still exceed the room by less than floating point can see,
    /// some milliseconds: the counts are no proof of anything, so that does no harm.
    fn at_whole_counts(&mut self, solution: &[f64]) -> Visit {
        let counts: Vec<u32> = solution.iter().map(|count| nearest(*count)).collect();
        if !self.question.keeps(&counts, &self.caps) || self.question.broken_cover(&counts).is_some() {
            return Visit::CutOff;
        }
        self.keep(counts)
    }

    /// Keeps an answer, and looks only for better ones from now on.
    fn keep(&mut self, counts: Vec<u32>) -> Visit {
        let used = self.question.usage(&counts, self.resource);
        let mut all = vec![0; self.whole.columns.len()];
        for (at, count) in self.columns.iter().zip(counts) {
            all[*at] = count;
        }
        self.found = Some(all);
        let Some(less) = used.checked_sub(1).filter(|_| self.best) else { return Visit::Found };
        let narrowed = |cap: u32| u32::try_from(less).unwrap_or(u32::MAX).min(cap);
        match self.resource {
            Resource::Containers => self.caps.containers = narrowed(self.caps.containers),
            Resource::Shards => self.caps.shards = narrowed(self.caps.shards),
            Resource::Overhead => self.caps.overhead = less,
        }
        Visit::Done
    }

    /// Returns an answer near a fractional one, where there is one: the whole parts, and then, for whatever is
    /// still missing, the shards of which the fraction has most.
    fn rounded(&self, solution: &[f64]) -> Option<Vec<u32>> {
        let mut counts: Vec<u32> = solution.iter().map(|count| floor(*count)).collect();
        let fraction = |at: usize, counts: &[u32]| solution[at] - f64::from(counts[at]);
        loop {
            if !self.question.keeps(&counts, &self.caps) {
                return None;
            }
            let able: Vec<usize> = if let Some(cover) = self.question.broken_cover(&counts) {
                (0..counts.len()).filter(|at| cover.counts(&self.question.columns[*at])).collect()
            } else if let Some(full) = self.question.overfull_counts(&counts) {
                (0..counts.len()).filter(|at| self.question.takes[*at].meets(&full)).collect()
            } else {
                return Some(counts);
            };
            let next = able.into_iter().filter(|at| self.question.columns[*at].capacity > 0).max_by(|a, b| {
                let cost = |at: usize| self.question.columns[at].cost(self.resource);
                fraction(*a, &counts).total_cmp(&fraction(*b, &counts)).then(cost(*b).cmp(&cost(*a))).then(b.cmp(a))
            })?;
            counts[next] += 1;
        }
    }

    /// Returns the number of shards that is farthest from a whole one: of a lane, with some services, or of one
    /// configuration; nothing where all are whole.
    fn fractional(&self, solution: &[f64]) -> Option<(Branch, f64)> {
        let used: Vec<(usize, f64)> =
            solution.iter().copied().enumerate().filter(|(_, count)| *count > WHOLE).collect();
        let mut best: Option<(f64, Branch, f64)> = None;
        let mut consider = |weight: f64, branch: Branch, count: f64| {
            let off = (count - count.round()).abs();
            if off > WHOLE && best.as_ref().is_none_or(|(least, ..)| off * weight > *least + 1e-9) {
                best = Some((off * weight, branch, count));
            }
        };
        let mut shapes: Vec<(f64, LaneIx, ServiceSet)> = Vec::new();
        for lane in (0u32..).zip(&self.question.most_shards).map(|(lane, _)| LaneIx(lane)) {
            let of_lane = || used.iter().map(|(at, _)| &self.question.columns[*at]).filter(|c| c.lane == lane);
            let all = of_lane().fold(ServiceSet::EMPTY, |all, column| all.union(column.services));
            shapes.push((1.5, lane, ServiceSet::EMPTY));
            shapes.extend(all.iter().map(|service| (1.0, lane, ServiceSet::from_iter([service]))));
            for one in all.iter() {
                let pairs = all.iter().filter(|other| *other > one);
                shapes.extend(pairs.map(|other| (0.8, lane, ServiceSet::from_iter([one, other]))));
            }
        }
        for (weight, lane, services) in shapes {
            let cover = Cover { lane, services, shards: 0 };
            let able = used.iter().filter(|(at, _)| cover.counts(&self.question.columns[*at]));
            consider(weight, Branch::Shape(cover), able.map(|(_, count)| count).sum());
        }
        for (at, count) in used {
            consider(0.3, Branch::Column(at), count);
        }
        best.map(|(_, branch, count)| (branch, count))
    }

    /// Returns nothing where the node's prices refuse it, else what is left of the cap, if that can be said.
    fn slack(&self, node: &Node) -> Result<(), Option<i128>> {
        let proof = self.proof(node, &node.tableau.prices()).ok_or(None)?;
        proof.refuses(self.costs(), &self.most(), self.caps.of(self.resource)).map_err(Some)
    }

    /// Drops rows that do not matter and columns that the slack of the node's proof rules out, and sets the
    /// tableau up anew, free of the errors that have added up. Returns whether the solution is still there.
    fn refresh(&mut self, node: &mut Node, slack: Option<i128>) -> bool {
        let mut basic: Vec<usize> = node.tableau.basic().collect();
        basic.sort_unstable();
        let mut holds = node.tableau.is_slack().into_iter();
        if let Some(slack) = slack
            && let Some(proof) = self.proof(node, &node.tableau.prices())
        {
            let kept: Vec<usize> = self
                .question
                .columns
                .iter()
                .enumerate()
                .filter(|(at, column)| {
                    basic.binary_search(at).is_ok() || !proof.excludes(*at, column.cost(self.resource), slack)
                })
                .map(|(at, _)| at)
                .collect();
            self.question.keep(&kept);
            self.columns = kept.iter().map(|at| self.columns[*at]).collect();
            for row in &mut node.rows {
                Rc::make_mut(row).keep(&kept);
            }
            basic = (0..kept.len()).filter(|at| basic.binary_search(&kept[*at]).is_ok()).collect();
        }
        // Cuts are found again where they matter; caps and decisions would not be.
        node.rows.retain(|row| !(holds.next().unwrap_or(false) && row.is_cut()));
        node.tableau = self.tableau(&node.rows);
        if node.tableau.start_from(&basic, self.effort) && node.tableau.solve(self.effort) == Outcome::Optimal {
            return true;
        }
        node.tableau = self.tableau(&node.rows);
        node.tableau.solve(self.effort) == Outcome::Optimal
    }

    fn tableau(&self, rows: &[Rc<Row>]) -> Tableau {
        let mut tableau = Tableau::new(self.near_costs(), rows.len() + 48);
        for row in rows {
            let (coefficients, at_least) = row.scaled();
            tableau.add(&coefficients, at_least);
        }
        tableau
    }

    /// Returns the costs, each a little lower by an amount of its own: equal ones keep the simplex method turning
    /// in place. What is proven is proven with the true costs, which are never lower.
    fn near_costs(&self) -> Vec<f64> {
        let lower = |(at, cost): (&usize, u64)| {
            let share = (*at as f64 * 0.618_033_988_749_895).fract();
            cost as f64 * (1.0 - 1e-6 * share)
        };
        self.columns.iter().zip(self.costs()).map(lower).collect()
    }

    fn proof(&self, node: &Node, multipliers: &[f64]) -> Option<Proof> {
        self.effort.spend(node.rows.len() * self.question.columns.len());
        Proof::of(node.rows.iter().map(Rc::as_ref), multipliers, self.question.columns.len())
    }

    fn costs(&self) -> impl Iterator<Item = u64> + '_ {
        self.question.columns.iter().map(|column| column.cost(self.resource))
    }

    /// Returns how many shards of each column make sense.
    fn most(&self) -> Vec<u32> {
        self.question.columns.iter().map(|column| self.most_of(column)).collect()
    }

    fn most_of(&self, column: &Column) -> u32 {
        self.question.most_shards[column.lane.0 as usize].min(self.caps.shards)
    }
}

/// What a search branches on.
#[derive(Clone, Copy, Debug)]
enum Branch {
    Shape(Cover),
    Column(usize),
}

impl Branch {
    fn row(&self, question: &Question, sign: i64, at_least: i64) -> Row {
        match self {
            Self::Shape(cover) => cover.row(&question.columns, sign, at_least),
            Self::Column(column) => {
                let mut coefficients = vec![0; question.columns.len()];
                coefficients[*column] = sign;
                Row::new(coefficients, at_least)
            }
        }
    }
}

impl Node {
    fn add(&mut self, row: Row) {
        let (coefficients, at_least) = row.scaled();
        self.tableau.add(&coefficients, at_least);
        self.rows.push(Rc::new(row));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, counts are small")]
fn nearest(count: f64) -> u32 {
    count.round() as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, counts are small")]
fn floor(count: f64) -> u32 {
    (count + WHOLE).floor() as u32
}
