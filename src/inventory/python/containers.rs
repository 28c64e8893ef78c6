//! Containers that tests start by themselves: through Docker's library, or by its command.

use std::collections::BTreeSet;

use ruff_python_ast::{Expr, ExprCall};

use super::signs::{SignBook, Sought};

/// Calls that run a command.
const COMMANDS: &[&str] = &[
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
    "os.system",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.getoutput",
    "subprocess.run",
];

/// Returns the arguments of a call that can name an image of a container: of `docker.from_env().containers.run(…)`, or
/// of a call that runs a command.
pub(super) fn images_of<'s>(path: &str, call: &'s ExprCall) -> Option<Vec<&'s Expr>> {
    if COMMANDS.contains(&path) {
        return Some(call.arguments.args.iter().collect());
    }
    let starts = path.starts_with("docker.") && path.ends_with(".containers.run");
    let named = || call.arguments.find_keyword("image").map(|keyword| &keyword.value);
    starts.then(|| call.arguments.args.first().or_else(named).into_iter().collect())
}

/// Returns the services whose containers are started by a call of this name with these texts.
pub(super) fn services_of(path: &str, texts: &[String], book: &SignBook<'_>) -> BTreeSet<Sought> {
    let words: Vec<&str> = if COMMANDS.contains(&path) {
        let words: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
        let program = words.iter().position(|word| {
            matches!(
                word.rsplit('/').next(),
                Some("docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose")
            )
        });
        let Some(program) = program else { return BTreeSet::new() };
        let starts =
            words[program..].iter().position(|word| matches!(*word, "run" | "create" | "start" | "up"));
        let Some(starts) = starts else { return BTreeSet::new() };
        words[program + starts + 1..].iter().copied().filter(|word| !word.starts_with('-')).collect()
    } else {
        texts.iter().map(String::as_str).collect()
    };
    words.into_iter().filter_map(|word| book.image(word)).collect()
}
