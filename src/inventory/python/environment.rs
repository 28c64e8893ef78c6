//! What the files beside the sources set: variables of the environment, images that are started, packages.
//!
//! `.env` files, compose files, workflows, `tox.ini` and the like say what a variable is when the tests run. They are
//! read line by line for what is written as `NAME=value` or `NAME: value`; nothing of them is interpreted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::frameworks::DJANGO_VARIABLE;
use super::locate::joined;
use super::settings::{PytestSettings, normalised};
use super::variables::is_local;

/// Files of a folder that say how it is run, by their names or the beginnings of these.
const FILES: &[&str] =
    &[".env", "Makefile", "justfile", "noxfile.py", "pytest.ini", "setup.cfg", "tox.ini", "sample.env"];
const STARTS: &[&str] = &[".env.", "compose", "docker-compose", "env."];

/// Folders beside the sources in which compose files stand as well.
const COMPOSE_FOLDERS: &[&str] = &[".docker", "compose", "deploy", "dev", "development", "docker"];

/// Folders beside the sources whose settings are read as well, for the addresses in them.
const SETTINGS_FOLDERS: &[&str] = &["", "conf", "config", "etc", "settings", "test", "tests"];

/// Files of a folder that say which packages a project depends on, likewise.
const DEPENDENCIES: &[&str] = &["pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "environment.yml"];

/// Those that set variables for the tests alone.
const RUNNERS: &[&str] = &["pyproject.toml", "pytest.ini", "tox.ini"];

/// The pipelines of other CI services.
const PIPELINES: &[&str] = &[
    ".buildkite/pipeline.yml",
    ".circleci/config.yml",
    ".drone.yml",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".woodpecker.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
];

/// Files larger than this are no one's settings.
const MAX_BYTES: u64 = 512 * 1024;

/// How many values of one variable are kept.
const MAX_VALUES: usize = 32;

/// What the files beside the sources say.
#[derive(Debug, Default)]
pub(super) struct Environment {
    variables: BTreeMap<String, Vec<String>>,
    /// What the files of the tests' own runners set.
    of_tests: BTreeMap<String, String>,
    /// Variables that these files set in several ways, each for one of several environments.
    unsure: BTreeSet<String>,
    /// What the workflows set, and the images that jobs of any CI service start.
    of_jobs: Vec<(String, String)>,
    images_of_jobs: BTreeSet<String>,
    /// The addresses that stand in settings under whatever name: `sqlalchemy.url = postgresql://db/app`.
    pub(super) urls: BTreeSet<String>,
    /// The images that are started, without a tag.
    pub(super) images: BTreeSet<String>,
    /// The Python files that a job, a runner or a Makefile copies, each to where.
    pub(super) copies: Vec<(String, String)>,
    /// The files of dependencies in lower case, one after the other.
    pub(super) dependencies: String,
    /// These files, each with where its text begins.
    dependency_files: Vec<(String, usize)>,
}

impl Environment {
    /// Returns what the files in the project's folder and its pytest roots say.
    pub(super) fn of(project: &Path, roots: &[PytestSettings]) -> Self {
        let mut found = Self::default();
        let folders: BTreeSet<&str> = roots.iter().map(|root| root.root.as_str()).chain([""]).collect();
        for root in folders {
            let folder = project.join(root);
            found.read_env_files(&folder);
            found.read_folder(&folder, &|name| {
                FILES.contains(&name)
                    || name == "pyproject.toml"
                    || STARTS.iter().any(|start| name.starts_with(start))
            });
            for below in [root.to_owned(), joined(root, "requirements").into_owned()] {
                found.read_dependencies(project, &below);
            }
            for below in COMPOSE_FOLDERS {
                for (_, text) in files_in(&folder.join(below), &|name| name.contains("compose")) {
                    found.read(&text, true);
                }
            }
            for below in SETTINGS_FOLDERS {
                let settings =
                    |name: &str| has_extension(name, &["cfg", "conf", "env", "ini", "toml", "yaml", "yml"]);
                for (_, text) in files_in(&folder.join(below), &settings) {
                    found.urls.extend(urls_of(&text).map(str::to_owned));
                }
            }
        }
        // The module where nothing names another.
        let piccolo = found.variables.entry(super::frameworks::PICCOLO_VARIABLE.to_owned()).or_default();
        piccolo.push("piccolo_conf".to_owned());
        let workflow = |name: &str| has_extension(name, &["yml", "yaml"]);
        let workflows = project.join(".github/workflows");
        let of_others = PIPELINES.iter().flat_map(|path| {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            files_in(&project.join(folder), &|name| name == file)
        });
        let before = std::mem::take(&mut found.images);
        for (_, text) in files_in(&workflows, &workflow) {
            found.read(&text, true);
            let set = text.lines().flat_map(assignments);
            found.of_jobs.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        for (_, text) in of_others.chain(actions(project)) {
            found.read(&text, true);
        }
        found.images_of_jobs.clone_from(&found.images);
        found.images.extend(before);
        found
    }

    /// Returns the values that a variable is given anywhere.
    pub(super) fn values(&self, variable: &str) -> &[String] {
        self.variables.get(variable).map_or(&[], Vec::as_slice)
    }

    /// Returns the value that a variable has when the tests run, where the files of their runners say so.
    pub(super) fn of_tests(&self, variable: &str) -> Option<&str> {
        self.of_tests.get(variable).map(String::as_str)
    }

    /// Returns whether it hangs on which of several environments is run what a variable is.
    pub(super) fn is_unsure(&self, variable: &str) -> bool {
        self.unsure.contains(variable)
    }

    /// Returns whether the project is the package of this name.
    pub(super) fn is_named(&self, package: &str) -> bool {
        let package = package.to_ascii_lowercase();
        let names = [package.replace('_', "-"), package.replace('-', "_")];
        self.dependencies.lines().filter_map(|line| line.trim_start().strip_prefix("name")).any(|rest| {
            let value = rest.trim_start().strip_prefix('=').map(str::trim);
            let value = value.map(|value| value.trim_end_matches(',').trim_matches(['"', '\'']));
            value.is_some_and(|value| names.iter().any(|name| name == value))
        })
    }

    /// Returns what the files of the tests' runners set, and the addresses that the workflows do, name by name: one job's
    /// `DATABASE_TYPE: sqlite3` is one of several choices, of which the settings know the usual one.
    pub(super) fn when_tested(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_tests = self.of_tests.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let of_jobs = self.of_jobs.iter().filter(|(_, value)| value.contains(':'));
        of_tests.chain(of_jobs.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Returns whether an image is started that bears one of these names: `redis` of `docker.io/library/redis`.
    pub(super) fn starts(&self, names: &[String]) -> bool {
        bears(&self.images, names)
    }

    /// Returns whether a job of a CI service starts one.
    pub(super) fn starts_in_jobs(&self, names: &[String]) -> bool {
        bears(&self.images_of_jobs, names)
    }

    /// Returns whether an address stands in the files beside the sources that has one of these schemes.
    pub(super) fn names_address(&self, schemes: &[String]) -> bool {
        let mut addresses = self.urls.iter().chain(self.all_values());
        addresses.any(|address| {
            scheme_of(address).is_some_and(|scheme| schemes.iter().any(|known| known == scheme))
        })
    }

    /// Returns the values of all variables.
    pub(super) fn all_values(&self) -> impl Iterator<Item = &String> {
        self.variables.values().flatten()
    }

    /// Returns whether the project depends on a package.
    pub(super) fn depends_on(&self, package: &str) -> bool {
        self.dependency(package).next().is_some()
    }

    /// Returns the file and the line that name a package on which the project depends.
    pub(super) fn depends_at(&self, package: &str) -> Option<(&str, usize)> {
        // A dependency begins a line or a text between quotes; what is only spoken of is none.
        let is_listed = |at: &usize| {
            let line = self.dependencies[..*at].rsplit('\n').next().unwrap_or_default().trim_end();
            let begins = line.is_empty() || !line.contains('#') && line.ends_with(['"', '\'', '-', '[', ',']);
            // `"redis: needs a cache"` registers a marker.
            begins && !self.dependencies[*at + package.len()..].starts_with([':', '('])
        };
        let at = self.dependency(package).find(is_listed)?;
        let (file, start) = self.dependency_files.iter().rev().find(|(_, start)| *start <= at)?;
        Some((file, 1 + self.dependencies[*start..at].matches('\n').count()))
    }

    fn dependency<'e>(&'e self, package: &'e str) -> impl Iterator<Item = usize> + 'e {
        let text = &self.dependencies;
        text.match_indices(package).map(|(at, _)| at).filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[*at + package.len()..].chars().next();
            let edge = |c: Option<char>| {
                c.is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            };
            edge(before) && edge(after)
        })
    }

    fn read_folder(&mut self, folder: &Path, wanted: &dyn Fn(&str) -> bool) {
        for (name, text) in files_in(folder, wanted) {
            self.read(&text, has_extension(&name, &["yml", "yaml"]));
            if RUNNERS.contains(&name.as_str()) {
                // `sqlite: DB=sqlite3`, `postgres: DB=postgres`: one of several environments sets it, nobody knows which. A
                // server is meant rather than a file: what needs it must not go unseen.
                let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
                let mut set: BTreeMap<&str, Option<&str>> = BTreeMap::new();
                for (variable, value) in lines.flat_map(assignments) {
                    let is_server = |value: &&str| value.contains("://") && !is_local(value);
                    let known = set.entry(variable).or_insert(Some(value));
                    *known = known.filter(|known| *known == value || is_server(known));
                    if known.is_none() && is_server(&value) {
                        *known = Some(value);
                    }
                }
                for (variable, value) in set {
                    match value {
                        Some(value) => {
                            self.of_tests.entry(variable.to_owned()).or_insert_with(|| value.to_owned());
                        }
                        None => {
                            self.unsure.insert(variable.to_owned());
                        }
                    }
                }
            }
        }
    }

    /// Reads the files of variables that a compose file names: `env_file: docker/test.env`.
    fn read_env_files(&mut self, folder: &Path) {
        let is_compose =
            |name: &str| STARTS.iter().any(|start| name.starts_with(start)) && name.contains("compose");
        let named: BTreeSet<String> = files_in(folder, &is_compose)
            .iter()
            .flat_map(|(_, text)| listed(text, "env_file:").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for path in named {
            let path = path.trim().trim_start_matches("path:").trim().trim_matches(['"', '\'']);
            // What lies outside of the project is none of its files.
            if path.starts_with('/') || path.split('/').any(|part| part == "..") {
                continue;
            }
            let path = normalised(path);
            let (below, name) = path.rsplit_once('/').unwrap_or(("", &path));
            for (_, text) in files_in(&folder.join(below), &|file| file == name) {
                self.read(&text, false);
            }
        }
    }

    fn read_dependencies(&mut self, project: &Path, folder: &str) {
        let wanted = |name: &str| {
            DEPENDENCIES.contains(&name)
                || (name.contains("requirements") || folder.ends_with("requirements"))
                    && has_extension(name, &["txt", "in"])
        };
        for (name, text) in files_in(&project.join(folder), &wanted) {
            self.dependency_files.push((joined(folder, &name).into_owned(), self.dependencies.len()));
            self.dependencies.push_str(&text.to_ascii_lowercase());
            self.dependencies.push('\n');
        }
    }

    fn read(&mut self, text: &str, yaml: bool) {
        if yaml {
            let written = text.lines();
            let images =
                written.filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("image:"));
            for image in images.chain(listed_services(text)) {
                let image = image.trim().trim_matches(['"', '\'']);
                let plain = image.split(['@', ' ']).next().unwrap_or(image);
                let untagged = plain.rsplit_once(':').map_or(plain, |(name, _)| name);
                self.images.insert(untagged.to_ascii_lowercase());
            }
        }
        for line in text.lines() {
            self.copies.extend(copied(line));
            if let Some(module) = settings_of_tests(line) {
                let modules = self.variables.entry(DJANGO_VARIABLE.to_owned()).or_default();
                if modules.len() < MAX_VALUES && !modules.iter().any(|known| known == module) {
                    modules.push(module.to_owned());
                }
            }
            for (name, value) in assignments(line) {
                let values = self.variables.entry(name.to_owned()).or_default();
                if values.len() < MAX_VALUES && !values.iter().any(|known| known == value) {
                    values.push(value.to_owned());
                }
            }
        }
    }
}

fn files_in(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            (wanted(&name) && entry.metadata().is_ok_and(|data| data.is_file() && data.len() < MAX_BYTES))
                .then_some(name)
        })
        .collect();
    names.sort_unstable();
    let read = |name: String| Some((name.clone(), std::fs::read_to_string(folder.join(&name)).ok()?));
    names.into_iter().filter_map(read).collect()
}

