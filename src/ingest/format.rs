//! Which format a text is in, by its content alone.

use std::fmt;
use std::str::FromStr;

use super::json::Outline;
use super::{IngestErrorKind, csv, junit};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JUnit XML, as pytest and many others write it.
    JUnit,
    /// pytest-split's `.test_durations`.
    TestDurations,
    /// The answer of GitHub's REST API to "list jobs for a workflow run".
    GitHubJobs,
    /// shardplan's own CSV.
    Csv,
    /// The report of the pytest plugin.
    ShardReport,
}

const KNOWN: &str = "give JUnit XML (`pytest --junitxml=report.xml`), pytest-split's `.test_durations`, the jobs \
                     JSON of GitHub Actions or CSV with the columns `test` and `seconds`";
const FETCH_JOBS: &str =
    "`gh api repos/OWNER/REPO/actions/runs/RUN_ID/jobs` lists the jobs of a run with their steps";

/// Returns the format of a text that is not blank.
pub(super) fn recognise(text: &str) -> Result<Format, IngestErrorKind> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'<') => match junit::root_element(text) {
            Some(root) if junit::is_root(&root) => Ok(Format::JUnit),
            Some(other) => Err(unrecognised(format!("XML with the root element `<{other}>`"), KNOWN)),
            None => Err(unrecognised("markup without an element".to_owned(), KNOWN)),
        },
        Some(b'{' | b'[') => recognise_json(&Outline::of(text)?),
        _ if csv::has_header(text) => Ok(Format::Csv),
        _ => Err(unrecognised(describe_text(text), KNOWN)),
    }
}

fn recognise_json(outline: &Outline) -> Result<Format, IngestErrorKind> {
    let is_job = |value: &Outline| value.get("run_id").is_some() && value.get("status").is_some();
    match outline {
        Outline::Object(entries) => {
            let numbers = entries.iter().filter(|(_, value)| *value == Outline::Number).count();
            if outline.get("shardplan_report").is_some() {
                Ok(Format::ShardReport)
            } else if is_job(outline) || matches!(outline.get("jobs"), Some(Outline::List(_))) {
                Ok(Format::GitHubJobs)
            } else if outline.get("workflow_runs").is_some() {
                Err(unrecognised("a list of workflow runs, without their jobs".to_owned(), FETCH_JOBS))
            } else if outline.get("workflow_id").is_some() || outline.get("workflow_run").is_some() {
                Err(unrecognised("a workflow run, without its jobs".to_owned(), FETCH_JOBS))
            } else if outline.get("documentation_url").is_some() {
                Err(unrecognised("an error message of GitHub's API".to_owned(), FETCH_JOBS))
            } else if outline.get("collectors").is_some() || outline.get("exitcode").is_some() {
                Err(unrecognised(
                    "a report of pytest-json-report".to_owned(),
                    "`pytest --junitxml=report.xml` writes a report that is read",
                ))
            } else if is_test_durations(entries, numbers) {
                Ok(Format::TestDurations)
            } else {
                Err(unrecognised(outline.describe(), KNOWN))
            }
        }
        Outline::List(items) => match items.first() {
            Some(Outline::List(pair)) if *pair == [Outline::Text, Outline::Number] => {
                Ok(Format::TestDurations)
            }
            Some(item) if is_job(item) => Ok(Format::GitHubJobs),
            _ => Err(unrecognised(outline.describe(), KNOWN)),
        },
        _ => Err(unrecognised(outline.describe(), KNOWN)),
    }
}

/// Returns whether an object maps ids to numbers. A few values of another kind are a fault in it, not another
/// format; an empty object is what pytest-split starts from.
fn is_test_durations(entries: &[(String, Outline)], numbers: usize) -> bool {
    let has_test_id = entries.iter().any(|(key, value)| key.contains("::") && *value == Outline::Number);
    entries.is_empty() || has_test_id && 2 * numbers >= entries.len()
}

fn unrecognised(found: String, remedy: &'static str) -> IngestErrorKind {
    IngestErrorKind::Unrecognised { found, remedy }
}

fn describe_text(text: &str) -> String {
    const SHOWN: usize = 40;
    let line = text.trim_ascii_start().lines().next().unwrap_or_default();
    let start: String = line.chars().take(SHOWN).collect();
    let more = if start.len() < line.len() { "…" } else { "" };
    format!("text that starts with `{start}{more}`")
}

impl Format {
    /// Returns the word that the history stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JUnit => "junit",
            Self::TestDurations => "test-durations",
            Self::GitHubJobs => "github-jobs",
            Self::Csv => "csv",
            Self::ShardReport => "shard-report",
        }
    }

    /// Returns the name that people know it by.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::JUnit => "JUnit XML",
            Self::TestDurations => "pytest-split durations",
            Self::GitHubJobs => "GitHub Actions jobs",
            Self::Csv => "CSV",
            Self::ShardReport => "shard report",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::JUnit, Self::TestDurations, Self::GitHubJobs, Self::Csv, Self::ShardReport]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a format of a report"))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_by_its_content() {
        for (text, format) in [
            ("<?xml version=\"1.0\"?>\n<!-- x --><testsuites/>", Format::JUnit),
            ("\n<testsuite name='a'>", Format::JUnit),
            ("{}", Format::TestDurations),
            (r#"{"a.py::t": 1.5, ".sentinel": "x"}"#, Format::TestDurations),
            (r#"[["a.py::t", 1]]"#, Format::TestDurations),
            (r#"{"total_count": 0, "jobs": []}"#, Format::GitHubJobs),
            (r#"[{"id": 1, "run_id": 2, "status": "completed"}]"#, Format::GitHubJobs),
            (r#"{"id": 1, "run_id": 2, "status": "queued"}"#, Format::GitHubJobs),
            (r#"{"shardplan_report": 1, "tests": []}"#, Format::ShardReport),
            ("test,seconds\n", Format::Csv),
            ("\"node_id\",file,\"seconds\"\n", Format::Csv),
        ] {
            assert_eq!(recognise(text), Ok(format), "{text}");
        }
    }

    #[test]
    fn what_is_something_else_is_named() {
        for (text, found) in [
            ("<coverage/>", "XML with the root element `<coverage>`"),
            ("<!-- nothing", "markup without an element"),
            ("[]", "an empty JSON list"),
            (r#"{"total_count": 1, "workflow_runs": []}"#, "a list of workflow runs, without their jobs"),
            (r#"{"spec/a_spec.rb": 1.5}"#, "a JSON object with the keys `spec/a_spec.rb`"),
            ("{\"$report_type\": 1}\n{\"$report_type\": 2}\n", "a log of JSON lines"),
            ("a,b\n1,2\n", "text that starts with `a,b`"),
            ("hello", "text that starts with `hello`"),
        ] {
            match recognise(text) {
                Err(IngestErrorKind::Unrecognised { found: said, .. }) => assert_eq!(said, found),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
