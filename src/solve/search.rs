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
use super::question::{Caps, Class, Column, Cover, Found, Question, Resource, UNLIMITED, Verdict};
use super::rows::{Proof, Row};
use super::simplex::{Outcome, Tableau};
use crate::ids::LaneIx;
use crate::model::ServiceSet;

/// How many nodes one search may visit before it gives up.
const NODE_LIMIT: u32 = 4_000;

/// How many decisions one search may take after another.
const DEEPEST: usize = 120;

/// How many times rows are added at the first node, and at every other.
pub(super) const CUT_ROUNDS: [u32; 2] = [40, 12];

/// What is taken for a whole number.
const WHOLE: f64 = 1e-6;
impl Question {
    /// Returns counts within the caps that use least of a resource.
    pub(super) fn least(&self, caps: Caps, resource: Resource, effort: &Effort) -> Verdict<Found> {
        Search::answer(self, caps, resource, true, effort)
    }

    /// Returns any counts within the caps.
    pub(super) fn find(&self, caps: Caps, effort: &Effort) -> Verdict<Found> {
        let resource = Resource::ALL.into_iter().find(|resource| caps.limits(*resource));
        Search::answer(self, caps, resource.unwrap_or(Resource::Containers), false, effort)
    }
}

pub(super) struct Search<'q> {
    pub(super) question: Question,
    /// The position in the whole question of every column that is left.
    pub(super) columns: Vec<usize>,
    pub(super) whole: &'q Question,
    pub(super) caps: Caps,
    pub(super) resource: Resource,
    /// Whether the best answer is wanted, or any.
    best: bool,
    found: Option<Vec<u32>>,
    pub(super) cuts: Cuts,
    /// Whether no column was left out that could matter.
    pub(super) complete: bool,
    nodes: u32,
    pub(super) effort: &'q Effort,
}

/// What is known at a node: the relaxation with its rows.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) tableau: Tableau,
    pub(super) rows: Vec<Rc<Row>>,
}

/// What looking at a node, or at everything below it, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
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
        if self.question.columns.len() > super::pricing::MANY_COLUMNS
            && let Some(visit) = self.choose_columns()
        {
            return visit;
        }
        self.cuts.renew(&self.question, self.effort);
        let node = self.node(&self.given_rows(&self.question));
        let visit = self.visit(node, 0);
        if self.complete || visit == Visit::Found { visit } else { Visit::CutOff }
    }

    pub(super) fn node(&self, rows: &[Row]) -> Node {
        let mut node = Node { tableau: Tableau::new(self.near_costs(), rows.len() + 64), rows: Vec::new() };
        for row in rows {
            node.add(row.clone());
        }
        node
    }

    /// Returns the rows that are there from the start: the caps, and the conditions on shard counts.
    pub(super) fn given_rows(&self, question: &Question) -> Vec<Row> {
        let every = |lane: usize| Cover {
            lane: LaneIx(u32::try_from(lane).unwrap_or(u32::MAX)),
            services: ServiceSet::EMPTY,
            shards: 0,
        };
        let mut rows = Vec::new();
        for resource in Resource::ALL {
            if resource != self.resource && self.caps.limits(resource) {
                let coefficients = question.columns.iter().map(|column| column.cost(resource));
                let coefficients =
                    coefficients.map(|cost| -i64::try_from(cost).unwrap_or(i64::MAX)).collect();
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
        let covers =
            question.covers.iter().filter(|cover| cover.shards > 1 || cover.shards == 1 && !has_work(cover));
        rows.extend(covers.map(|cover| cover.row(&question.columns, 1, cover.shards.into())));
        rows
    }

    fn visit(&mut self, mut node: Node, depth: usize) -> Visit {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT || depth > DEEPEST || self.effort.is_spent() {
            return Visit::CutOff;
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
            let next =
                able.into_iter().filter(|at| self.question.columns[*at].capacity > 0).max_by(|a, b| {
                    let cost = |at: usize| self.question.columns[at].cost(self.resource);
                    fraction(*a, &counts)
                        .total_cmp(&fraction(*b, &counts))
                        .then(cost(*b).cmp(&cost(*a)))
                        .then(b.cmp(a))
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
            let of_lane =
                || used.iter().map(|(at, _)| &self.question.columns[*at]).filter(|c| c.lane == lane);
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
            self.cuts.renew(&self.question, self.effort);
            self.columns = kept.iter().map(|at| self.columns[*at]).collect();
            for row in &mut node.rows {
                Rc::make_mut(row).keep(&kept);
            }
            basic = (0..kept.len()).filter(|at| basic.binary_search(&kept[*at]).is_ok()).collect();
        }
        // Cuts are found again where they matter; caps and decisions would not be.
        node.rows.retain(|row| !(holds.next().unwrap_or(false) && row.is_cut()));
        node.tableau = self.tableau(&node.rows);
        if node.tableau.start_from(&basic, self.effort) && node.tableau.solve(self.effort) == Outcome::Optimal
        {
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

    pub(super) fn most_of(&self, column: &Column) -> u32 {
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
    pub(super) fn add(&mut self, row: Row) {
        let (coefficients, at_least) = row.scaled();
        self.tableau.add(&coefficients, at_least);
        self.rows.push(Rc::new(row));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, counts are small"
)]
fn nearest(count: f64) -> u32 {
    count.round() as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, counts are small"
)]
fn floor(count: f64) -> u32 {
    (count + WHOLE).floor() as u32
}
