//! What a CI service tells its jobs about themselves.

use super::facts::StatedFacts;
use crate::cli::console::Failure;
use crate::cli::exit_status::ExitStatus;

/// A CI service and the names of its variables; of several names the first that is set counts.
struct Service {
    name: &'static str,
    /// Set in every job of the service.
    sign: &'static str,
    run: &'static [&'static str],
    attempt: &'static [&'static str],
    /// Whether the service counts attempts from 0.
    counts_from_zero: bool,
    commit: &'static [&'static str],
    branch: &'static [&'static str],
    shard: &'static [&'static str],
    machine: &'static [&'static str],
}

const SERVICES: [Service; 6] = [
    Service {
        name: "GitHub Actions",
        sign: "GITHUB_ACTIONS",
        run: &["GITHUB_RUN_ID"],
        attempt: &["GITHUB_RUN_ATTEMPT"],
        counts_from_zero: false,
        commit: &["GITHUB_SHA"],
        // For a pull request the second is the name of a merge that exists nowhere else.
        branch: &["GITHUB_HEAD_REF", "GITHUB_REF_NAME"],
        shard: &[],
        machine: &["RUNNER_NAME"],
    },
    Service {
        name: "GitLab CI",
        sign: "GITLAB_CI",
        run: &["CI_PIPELINE_ID"],
        attempt: &[],
        counts_from_zero: false,
        commit: &["CI_COMMIT_SHA"],
        branch: &["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"],
        shard: &["CI_NODE_INDEX"],
        machine: &["CI_RUNNER_DESCRIPTION"],
    },
    Service {
        name: "CircleCI",
        sign: "CIRCLECI",
        run: &["CIRCLE_WORKFLOW_ID"],
        attempt: &[],
        counts_from_zero: false,
        commit: &["CIRCLE_SHA1"],
        branch: &["CIRCLE_BRANCH"],
        shard: &["CIRCLE_NODE_INDEX"],
        machine: &[],
    },
    Service {
        name: "Buildkite",
        sign: "BUILDKITE",
        run: &["BUILDKITE_BUILD_ID"],
        attempt: &["BUILDKITE_RETRY_COUNT"],
        counts_from_zero: true,
        commit: &["BUILDKITE_COMMIT"],
        branch: &["BUILDKITE_BRANCH"],
        shard: &["BUILDKITE_PARALLEL_JOB"],
        machine: &["BUILDKITE_AGENT_NAME"],
    },
    Service {
        name: "Azure Pipelines",
        sign: "TF_BUILD",
        run: &["BUILD_BUILDID"],
        attempt: &["SYSTEM_JOBATTEMPT"],
        counts_from_zero: false,
        commit: &["BUILD_SOURCEVERSION"],
        branch: &["SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCHNAME"],
        shard: &["SYSTEM_JOBPOSITIONINPHASE"],
        machine: &["AGENT_NAME"],
    },
    Service {
        name: "Jenkins",
        sign: "JENKINS_URL",
        run: &["BUILD_TAG"],
        attempt: &[],
        counts_from_zero: false,
        commit: &["GIT_COMMIT"],
        branch: &["CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"],
        shard: &[],
        machine: &["NODE_NAME"],
    },
];

/// Returns the name of the CI service whose job this is.
pub(super) fn name() -> Option<&'static str> {
    service().map(|service| service.name)
}

/// Returns what the environment says about this job's run.
pub(super) fn of_job() -> Result<StatedFacts, Failure> {
    let Some(service) = service() else {
        let names: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
        return Err(Failure::new(ExitStatus::Usage, "`--ci`: this is no job of a CI service that is known")
            .with_hint(format!(
                "known are {}; say `--run`, `--commit` and `--branch` elsewhere",
                names.join(", ")
            )));
    };
    let attempt = first(service.attempt).and_then(|attempt| attempt.parse::<u32>().ok());
    Ok(StatedFacts {
        run: first(service.run),
        attempt: attempt.map(|attempt| attempt + u32::from(service.counts_from_zero)),
        commit: first(service.commit),
        branch: first(service.branch),
        shard: first(service.shard),
        machine: first(service.machine),
        ..StatedFacts::default()
    })
}

fn service() -> Option<&'static Service> {
    SERVICES.iter().find(|service| variable(service.sign).is_some())
}

fn first(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| variable(name))
}

#[expect(clippy::disallowed_methods, reason = "this is the command line's own look at the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
