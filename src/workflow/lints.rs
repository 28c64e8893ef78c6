//! Faults of lanes and their coverage that a workflow file shows by itself.
//!
//! Each is a function from the file to findings, so that a rule of the audit is one call. What needs more than the
//! file (the tests, the coverage settings) is not looked for here.

use std::collections::{BTreeMap, BTreeSet};

use super::github::{PytestCommand, Step, Via, WorkflowFile, WorkflowJob};
use super::times::times_of;
use crate::ids::Printable;
use crate::ingest::JobObservation;
use crate::time::Millis;

/// One fault, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneFault {
    /// Which kind it is.
    pub kind: &'static str,
    /// The line in the workflow file.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Returns every fault that the file and the measured jobs show, by line.
#[must_use]
pub fn lane_faults(file: &WorkflowFile, observed: &[JobObservation]) -> Vec<LaneFault> {
    let mut faults = [
        threshold_of_a_part(file),
        shared_data_file(file),
        hidden_file_not_uploaded(file),
        gate_without_a_lane(file),
        gate_that_skips(file),
        report_after_threshold(file),
        switch_on_some_lanes(file),
        timeout_below_usual(file, observed),
    ]
    .concat();
    faults.sort_by(|a, b| (a.line, a.kind, &a.message).cmp(&(b.line, b.kind, &b.message)));
    faults
}

/// Returns the jobs that measure coverage, with the step and the command that do.
fn measuring(file: &WorkflowFile) -> Vec<(&WorkflowJob, &Step, PytestCommand)> {
    let mut found = Vec::new();
    for job in &file.jobs {
        for runner in job.runners() {
            if let (Via::Pytest(command), Some(step)) = (runner.via, job.steps.get(runner.step))
                && !command.cov.is_empty()
            {
                found.push((job, step, *command));
            }
        }
    }
    found
}

/// Returns the jobs that combine coverage of others.
fn gates(file: &WorkflowFile) -> impl Iterator<Item = (&WorkflowJob, &Step)> {
    file.jobs.iter().filter_map(|job| {
        let combines = |step: &&Step| step.run.as_deref().is_some_and(|run| run.contains("coverage combine"));
        job.steps.iter().find(combines).map(|step| (job, step))
    })
}

/// A lane whose pytest-cov holds a threshold that is meant for the sum of several lanes.
#[must_use]
pub fn threshold_of_a_part(file: &WorkflowFile) -> Vec<LaneFault> {
    if gates(file).next().is_none() {
        return Vec::new();
    }
    let held = measuring(file).into_iter().filter_map(|(job, step, command)| {
        let threshold = command.cov_fail_under.filter(|threshold| threshold != "0")?;
        Some(LaneFault {
            kind: "threshold-of-a-part",
            line: step.line,
            message: format!("job `{}` holds its part of the coverage against {}: the threshold is for the sum, in the gate", Printable(&job.id), Printable(&threshold)),
        })
    });
    held.collect()
}

/// Two lanes whose data files bear one name: where they come together, one overwrites the other.
#[must_use]
pub fn shared_data_file(file: &WorkflowFile) -> Vec<LaneFault> {
    if gates(file).next().is_none() {
        return Vec::new();
    }
    let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut faults = Vec::new();
    for (job, step, _) in measuring(file) {
        let levels = [&step.env, &job.env, &file.env];
        let named = levels.into_iter().flatten().find(|(name, _)| name == "COVERAGE_FILE");
        let data = named.map_or_else(|| ".coverage".to_owned(), |(_, value)| value.clone());
        let jobs = owners.entry(data.clone()).or_default();
        let others: Vec<&str> = jobs.iter().copied().filter(|other| *other != job.id).collect();
        if let Some(other) = others.first() {
            faults.push(LaneFault {
                kind: "shared-data-file",
                line: step.line,
                message: format!(
                    "jobs `{}` and `{}` both write `{}`: set COVERAGE_FILE to a name of each job's own",
                    Printable(other),
                    Printable(&job.id),
                    Printable(&data)
                ),
            });
        }
        jobs.insert(&job.id);
    }
    faults
}