fn has_extension(name: &str, known: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| known.iter().any(|known| extension == *known))
}

/// Returns whether the last part of an image's name is one of these.
fn bears(images: &BTreeSet<String>, names: &[String]) -> bool {
    let last = |image: &str| image.rsplit_once('/').map_or(0, |(before, _)| before.len() + 1);
    images.iter().any(|image| names.iter().any(|name| *name == image[last(image)..]))
}

/// Returns what a line sets: `NAME=value`, `- NAME=value`, `NAME: "value"`.
fn assignments(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    line.match_indices(['=', ':']).filter_map(move |(at, _)| {
        let before = line[..at].trim_end_matches([' ', '"', '\'']);
        let start = before.trim_end_matches(is_name).len();
        let start = start + before[start..].len()
            - before[start..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let name = before.get(start..).filter(|name| name.len() > 2)?;
        let value = line[at + 1..].trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then_some((name, value))
    })
}

/// Returns the texts of the actions that a project keeps for its own workflows.
fn actions(project: &Path) -> Vec<(String, String)> {
    let Ok(folders) = std::fs::read_dir(project.join(".github/actions")) else { return Vec::new() };
    let mut folders: Vec<_> = folders.flatten().map(|folder| folder.path()).collect();
    folders.sort_unstable();
    let is_action = |name: &str| matches!(name, "action.yml" | "action.yaml");
    folders.iter().flat_map(|folder| files_in(folder, &is_action)).collect()
}

/// Returns the images of GitLab's `services:`, a list: `- postgres:14`, `- name: postgres:14`.
fn listed_services(text: &str) -> impl Iterator<Item = &str> {
    listed(text, "services:").filter_map(|item| {
        let image = item.strip_prefix("name:").unwrap_or(item).trim();
        (!image.contains(": ") && !image.ends_with(':')).then_some(image)
    })
}

/// Returns what stands under a key of a YAML file, beside it or as a list.
fn listed<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    // How deep the items of the list at hand are, once the first is seen.
    let (mut within, mut depth) = (false, None);
    text.lines().filter_map(move |line| {
        let item = line.trim_start();
        if item.is_empty() || item.starts_with('#') {
            return None;
        }
        let indent = line.len() - item.len();
        if let Some(beside) = item.strip_prefix(key) {
            (within, depth) = (beside.trim().is_empty(), None);
            return Some(beside.trim()).filter(|beside| !beside.is_empty() && !beside.starts_with('['));
        }
        if !within {
            return None;
        }
        let entry = item.strip_prefix("- ").filter(|_| depth.is_none_or(|depth| depth == indent));
        // A table, as GitHub has it for its services, is no list.
        within = entry.is_some() || depth.is_some_and(|depth| indent > depth);
        depth = depth.or(entry.map(|_| indent));
        entry
    })
}

