//! The rules, one line each.

use super::context::Context;
use super::finding::{Confidence, Finding, Severity};
use super::rules;
use crate::config::nearest;

/// A rule of the audit.
#[derive(Debug)]
pub struct Rule {
    /// Its code, which never changes its meaning.
    pub code: &'static str,
    /// Its name: the fault, not the cure.
    pub name: &'static str,
    /// How bad what it finds is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The source of its file; the module's documentation is the rule's explanation.
    pub source: &'static str,
    /// Looks for the fault.
    pub check: fn(&Context<'_>) -> Vec<Finding>,
}

macro_rules! rules {
    ($($constant:ident $module:ident $code:literal $name:literal $severity:ident $confidence:ident;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub static $constant: Rule = Rule {
                code: $code,
                name: $name,
                severity: Severity::$severity,
                confidence: Confidence::$confidence,
                source: include_str!(concat!("rules/", stringify!($module), ".rs")),
                check: rules::$module::check,
            };
        )*

        /// Every rule, by code.
        pub static RULES: &[&Rule] = &[$(&$constant),*];
    };
}

rules! {
    UNMARKED_SERVICE        unmarked_service        "SP101" "unmarked-service"        Error   Medium;
    MARKED_WITHOUT_NEED     marked_without_need     "SP102" "marked-without-need"     Warning Medium;
    UNREGISTERED_MARK       unregistered_mark       "SP103" "unregistered-mark"       Warning High;
    UNUSED_MARK             unused_mark             "SP104" "unused-mark"             Note    Medium;
    IN_NO_LANE              in_no_lane              "SP201" "in-no-lane"              Error   High;
    IN_TWO_LANES            in_two_lanes            "SP202" "in-two-lanes"            Error   High;
    LANE_LACKS_SERVICE      lane_lacks_service      "SP203" "lane-lacks-service"      Error   Medium;
    IDLE_SERVICE            idle_service            "SP204" "idle-service"            Warning Medium;
    SILENT_SKIP             silent_skip             "SP205" "silent-skip"             Error   High;
    EMPTY_SELECTION         empty_selection         "SP206" "empty-selection"         Error   High;
    SERIAL_TESTS_IN_WORKERS serial_tests_in_workers "SP207" "serial-tests-in-workers" Error   High;
    CONNECTS_AT_IMPORT      connects_at_import      "SP301" "connects-at-import"      Warning High;
    DRAGGING_AUTOUSE        dragging_autouse        "SP302" "dragging-autouse"        Warning High;
    UNSTABLE_IDS            unstable_ids            "SP303" "unstable-ids"            Error   High;
    SHADOWED_TEST           shadowed_test           "SP304" "shadowed-test"           Error   High;
    UNREADABLE_FILE         unreadable_file         "SP305" "unreadable-file"         Error   High;
    NEED_NOT_FOLLOWED       need_not_followed       "SP306" "need-not-followed"       Warning Medium;
    IGNORE_WITHOUT_RULE     ignore_without_rule     "SP307" "ignore-without-rule"     Warning High;
    ALWAYS_SKIPPED          always_skipped          "SP401" "always-skipped"          Warning High;
    STALE_DURATIONS         stale_durations         "SP402" "stale-durations"         Note    High;
    NO_HISTORY              no_history              "SP403" "no-history"              Note    High;
    OUTSIZED_UNIT           outsized_unit           "SP404" "outsized-unit"           Note    High;
    DUPLICATE_KEY           duplicate_key           "SP501" "duplicate-key"           Error   High;
    THRESHOLD_OF_A_PART     threshold_of_a_part     "SP502" "threshold-of-a-part"     Error   High;
    SHARED_DATA_FILE        shared_data_file        "SP503" "shared-data-file"        Error   High;
    HIDDEN_FILE_NOT_UPLOADED hidden_file_not_uploaded "SP504" "hidden-file-not-uploaded" Error   High;
    EMPTY_UPLOAD            empty_upload            "SP505" "empty-upload"            Error   High;
    GATE_WITHOUT_A_LANE     gate_without_a_lane     "SP506" "gate-without-a-lane"     Error   High;
    GATE_THAT_SKIPS         gate_that_skips         "SP507" "gate-that-skips"         Warning High;
    REPORT_AFTER_THRESHOLD  report_after_threshold  "SP508" "report-after-threshold"  Warning High;
    COMBINE_BEFORE_COMPLETENESS combine_before_completeness "SP509" "combine-before-completeness" Error   Medium;
    SWITCH_ON_SOME_LANES    switch_on_some_lanes    "SP510" "switch-on-some-lanes"    Warning High;
    PARALLEL_FOR_CI_ONLY    parallel_for_ci_only    "SP511" "parallel-for-ci-only"    Note    Medium;
    PATHS_NOT_MAPPED        paths_not_mapped        "SP512" "paths-not-mapped"        Warning Medium;
    TIMEOUT_BELOW_USUAL     timeout_below_usual     "SP513" "timeout-below-usual"     Warning High;
    MORE_JOBS_THAN_RUNNERS  more_jobs_than_runners  "SP514" "more-jobs-than-runners"  Note    Low;
    IDLE_JOB_SERVICE        idle_job_service        "SP515" "idle-job-service"        Warning Medium;
    SELECTS_NOTHING         selects_nothing         "SP516" "selects-nothing"         Error   High;
}

/// What a user calls a rule: its code or its name, or the beginning of codes (`SP2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName(String);

/// A name that no rule bears.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{}`{}", crate::ids::Printable(name), near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownRule {
    name: String,
    near: Option<&'static str>,
}

impl RuleName {
    /// Returns whether the name means a rule.
    #[must_use]
    pub fn means(&self, rule: &Rule) -> bool {
        rule.code.starts_with(&self.0.to_ascii_uppercase()) || rule.name == self.0.to_ascii_lowercase()
    }
}

impl std::str::FromStr for RuleName {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = Self(text.trim().to_owned());
        if !text.trim().is_empty() && RULES.iter().any(|rule| name.means(rule)) {
            return Ok(name);
        }
        let known = RULES.iter().flat_map(|rule| [rule.code, rule.name]);
        Err(UnknownRule { name: text.to_owned(), near: nearest(text, known) })
    }
}

impl Rule {
    /// Returns the rule's explanation: what it checks, why it matters, an example, the remedy.
    #[must_use]
    pub fn explanation(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        let text: Vec<&str> = lines
            .map(|line| line.trim_start_matches("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        text.join("\n") + "\n"
    }

    /// Returns the explanation's first line.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.source.lines().next().map_or("", |line| line.trim_start_matches("//!").trim())
    }
}

/// Returns the rule of that code or name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .copied()
        .find(|rule| rule.code.eq_ignore_ascii_case(name) || rule.name.eq_ignore_ascii_case(name))
}