/// An upload of a data file, whose name begins with a dot, that leaves hidden files out.
#[must_use]
pub fn hidden_file_not_uploaded(file: &WorkflowFile) -> Vec<LaneFault> {
    let steps = file.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)));
    let uploads = steps.filter(|(_, step)| step.action().as_deref() == Some("actions/upload-artifact"));
    let hidden = uploads.filter(|(_, step)| {
        let paths = step.input("path").unwrap_or_default();
        let named = paths
            .lines()
            .any(|path| path.trim().rsplit('/').next().is_some_and(|name| name.starts_with(".coverage")));
        named && step.input("include-hidden-files") != Some("true")
    });
    let fault = |(job, step): (&WorkflowJob, &Step)| LaneFault {
        kind: "hidden-file-not-uploaded",
        line: step.line,
        message: format!(
            "job `{}` uploads `.coverage` files, but hidden files are left out: set `include-hidden-files: true`",
            Printable(&job.id)
        ),
    };
    hidden.map(fault).collect()
}

/// A gate that combines the coverage of some lanes and does not wait for another one that measures it.
#[must_use]
pub fn gate_without_a_lane(file: &WorkflowFile) -> Vec<LaneFault> {
    let mut faults = Vec::new();
    let measuring = measuring(file);
    for (gate, step) in gates(file) {
        let before = file.ancestors(&gate.id);
        if !measuring.iter().any(|(job, ..)| before.contains(job.id.as_str())) {
            continue;
        }
        let missing: BTreeSet<&str> = measuring
            .iter()
            .map(|(job, ..)| job.id.as_str())
            .filter(|id| *id != gate.id && !before.contains(id))
            .collect();
        faults.extend(missing.into_iter().map(|missing| LaneFault {
            kind: "gate-without-a-lane",
            line: step.line,
            message: format!(
                "gate `{}` does not wait for `{}`, which measures coverage too: its part may be missing",
                Printable(&gate.id),
                Printable(missing)
            ),
        }));
    }
    faults
}

/// A gate that is skipped when a lane fails: a skipped check counts as a passed one. A job that always runs and
/// needs the gate makes up for it.
#[must_use]
pub fn gate_that_skips(file: &WorkflowFile) -> Vec<LaneFault> {
    let always = |job: &WorkflowJob| {
        job.condition
            .as_deref()
            .is_some_and(|condition| condition.contains("always()") || condition.contains("!cancelled()"))
    };
    let covered =
        |gate: &WorkflowJob| file.jobs.iter().any(|job| always(job) && job.needs.contains(&gate.id));
    let skipping = gates(file).filter(|(gate, _)| !gate.needs.is_empty() && !always(gate) && !covered(gate));
    let fault = |(gate, _): (&WorkflowJob, &Step)| LaneFault {
        kind: "gate-that-skips",
        line: gate.line,
        message: format!(
            "gate `{}` is skipped when a job that it needs fails, and a skipped check passes: let it run `if: always()` and fail unless every result is `success`",
            Printable(&gate.id)
        ),
    };
    skipping.map(fault).collect()
}

/// A gate that writes its report after the threshold was held: where it fails, there is no report.
#[must_use]
pub fn report_after_threshold(file: &WorkflowFile) -> Vec<LaneFault> {
    let mut faults = Vec::new();
    for (gate, _) in gates(file) {
        let at = |words: &[&str]| {
            gate.steps.iter().position(|step| {
                step.run.as_deref().is_some_and(|run| words.iter().any(|word| run.contains(word)))
            })
        };
        let (threshold, report) = (
            at(&["coverage report"]),
            at(&["coverage xml", "coverage html", "coverage json", "coverage lcov"]),
        );
        if let (Some(threshold), Some(report)) = (threshold, report)
            && threshold < report
            && !gate.steps[report]
                .condition
                .as_deref()
                .is_some_and(|condition| condition.contains("always()"))
        {
            faults.push(LaneFault {
                kind: "report-after-threshold",
                line: gate.steps[report].line,
                message: format!(
                    "gate `{}` writes its report after the threshold: where that fails, nobody sees why",
                    Printable(&gate.id)
                ),
            });
        }
    }
    faults
}

