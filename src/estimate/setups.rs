//! Set-ups of sessions and modules in the history: what each takes, and the runs without it.
//!
//! A session or module fixture is set up once, and its time is inside the first test that uses it: that test
//! looks slow, the others do not, and which one it is depends on how the suite is split. So the time is taken out
//! of the test that paid it, and is paid again by every shard that holds a user (`model`).
//!
//! Who paid is told by the set-up phases of the tests of one session, where they are known: the one with the
//! longest, by as much as it is longer than is usual among the others. That is also how long the set-up took;
//! the median over all sessions counts. Where no phases are known the manifest must say how long it takes, and
//! the test that paid is the first, in the order of node ids, that took as long.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Origin, Setup, SetupScope, Sourced};
use crate::history::{Observed, Sample};
use crate::ids::RunIx;
use crate::inventory::{Inventory, Test};
use crate::time::{Micros, Millis};

/// A set-up as it is planned with.
#[derive(Clone, Debug, PartialEq)]
pub struct SetupTime {
    /// Its position among those of the manifest.
    pub setup: usize,
    /// What it takes, and where that is from.
    pub time: Sourced<Millis>,
    /// In how many sessions it was measured.
    pub sessions: usize,
}

/// A set-up must be that much longer than the others' set-up phases to be told from them.
const LEAST: Micros = Micros(100_000);

/// So many users of a session must be known to say what their set-up phases usually take.
const ENOUGH_USERS: usize = 2;

/// Returns whether a test uses a set-up.
#[must_use]
pub fn uses(test: &Test, setup: &Setup) -> bool {
    setup.fixtures.iter().any(|fixture| test.fixtures.binary_search(&fixture.value).is_ok())
}

/// Returns what every set-up of the manifest takes, as far as that is known, and takes it out of the tests that
/// paid it.
pub(super) fn take_out_setups(
    config: &Config,
    inventory: &Inventory,
    observed: &mut Observed,
) -> Vec<SetupTime> {
    let mut times = Vec::new();
    for (at, setup) in config.setups.iter().enumerate() {
        let users: BTreeSet<usize> = observed
            .tests
            .iter()
            .enumerate()
            .filter(|(_, known)| inventory.test(&known.test).is_some_and(|test| uses(test, setup)))
            .map(|(at, _)| at)
            .collect();
        let sessions = sessions_of(observed, &users, setup.scope);
        let paid: Vec<(Payer, Option<Micros>)> =
            sessions.values().filter_map(|session| payer(observed, session, setup)).collect();
        let mut measured: Vec<Micros> = paid.iter().filter_map(|(_, time)| *time).collect();
        measured.sort_unstable();
        let middle = measured.get(measured.len() / 2).copied();
        let time = match (&setup.time, middle) {
            (Some(time), _) => time.clone(),
            (None, Some(middle)) => Sourced::new(Millis(middle.0.div_ceil(1_000)), Origin::History),
            (None, None) => continue,
        };
        for (payer, measured) in &paid {
            let taken = measured.unwrap_or(Micros(time.value.0.saturating_mul(1_000)));
            let sample = &mut observed.tests[payer.test].samples[payer.sample];
            sample.total = Micros(sample.total.0.saturating_sub(taken.0));
            if let Some(phases) = sample.more.as_mut().and_then(|more| more.phases.as_mut()) {
                phases.setup = Micros(phases.setup.0.saturating_sub(taken.0));
            }
        }
        times.push(SetupTime { setup: at, time, sessions: measured.len() });
    }
    times
}

/// A sample, by the positions of its test and of itself there.
#[derive(Clone, Copy)]
struct Payer {
    test: usize,
    sample: usize,
}

/// Returns the samples of the users by session: one report, and of module set-ups one file in it.
fn sessions_of(
    observed: &Observed,
    users: &BTreeSet<usize>,
    scope: SetupScope,
) -> BTreeMap<(RunIx, String), Vec<Payer>> {
    let mut sessions: BTreeMap<(RunIx, String), Vec<Payer>> = BTreeMap::new();
    for test in users {
        let known = &observed.tests[*test];
        let file = if scope == SetupScope::Module { known.file.clone() } else { String::new() };
        for (at, sample) in known.samples.iter().enumerate().filter(|(_, sample)| sample.ran()) {
            sessions.entry((sample.run, file.clone())).or_default().push(Payer { test: *test, sample: at });
        }
    }
    sessions
}

/// Returns which test of a session paid the set-up, and how much where that can be told.
fn payer(observed: &Observed, session: &[Payer], setup: &Setup) -> Option<(Payer, Option<Micros>)> {
    let sample = |payer: &Payer| -> &Sample { &observed.tests[payer.test].samples[payer.sample] };
    let phase = |payer: &Payer| sample(payer).phases().map(|phases| phases.setup);
    let phases: Option<Vec<Micros>> = session.iter().map(phase).collect();
    if let Some(phases) = phases {
        if phases.len() < ENOUGH_USERS {
            // One user alone pays it each time; what of its phase is the set-up's only the manifest can say.
            let alone = session.first().copied().filter(|_| setup.time.is_some())?;
            let stated = Micros(setup.time.as_ref()?.value.0.saturating_mul(1_000));
            return (phases[0] >= stated).then_some((alone, None));
        }
        let longest = (0..phases.len()).max_by_key(|at| (phases[*at], std::cmp::Reverse(*at)))?;
        let mut others: Vec<Micros> =
            phases.iter().enumerate().filter(|(at, _)| *at != longest).map(|(_, phase)| *phase).collect();
        others.sort_unstable();
        let usual = others[others.len() / 2];
        let more = Micros(phases[longest].0.saturating_sub(usual.0));
        return (more >= LEAST).then_some((session[longest], Some(more)));
    }
    let stated = Micros(setup.time.as_ref()?.value.0.saturating_mul(1_000));
    session.iter().copied().find(|payer| sample(payer).total >= stated).map(|payer| (payer, None))
}
