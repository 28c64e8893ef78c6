//! Properties of the planner, tried on problems made at random.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod checker;
mod emitted;
mod history;
mod mutated;
mod oracle;
mod problems;
mod replan;
mod runners;
mod solver;

use proptest::test_runner::{Config, RngSeed};

/// Returns a configuration that tries so many cases, the same ones in every run.
///
/// `PROPTEST_CASES` scales the number (256 is as it is), `PROPTEST_RNG_SEED` asks for other cases. What fails is
/// written in the language of [`problems`]; paste it into a test, which outlives any change of the generators.
fn cases(count: u32) -> Config {
    let environment = Config::default();
    let rng_seed = match environment.rng_seed {
        RngSeed::Random => RngSeed::Fixed(0),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = count.saturating_mul(environment.cases) / 256;
    Config { cases, rng_seed, failure_persistence: None, ..environment }
}
