//! The containers that a script starts by docker or compose.

use super::shell::{self, Word};

/// A container, or several, that a script starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerStart {
    /// `docker run IMAGE`
    Image(String),
    /// `docker compose up`, `docker compose run`: the files that are named, and the services; none means all.
    Compose {
        /// The values of `-f`.
        files: Vec<String>,
        /// The services that are named.
        services: Vec<String>,
    },
}

/// Options that are followed by a value in a word of its own.
const WITH_VALUE: [&str; 27] = [
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "-e",
    "--env",
    "-v",
    "--volume",
    "--name",
    "--network",
    "--net",
    "--publish",
    "--user",
    "-u",
    "-w",
    "--workdir",
    "--entrypoint",
    "--health-cmd",
    "--label",
    "-l",
    "--restart",
    "--memory",
    "-m",
    "--add-host",
    "--wait-timeout",
];

/// Returns what a script starts, in its order.
#[must_use]
pub fn container_starts(script: &str) -> Vec<ContainerStart> {
    shell::commands(script).iter().filter_map(|words| start(words)).collect()
}

fn start(words: &[Word]) -> Option<ContainerStart> {
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let at = words.iter().position(|word| matches!(*word, "docker" | "docker-compose" | "podman"))?;
    // Behind `sudo`, an assignment, a keyword; a word somewhere in a sentence starts nothing.
    if words[..at].iter().any(|word| matches!(*word, "echo" | "printf" | "install")) {
        return None;
    }
    let compose = words[at] == "docker-compose" || words.get(at + 1) == Some(&"compose");
    let mut rest =
        words[at + 1..].iter().copied().skip(usize::from(compose && words[at] != "docker-compose"));
    let mut files = Vec::new();
    let mut verb = None;
    let mut named: Vec<String> = Vec::new();
    while let Some(word) = rest.next() {
        if word.starts_with('-') {
            let (option, glued) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let takes = WITH_VALUE.contains(&option);
            let value = if takes && glued.is_none() { rest.next() } else { glued };
            if compose && verb.is_none() && matches!(option, "-f" | "--file") {
                files.extend(value.map(str::to_owned));
            }
            continue;
        }
        if verb.is_none() {
            verb = Some(word);
            continue;
        }
        named.push(word.to_owned());
        // What follows the service or the image is the command within.
        if verb == Some("run") {
            break;
        }
    }
    match (compose, verb?) {
        (true, "up" | "start" | "run") => Some(ContainerStart::Compose { files, services: named }),
        (false, "run") => named.pop().map(ContainerStart::Image),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(files: &[&str], services: &[&str]) -> ContainerStart {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        ContainerStart::Compose { files: owned(files), services: owned(services) }
    }

    #[test]
    fn what_docker_and_compose_start_is_read_off_a_script() {
        let script = "sudo docker run -d --name db -e A=b -p 5432:5432 postgres:16 -c x=y\n\
                      docker compose -f a.yml --file=b.yml up -d --wait db cache\ndocker-compose up\n\
                      docker compose run --rm -e X=1 web pytest\ndocker build .\ndocker compose down\necho docker run x\n";
        assert_eq!(
            container_starts(script),
            [
                ContainerStart::Image("postgres:16".to_owned()),
                compose(&["a.yml", "b.yml"], &["db", "cache"]),
                compose(&[], &[]),
                compose(&[], &["web"]),
            ]
        );
    }
}
