//! What the reason of a skip says that is looked for: `pytest.skip("Redis is not running")`.

use ruff_python_ast::{Expr, ExprCall};

use super::links::Linker;
use super::program::Use;
use super::signs::words_of;

/// Words that say of a service that it is not there, and not of a library.
const LOOKS_FOR: &[&str] = &[
    "alive",
    "connect",
    "daemon",
    "listening",
    "online",
    "reachable",
    "reached",
    "responding",
    "running",
    "server",
    "started",
    "unreachable",
];

/// Words that say that something else is missing, or that nothing is.
const OF_OTHERS: &[&str] = &[
    "client",
    "driver",
    "fake",
    "import",
    "install",
    "installed",
    "library",
    "memory",
    "mock",
    "mocked",
    "module",
    "package",
    "stub",
    "version",
    "windows",
];

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Reads the reason for which a call skips tests: it may name the service that is looked for.
    pub(super) fn reason(&mut self, used: &Use<'s>, call: &'s ExprCall) {
        let at = match *used.chain {
            ["skip" | "SkipTest"]
            | ["pytest" | "unittest", "skip" | "SkipTest"]
            | ["pytest", "skip", "Exception"]
            | ["self" | "cls", "skipTest"] => 0,
            ["skipIf" | "skipUnless" | "skipif"]
            | ["unittest", "skipIf" | "skipUnless"]
            | ["mark", "skipif"]
            | ["pytest", "mark", "skipif"] => 1,
            _ => return,
        };
        // What is always skipped looks for nothing.
        if used.decorator && used.chain.last() == Some(&"skip") {
            return;
        }
        let keyword = call.arguments.find_keyword("reason").or_else(|| call.arguments.find_keyword("msg"));
        let given = keyword.map(|keyword| &keyword.value).or_else(|| call.arguments.args.get(at));
        let Some(reason) = given.and_then(said) else { return };
        // `PostgreSQL` is one word, `redis-server` are two.
        let mut words = words_of(reason);
        words.extend(reason.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase));
        let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        if !has(LOOKS_FOR) || has(OF_OTHERS) {
            return;
        }
        let services =
            self.book.all().filter(|(_, service)| words.iter().any(|word| service.words.contains(word)));
        let named: Vec<_> = services.map(|(sought, _)| sought).collect();
        self.links.named_guards.extend(named.into_iter().map(|service| (service, used.range, None)));
    }
}

/// Returns what a literal says, itself or by a format: `"Redis is not running at %s" % url`.
fn said(reason: &Expr) -> Option<&str> {
    match reason {
        Expr::StringLiteral(text) => Some(text.value.to_str()),
        Expr::BinOp(format) => said(&format.left),
        Expr::FString(text) => {
            let mut literals = text.value.elements().filter_map(|element| element.as_literal());
            literals.next().map(|literal| &*literal.value)
        }
        _ => None,
    }
}
