//! Makes the history of a project that does not exist: so many observations, the same for the same seed.
//!
//! ```console
//! $ cargo run --release --example synthetic_history -- FOLDER --observations 10000000
//! ```
//!
//! The suite has 60,000 tests in 3,000 files. Each run has ten shards, a report each; some tests fail, some are
//! skipped, machines differ, and the suite becomes slower over the months. The reports go into the store as
//! `ingest` puts them there.

#![expect(clippy::print_stdout, reason = "an example says what it does")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "made-up numbers are small"
)]

use std::path::PathBuf;

use shardplan::history::{Digest, Store};
use shardplan::ingest::{Extent, Format, Observation, Outcome, Report, RunFacts};
use shardplan::time::{Micros, Timestamp};

const TESTS: usize = 60_000;
const TESTS_OF_A_FILE: usize = 20;
const SHARDS: usize = 10;
const HOUR_MILLIS: i64 = 3_600_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (folder, observations, seed) = arguments()?;
    let mut random = Random(seed);
    let tests: Vec<(String, f64)> = (0..TESTS).map(|test| (name(test), random.milliseconds())).collect();
    let store = Store::of_project(&folder);
    let mut left = observations;
    let mut number = 0;
    while left > 0 {
        for shard in 0..SHARDS.min(left.div_ceil(TESTS / SHARDS)) {
            let of_shard = tests.iter().skip(shard).step_by(SHARDS).take(left);
            let report = report(number, shard, of_shard, &mut random)?;
            left -= report.observations.len();
            let digest = Digest::of(format!("{seed} {number} {shard}").as_bytes());
            store.add(&digest, Format::JUnit, &format!("junit-{}.xml", shard + 1), &[report])?;
        }
        number += 1;
    }
    println!("{observations} observations of {} tests in {number} runs", TESTS.min(observations));
    Ok(())
}

fn report<'t>(
    number: u32,
    shard: usize,
    tests: impl Iterator<Item = &'t (String, f64)>,
    random: &mut Random,
) -> Result<Report, Box<dyn std::error::Error>> {
    let pace = (0.08 * random.normal()).exp() * (1.0 + f64::from(number) / 2_000.0);
    let mut observations = Vec::new();
    for (test, millis) in tests {
        let chance = random.uniform();
        let outcome = match chance {
            _ if chance < 0.01 => Outcome::Skipped,
            _ if chance < 0.013 => Outcome::Failed,
            _ => Outcome::Passed,
        };
        let millis =
            if outcome == Outcome::Skipped { 0.0 } else { millis * pace * (0.2 * random.normal()).exp() };
        let reason = match outcome {
            Outcome::Skipped => Some("could not reach the search engine".to_owned()),
            Outcome::Failed => Some(format!("AssertionError: assert {} == 1", (chance * 1e6) as u32 % 50)),
            _ => None,
        };
        let total = Micros::from_secs_f64(millis / 1000.0).unwrap_or_default();
        let test = test.parse()?;
        observations.push(Observation { reason, ..Observation::new(test, outcome, total) });
    }
    let run = RunFacts {
        run: Some((7_000_000_000 + u64::from(number)).to_string()),
        attempt: Some(1),
        commit: Some(Digest::of(&number.to_le_bytes()).to_string().chars().take(40).collect()),
        branch: Some(if number.is_multiple_of(4) {
            "main".to_owned()
        } else {
            format!("feature/{}", number % 7)
        }),
        at: Some(Timestamp(1_767_225_600_000 + i64::from(number) * 6 * HOUR_MILLIS + shard as i64 * 7_000)),
        lane: Some("integration".parse()?),
        shard: Some((shard + 1).to_string()),
        machine: Some(format!("runner-{}", (random.uniform() * 40.0) as u32)),
        services: Some(vec!["postgres".parse()?, "redis".parse()?]),
        extent: Extent::Full,
        ..RunFacts::default()
    };
    Ok(Report { run, observations, ..Report::default() })
}

fn name(test: usize) -> String {
    let file = test / TESTS_OF_A_FILE;
    let number = test % TESTS_OF_A_FILE;
    format!(
        "tests/integration/area_{}/test_feature_{file}.py::TestFeature{file}::test_case_{number}[{}]",
        file / 40,
        number % 3
    )
}

fn arguments() -> Result<(PathBuf, usize, u64), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("usage: synthetic_history FOLDER [--observations N] [--seed N]")?;
    let (mut observations, mut seed) = (1_000_000, 1);
    while let Some(option) = words.next() {
        let value = words.next().ok_or("every option has a value")?;
        match option.as_str() {
            "--observations" => observations = value.parse()?,
            "--seed" => seed = value.parse()?,
            _ => return Err(format!("there is no option {option}").into()),
        }
    }
    Ok((folder.into(), observations, seed))
}

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// What a test takes: half take less than 30 ms, a few some seconds.
    fn milliseconds(&mut self) -> f64 {
        30.0 * (1.3 * self.normal()).exp()
    }
}