/// Returns the Python file that a line copies, and where: `cp ci/settings.py app/local_settings.py`.
fn copied(line: &str) -> Option<(String, String)> {
    let (before, rest) = line.split_once("cp ")?;
    // It is the command itself: at the beginning of a line or behind another, and of no comment.
    let before = before.trim().trim_start_matches(['-', '@', ' ']);
    let begins = before.is_empty()
        || before.ends_with([';', '|', '&', '(', '{'])
        || before.ends_with("run:")
        || before.ends_with("sudo")
        || before.ends_with('=');
    if !begins || before.starts_with('#') {
        return None;
    }
    let mut paths = rest.split([' ', ';', '&', '|', '"', '\'']).filter(|word| !word.starts_with('-'));
    let (from, to) = (paths.next()?, paths.next()?);
    // Several go into a folder.
    if paths.next().is_some_and(|more| more.contains('/') || more.contains('.')) {
        return None;
    }
    let name = from.rsplit('/').next().filter(|name| has_extension(name, &["py"]))?;
    let to = if to.ends_with('/') { format!("{to}{name}") } else { to.to_owned() };
    let plain = |path: &str| {
        path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
            && !path.starts_with('/')
    };
    (plain(from) && plain(&to) && has_extension(&to, &["py"])).then(|| (normalised(from), normalised(&to)))
}

