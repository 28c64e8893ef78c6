//! Containers that tests start by themselves: through Docker's library, or by its command.

use std::collections::BTreeSet;

use ruff_python_ast::{Expr, ExprCall};

use super::hints::hints_of;
use super::links::{Linker, TouchKind, arguments};
use super::program::Use;
use super::signs::{Address, SignBook, Sought};

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

/// How a client of Docker's library starts a container.
pub(super) const RUN: &str = ".containers.run";

/// Returns the arguments of a call that can name an image of a container: of `docker.from_env().containers.run(…)`, or
/// of a call that runs a command.
pub(super) fn images_of<'s>(path: &str, call: &'s ExprCall) -> Option<Vec<&'s Expr>> {
    if COMMANDS.contains(&path) {
        return Some(call.arguments.args.iter().collect());
    }
    let starts = path.starts_with("docker.") && path.ends_with(RUN);
    let named = || call.arguments.find_keyword("image").map(|keyword| &keyword.value);
    starts.then(|| call.arguments.args.first().or_else(named).into_iter().collect())
}

/// Returns the services whose containers are started by a call of this name with these texts; where none of them is an
/// image, what the function around is named after: `def kafka_server(docker, image)`.
pub(super) fn services_of(
    path: &str,
    texts: &[String],
    around: &str,
    book: &SignBook<'_>,
) -> BTreeSet<Sought> {
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
    } else if texts.iter().all(|text| text.starts_with('-')) {
        return book.word(around).into_iter().collect();
    } else {
        texts.iter().map(String::as_str).collect()
    };
    words.into_iter().filter_map(|word| book.image(word)).collect()
}

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// `docker_services.port_for("cache", 6379)`: the port of a container that pytest's plugin for Docker starts.
    pub(super) fn started_beside(&mut self, used: &Use<'s>, call: &'s ExprCall) {
        // `docker.containers.run(image)`, where a fixture gives Docker's client.
        if let [client, "containers", "run"] = *used.chain
            && self.resolver.resolve(self.scope, &[client]).target.is_none()
        {
            return self.external(used, call, &format!("docker{RUN}"), Vec::new());
        }
        if !matches!(
            *used.chain,
            ["docker_services" | "module_docker_services" | "session_docker_services", "port_for"]
        ) {
            return;
        }
        let hints = hints_of(self.resolver, self.scope, arguments(call));
        let named = hints.texts.iter().find_map(|text| self.book.word(text));
        let services = match (named, self.book.address(&hints)) {
            (Some(service), _) => vec![service],
            (None, Address::Of(services)) => services,
            (None, _) => Vec::new(),
        };
        for service in services {
            self.touch(used, service, TouchKind::Container, "docker_services.port_for", &[]);
        }
    }
}
