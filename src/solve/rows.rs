//! Conditions that the shard counts of every plan fulfil, and proofs made of them.
//!
//! Work that only some configurations can take must find room on them. For a set Q of classes of work let room(c) be
//! how much of it a shard of configuration c can take: no more than its capacity, and no more than all work of the
//! classes in Q that it may take.
//!
//! - Σ room(c) · y(c) ≥ work(Q): the cut condition of a flow in which a shard can take no class more than once (Ford
//!   and Fulkerson, 1956);
//! - rounded, with d the largest room, k = ⌈work(Q) / d⌉ and f = work(Q) − d · (k − 1): Σ min(f, room(c)) · y(c) ≥ f · k.
//!   If fewer than k shards take part, they can't take the work; with exactly k or more, each that is too small for its
//!   part leaves that much undone (mixed-integer rounding: Nemhauser and Wolsey, 1990).
//!
//! Multipliers of rows are a proof: at prices that are not negative, all rows together are worth at most what the
//! columns cost that fulfil them. Prices come from floating point and are rounded to whole numbers; what is
//! refused is refused in whole numbers.

use super::question::Question;

/// The condition Σ coefficient · count ≥ `at_least`, in whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    coefficients: Vec<i64>,
    at_least: i64,
    /// What the numbers are divided by for floating point.
    scale: f64,
    /// Whether the row follows from the work alone, so that it can be found again.
    cut: bool,
}

/// A set of classes of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClassSet(Box<[u64]>);

/// What one unit of cost is in the whole numbers of a proof.
const ONE: f64 = (1u64 << 60) as f64;

impl Row {
    pub(super) fn new(coefficients: Vec<i64>, at_least: i64) -> Self {
        let largest = coefficients.iter().map(|coefficient| coefficient.unsigned_abs()).max();
        Self { coefficients, at_least, scale: largest.unwrap_or(1).max(1) as f64, cut: false }
    }

    /// Returns the coefficients and the right side such that the largest coefficient is one.
    pub(super) fn scaled(&self) -> (Vec<f64>, f64) {
        let coefficients = self.coefficients.iter().map(|coefficient| *coefficient as f64 / self.scale);
        (coefficients.collect(), self.at_least as f64 / self.scale)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Keeps only some of the columns.
    pub(super) fn keep(&mut self, kept: &[usize]) {
        self.coefficients = kept.iter().map(|column| self.coefficients[*column]).collect();
    }
}

impl ClassSet {
    pub(super) fn none(classes: usize) -> Self {
        Self(vec![0; classes.div_ceil(64)].into())
    }

    pub(super) fn insert(&mut self, class: usize) {
        self.0[class / 64] |= 1 << (class % 64);
    }

    pub(super) fn flip(&mut self, class: usize) {
        self.0[class / 64] ^= 1 << (class % 64);
    }

    pub(super) fn contains(&self, class: usize) -> bool {
        self.0[class / 64] >> (class % 64) & 1 == 1
    }

    /// Returns the classes in it that are in the other as well.
    pub(super) fn shared_with<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = usize> + 's {
        self.0.iter().zip(&other.0).enumerate().flat_map(|(word, (one, other))| {
            let mut rest = one & other;
            std::iter::from_fn(move || {
                let next = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(word * 64 + next)
            })
        })
    }

    /// Returns whether both have a class.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// The two conditions on the work of a set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is room for it.
    Room,
    /// There are enough shards for it.
    Rounded,
}

/// Returns the row of a set of classes; nothing where rounding adds nothing, or no column takes the work.
pub(super) fn row(question: &Question, set: &ClassSet, kind: Kind) -> Option<Row> {
    let room = question.room_for(set);
    let work = question.work_of(set);
    let whole = |number: u64| i64::try_from(number).ok();
    match kind {
        Kind::Room => {
            let coefficients = room.into_iter().map(whole).collect::<Option<_>>()?;
            (work > 0).then_some(Row { cut: true, ..Row::new(coefficients, whole(work)?) })
        }
        Kind::Rounded => {
            let (shards, part) = rounded(work, room.iter().copied().max()?)?;
            let coefficients = room.into_iter().map(|room| whole(room.min(part))).collect::<Option<_>>()?;
            Some(Row { cut: true, ..Row::new(coefficients, whole(part.checked_mul(shards)?)?) })
        }
    }
}

/// Returns how many shards of the largest room work takes, and what is left for the last of them; nothing
/// where there is no work or no room.
pub(super) fn rounded(work: u64, largest: u64) -> Option<(u64, u64)> {
    if work == 0 || largest == 0 {
        return None;
    }
    let shards = work.div_ceil(largest);
    Some((shards, work - largest * (shards - 1)))
}

/// Whole-number prices of rows.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// What all rows are worth.
    due: i128,
    /// What one shard of each column earns.
    earned: Vec<i128>,
}

impl Proof {
    /// Returns the proof that multipliers of scaled rows make. Prices are so fine that a sum of products stays
    /// inside the numbers: nothing is returned where it would not.
    pub(super) fn of<'r>(
        rows: impl Iterator<Item = &'r Row>,
        multipliers: &[f64],
        columns: usize,
    ) -> Option<Self> {
        let mut proof = Self { due: 0, earned: vec![0; columns] };
        for (row, multiplier) in rows.zip(multipliers) {
            if *multiplier <= 0.0 {
                continue;
            }
            let price = rounded_down(multiplier / row.scale * ONE);
            proof.due = proof.due.checked_add(price.checked_mul(row.at_least.into())?)?;
            for (earned, coefficient) in proof.earned.iter_mut().zip(&row.coefficients) {
                if *coefficient != 0 {
                    *earned = earned.checked_add(price.checked_mul((*coefficient).into())?)?;
                }
            }
        }
        Some(proof)
    }

    /// Returns whether columns that cost this much, of which at most so many shards make sense, can't fulfil the
    /// rows for at most `cap`; with the slack of the proof that is left, in the same whole numbers, if they may.
    pub(super) fn refuses(
        &self,
        costs: impl Iterator<Item = u64>,
        most: &[u32],
        cap: u64,
    ) -> Result<(), i128> {
        let one = rounded_down(ONE);
        let mut worth = self.due;
        for ((cost, earned), most) in costs.zip(&self.earned).zip(most) {
            let profit = earned - i128::from(cost).saturating_mul(one);
            if profit > 0 {
                worth = worth.saturating_sub(profit.saturating_mul((*most).into()));
            }
        }
        let slack = i128::from(cap).saturating_mul(one).saturating_sub(worth);
        if slack < 0 { Ok(()) } else { Err(slack) }
    }

    /// Returns what one shard of a column earns beyond its cost.
    pub(super) fn profit(&self, column: usize, cost: u64) -> i128 {
        self.earned[column].saturating_sub(i128::from(cost).saturating_mul(rounded_down(ONE)))
    }

    /// Returns whether one shard of a column loses more than the slack of the proof: then none is in any answer.
    pub(super) fn excludes(&self, column: usize, cost: u64, slack: i128) -> bool {
        i128::from(cost).saturating_mul(rounded_down(ONE)).saturating_sub(self.earned[column]) > slack
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn rounded_down(number: f64) -> i128 {
    number.floor() as i128
}