/// Returns the module of Django's settings that a line has the tests run with: `manage.py test --settings=app.test`.
fn settings_of_tests(line: &str) -> Option<&str> {
    if !line.contains("test") {
        return None;
    }
    let options = ["--settings=", "--settings ", "--ds=", "--ds "];
    let rest = options.iter().find_map(|option| Some(line.split_once(option)?.1))?;
    let end =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
    let module = &rest[..end];
    let dotted =
        module.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    dotted.then_some(module)
}

/// Returns the scheme of an address without its driver, whatever stands before it: `postgresql` of
/// `{env:URL:postgresql+asyncpg://db}`.
pub(super) fn scheme_of(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once("://")?;
    let scheme = scheme.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '+')).next()?;
    Some(scheme.split('+').next().unwrap_or(scheme))
}

/// Returns the addresses in a text that are none of the web.
fn urls_of(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    let edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '(' | ')' | '<' | '>');
    let words = code.flat_map(move |line| line.split(edge)).filter_map(|word| {
        let (before, _) = word.split_once("://")?;
        let start = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '+').len();
        Some(&word[start..])
    });
    words.filter(|url| !url.starts_with("http") && !url.starts_with(':'))
}

/// Returns the dotted modules that a text gives a variable: `os.environ.setdefault("NAME", "app.settings")`,
/// `NAME=app.settings`. Of a name that is put together (`f"settings.{name}"`) its beginning, which ends with a dot.
pub(super) fn modules_named<'t>(text: &'t str, variable: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(variable) {
        let rest = text[at + variable.len()..]
            .trim_start_matches([' ', '"', '\'', ',', '=', ':', ']', ')', '\n', '\t']);
        let formatted = rest.strip_prefix("f\"").or_else(|| rest.strip_prefix("f'"));
        let rest = formatted.unwrap_or(rest);
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
        let module = &rest[..end];
        let goes_on = formatted.is_some() && rest[end..].starts_with('{');
        let written = if goes_on { module.strip_suffix('.').unwrap_or("") } else { module };
        let dotted = written
            .split('.')
            .all(|part| !part.is_empty() && !part.starts_with(|c: char| c.is_ascii_digit()));
        if dotted && !found.contains(&module) {
            found.push(module);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lines_set_is_read_as_it_is_written() {
        let mut found = Environment::default();
        found.read("DATABASE_URL=postgres://db/x\n  tests: REDIS_URL = {env:X:redis://cache}\n", false);
        found.read(
            "    image: postgis/postgis:16\n      DATABASE_URL: \"mysql://db\"\n      - BROKER=amqp://mq\n",
            true,
        );
        assert_eq!(found.values("DATABASE_URL"), ["postgres://db/x", "mysql://db"]);
        assert_eq!(found.values("REDIS_URL"), ["{env:X:redis://cache}"]);
        assert_eq!(found.values("BROKER"), ["amqp://mq"]);
        assert!(found.images.contains("postgis/postgis"));
        found.read("test:\n  services:\n    - postgres:14\n    - name: bitnami/redis:7\n      alias: x\n  script:\n    - pytest\n", true);
        assert!(found.images.contains("postgres") && found.images.contains("bitnami/redis"));
        assert!(!found.images.contains("pytest"));
        found.read("services:\n  db:\n    ports:\n      - 5432:5432\n", true);
        assert!(!found.images.contains("5432"));
        found.read("run: cp ci/settings.py ./app/local.py && manage.py test --settings=app.ci --x\n- scp a.py b.py\n", true);
        assert_eq!(found.copies, [("ci/settings.py".to_owned(), "app/local.py".to_owned())]);
        assert_eq!(found.values("DJANGO_SETTINGS_MODULE"), ["app.ci"]);
        // A sign of several bytes before a name is no part of it, and parts nothing within.
        found.read("# rules (→ layers: none)\n→KEY=1\n", false);
        assert_eq!(found.values("KEY"), ["1"]);
    }

    #[test]
    fn a_module_is_named_whole_or_by_its_beginning() {
        let named = |text| modules_named(text, "SETTINGS");
        assert_eq!(named("environ['SETTINGS'] = 'app.settings'"), ["app.settings"]);
        assert_eq!(named("environ['SETTINGS'] = f'settings.{name}'"), ["settings."]);
        assert_eq!(named("SETTINGS=app.one\nSETTINGS=f\"{name}\"\nSETTINGS=f'a{name}'"), ["app.one"]);
    }

    #[test]
    fn an_address_is_one_under_whatever_name_it_stands() {
        let text = "[app:main]\nsqlalchemy.url = postgresql+psycopg2://u:p@db/app\n# old = mysql://db\nhome = https://x.org\nurl: \"redis://cache\"\n";
        assert_eq!(urls_of(text).collect::<Vec<_>>(), ["postgresql+psycopg2://u:p@db/app", "redis://cache"]);
    }

    #[test]
    fn a_package_is_a_whole_word_of_the_dependencies() {
        let found = Environment {
            dependencies: "psycopg2-binary==2.9\nredis>=5".to_owned(),
            ..Environment::default()
        };
        assert!(found.depends_on("redis"));
        assert!(!found.depends_on("psycopg2"));
        let of_files = Environment {
            dependency_files: vec![("one.txt".to_owned(), 0), ("two.txt".to_owned(), 21)],
            ..found
        };
        assert_eq!(of_files.depends_at("psycopg2-binary"), Some(("one.txt", 1)));
        assert_eq!(of_files.depends_at("redis"), Some(("two.txt", 1)));
    }

    #[test]
    fn a_module_is_named_behind_its_variable() {
        let name = "SETTINGS";
        assert_eq!(
            modules_named("os.environ.setdefault(\"SETTINGS\", \"app.settings\")", name),
            ["app.settings"]
        );
        assert_eq!(modules_named("{\"SETTINGS\": \"site.settings\"}", name), ["site.settings"]);
        assert_eq!(modules_named("environ['SETTINGS'] = 'conf'", name), ["conf"]);
        assert_eq!(modules_named("SETTINGS={envname}", name), Vec::<&str>::new());
    }
}
