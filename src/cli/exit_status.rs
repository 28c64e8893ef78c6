//! How the program ends, for scripts.

use std::process::ExitCode;

/// The exit codes, one meaning each. They are part of the interface: a number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitStatus {
    /// 0: done.
    Success,
    /// 1: the check failed: there are findings, or what is committed differs.
    CheckFailed,
    /// 2: the command line is wrong.
    Usage,
    /// 3: an input is missing, broken or contradicts itself.
    BadInput,
    /// 4: no plan can keep the limits that were given.
    Infeasible,
    /// 5: the lock is out of date and `--locked` forbids to change it.
    LockOutOfDate,
    /// 101: our fault: the program broke one of its own rules.
    Internal,
}

impl ExitStatus {
    /// Returns the number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::CheckFailed => 1,
            Self::Usage => 2,
            Self::BadInput => 3,
            Self::Infeasible => 4,
            Self::LockOutOfDate => 5,
            Self::Internal => 101,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