/// A switch (`if: vars.…`) that turns off some of the lanes of a gate and not the others.
#[must_use]
pub fn switch_on_some_lanes(file: &WorkflowFile) -> Vec<LaneFault> {
    let switch = |job: &WorkflowJob| job.condition.clone().filter(|condition| condition.contains("vars."));
    let mut faults = Vec::new();
    for (gate, _) in gates(file) {
        let lanes: Vec<&WorkflowJob> = gate
            .needs
            .iter()
            .filter_map(|need| file.job(need))
            .filter(|job| !job.runners().is_empty())
            .collect();
        let on: Vec<&&WorkflowJob> = lanes.iter().filter(|job| switch(job).is_some()).collect();
        if let Some(first) = on.first()
            && on.len() < lanes.len()
        {
            faults.push(LaneFault {
                kind: "switch-on-some-lanes",
                line: first.line,
                message: format!("a variable turns off `{}`, but not all lanes of gate `{}`: what is left is taken for the whole", Printable(&first.id), Printable(&gate.id)),
            });
        }
    }
    faults
}

/// A job whose timeout is less than what nine of ten of its runs take.
#[must_use]
pub fn timeout_below_usual(file: &WorkflowFile, observed: &[JobObservation]) -> Vec<LaneFault> {
    let short = file.jobs.iter().filter_map(|job| {
        let timeout = Millis::from_f64(job.timeout_minutes? * 60_000.0);
        let times = times_of(job, observed)?;
        (times.p90 >= timeout).then(|| LaneFault {
            kind: "timeout-below-usual",
            line: job.line,
            message: format!(
                "job `{}` is stopped after {timeout}, and one of ten runs takes {} or more",
                Printable(&job.id),
                times.p90
            ),
        })
    });
    short.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workflow with one fault of every kind that the file shows.
    const FAULTY: &str = "\
on: push
jobs:
  unit:
    if: vars.RUN != 'no'
    runs-on: x
    steps:
      - run: pytest tests/unit --cov --cov-fail-under=80
      - uses: actions/upload-artifact@v4
        with:
          path: .coverage
  heavy:
    runs-on: x
    steps:
      - run: pytest tests/heavy --cov
  other:
    runs-on: x
    steps:
      - run: pytest tests/other --cov
        env:
          COVERAGE_FILE: .coverage.other
  gate:
    needs: [unit, heavy]
    runs-on: x
    steps:
      - run: coverage combine
      - run: coverage report
      - run: coverage xml
";

    fn kinds(text: &str) -> Vec<(usize, &'static str)> {
        let file = WorkflowFile::parse(text, "ci.yml").unwrap();
        lane_faults(&file, &[]).into_iter().map(|fault| (fault.line, fault.kind)).collect()
    }

    #[test]
    fn every_fault_is_found_in_its_place() {
        assert_eq!(
            kinds(FAULTY),
            [
                (3, "switch-on-some-lanes"),
                (7, "threshold-of-a-part"),
                (8, "hidden-file-not-uploaded"),
                (14, "shared-data-file"),
                (21, "gate-that-skips"),
                (25, "gate-without-a-lane"),
                (27, "report-after-threshold"),
            ]
        );
    }

    #[test]
    fn a_workflow_without_the_faults_has_no_finding() {
        let mended = FAULTY
            .replace("    if: vars.RUN != 'no'\n", "")
            .replace(" --cov-fail-under=80", " --cov-fail-under=0")
            .replace(
                "          path: .coverage\n",
                "          path: .coverage\n          include-hidden-files: true\n",
            )
            .replace(
                "pytest tests/heavy --cov\n",
                "pytest tests/heavy --cov\n        env: {COVERAGE_FILE: .coverage.heavy}\n",
            )
            .replace("needs: [unit, heavy]", "if: always()\n    needs: [unit, heavy, other]")
            .replace(
                "      - run: coverage report\n      - run: coverage xml\n",
                "      - run: coverage xml\n      - run: coverage report\n",
            );
        assert_eq!(kinds(&mended), []);
    }
}
