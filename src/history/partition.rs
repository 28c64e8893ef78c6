//! The folders of the store: `branch=…/month=…`, as Hive names partitions.
//!
//! A branch name comes from whoever opens a pull request. Here it becomes the name of a folder, so everything
//! but letters, digits, `.`, `_` and `-` is percent-escaped: no name can leave the store or break the reading
//! of `key=value`.

use std::fmt::Write as _;

use crate::time::Timestamp;

/// The branch folder of files that speak of several branches.
const MIXED: &str = "mixed";
/// The folder of files that speak of no branch, or of no time.
const UNKNOWN: &str = "unknown";
/// The longest escaped branch name: file systems take names up to 255 bytes.
const MAX_BRANCH_BYTES: usize = 180;

/// Where a file lies within its table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition {
    /// The branch, escaped.
    pub(super) branch: String,
    /// `2026-06`, in UTC.
    pub(super) month: String,
}

impl Partition {
    /// Returns the partition of a file that speaks of these branches and times.
    pub(super) fn of<'a>(facts: impl IntoIterator<Item = (Option<&'a str>, Option<Timestamp>)>) -> Self {
        let (mut branches, mut latest) = (Vec::new(), None);
        for (branch, at) in facts {
            branches.push(branch);
            latest = latest.max(at);
        }
        branches.sort_unstable();
        branches.dedup();
        let branch = match branches.as_slice() {
            [] | [None] => UNKNOWN.to_owned(),
            [Some(branch)] => escape(branch),
            _ => MIXED.to_owned(),
        };
        Self { branch, month: latest.map_or_else(|| UNKNOWN.to_owned(), Timestamp::month) }
    }

    /// Returns the names of the two folders.
    pub(super) fn folders(&self) -> [String; 2] {
        [format!("branch={}", self.branch), format!("month={}", self.month)]
    }

    /// Returns the partition that two folder names stand for.
    pub(super) fn parse(branch: &str, month: &str) -> Option<Self> {
        Some(Self {
            branch: branch.strip_prefix("branch=")?.to_owned(),
            month: month.strip_prefix("month=")?.to_owned(),
        })
    }

    /// Returns whether a file here can speak of this branch.
    pub(super) fn may_hold_branch(&self, branch: &str) -> bool {
        // Some file systems take `Main` and `main` for one folder.
        self.branch == MIXED || self.branch.eq_ignore_ascii_case(&escape(branch))
    }

    /// Returns whether a file here can speak of this time or a later one.
    pub(super) fn may_reach(&self, since: Timestamp) -> bool {
        self.month == UNKNOWN || self.month >= since.month()
    }
}

fn escape(branch: &str) -> String {
    let mut escaped = String::with_capacity(branch.len());
    for byte in branch.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    if escaped.is_empty() {
        return UNKNOWN.to_owned();
    }
    if escaped.len() > MAX_BRANCH_BYTES {
        // Two long names with the same beginning must not share a folder.
        let digest = blake3::hash(branch.as_bytes()).to_hex();
        escaped.truncate(MAX_BRANCH_BYTES);
        escaped.push('~');
        escaped.push_str(&digest[..16]);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_branch_name_leaves_its_folder() {
        for (branch, escaped) in [
            ("main", "main"),
            ("feature/x", "feature%2Fx"),
            ("../../etc", "..%2F..%2Fetc"),
            ("a=b&c", "a%3Db%26c"),
            ("é\0", "%C3%A9%00"),
            ("100%", "100%25"),
            ("", "unknown"),
        ] {
            assert_eq!(escape(branch), escaped);
        }
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let (one, two) = (format!("{}1", "é".repeat(500)), format!("{}2", "é".repeat(500)));
        assert!(escape(&one).len() < 240);
        assert_ne!(escape(&one), escape(&two));
    }

    #[test]
    fn a_file_of_several_branches_is_mixed_and_lies_in_its_latest_month() {
        let (june, july) =
            (Timestamp::parse("2026-06-30T23:59:59Z"), Timestamp::parse("2026-07-01T00:00:00Z"));
        let of_two = Partition::of([(Some("main"), july), (Some("next"), june)]);
        assert_eq!(of_two.folders(), ["branch=mixed", "month=2026-07"]);
        let of_one = Partition::of([(Some("main"), june), (Some("main"), None)]);
        assert_eq!(of_one.folders(), ["branch=main", "month=2026-06"]);
        assert_eq!(Partition::of([(None, None)]).folders(), ["branch=unknown", "month=unknown"]);
    }

    #[test]
    fn pruning_never_drops_what_a_filter_keeps() {
        let june = Partition::of([(Some("Main"), Timestamp::parse("2026-06-30T23:59:59Z"))]);
        assert!(june.may_hold_branch("main"));
        assert!(june.may_reach(Timestamp::parse("2026-06-01T00:00:00Z").unwrap()));
        assert!(!june.may_reach(Timestamp::parse("2026-07-01T00:00:00Z").unwrap()));
        assert!(Partition::of([(None, None)]).may_reach(Timestamp(0)));
    }
}
