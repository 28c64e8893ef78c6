//! The catalogue of usual services, embedded from `models/services.toml`: what they cost, and how Python code
//! gives them away.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Memory;
use crate::time::Millis;

/// What it costs to have a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceTimes {
    /// The download of its image; downloads follow one another.
    pub pull: Millis,
    /// From its start to a passing health check; services become ready side by side.
    pub ready: Millis,
    /// What the first test on it pays inside the test step.
    pub attach: Millis,
}

/// How Python code gives a service away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// The modules of its clients, dotted.
    pub modules: Vec<String>,
    /// Names within these modules that make a client.
    pub clients: Vec<String>,
    /// Names within these modules that open a connection at once.
    pub connects: Vec<String>,
    /// The schemes of its URLs.
    pub schemes: Vec<String>,
    /// The ports that it listens on by default.
    pub ports: Vec<u16>,
    /// Words of the names of environment variables that are about it.
    pub variables: Vec<String>,
    /// Packages that a project depends on to use it.
    pub packages: Vec<String>,
    /// Fixtures that use a running one.
    pub fixtures: Vec<String>,
    /// Names of framework backends that talk to it.
    pub backends: Vec<String>,
    /// Modules that start one in a container.
    pub testing: Vec<String>,
    /// What sets up one of the tests' own, of a service that is mostly hosted elsewhere: variables of its emulator.
    pub emulated: Vec<String>,
    /// Whether a bare "database" can mean it.
    pub sql: bool,
}

impl Signs {
    /// Adds what else gives the service away; it comes before what is known already.
    pub fn extend(&mut self, more: &Self) {
        for (own, new) in [
            (&mut self.modules, &more.modules),
            (&mut self.clients, &more.clients),
            (&mut self.connects, &more.connects),
            (&mut self.schemes, &more.schemes),
            (&mut self.variables, &more.variables),
            (&mut self.packages, &more.packages),
            (&mut self.fixtures, &more.fixtures),
            (&mut self.backends, &more.backends),
            (&mut self.testing, &more.testing),
        ] {
            own.splice(0..0, new.iter().cloned());
        }
        self.ports.splice(0..0, more.ports.iter().copied());
        self.sql |= more.sql;
    }
}

/// One usual service.
#[derive(Clone, Debug)]
pub struct UsualService {
    /// Its names, its own first.
    pub names: Vec<String>,
    /// What it costs.
    pub times: ServiceTimes,
    /// What it takes of a runner's memory, where a source is known.
    pub memory: Option<Memory>,
    /// How code gives it away.
    pub signs: Signs,
}

/// What is said of calls, fixtures and classes that can be about any service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addressed {
    /// Calls whose arguments say which service it is.
    pub calls: Vec<String>,
    /// Those among them that mean the project's database where no argument says otherwise.
    pub database: Vec<String>,
    /// Fixtures of plugins that open the project's database.
    pub fixtures: Vec<String>,
    /// Base classes whose tests open the project's database.
    pub classes: Vec<String>,
    /// Names of variables, or their ends, that mean the project's database.
    pub variables: Vec<String>,
    /// Base classes of models whose rows lie in the project's database.
    pub models: Vec<String>,
    /// What of such a model goes to the database when it is called.
    pub model_calls: Vec<String>,
    /// What goes to the cache that the project's settings name, by full names and their beginnings.
    pub caches: Vec<String>,
}

/// The usual services.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<UsualService>,
    addressed: Addressed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    service: Vec<RawEntry>,
    addressed: Addressed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    names: Vec<String>,
    pull: String,
    ready: String,
    attach: String,
    memory: Option<RawMemory>,
    #[serde(default)]
    modules: Vec<String>,
    #[serde(default)]
    clients: Vec<String>,
    #[serde(default)]
    connects: Vec<String>,
    #[serde(default)]
    schemes: Vec<String>,
    #[serde(default)]
    ports: Vec<u16>,
    #[serde(default)]
    variables: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    fixtures: Vec<String>,
    #[serde(default)]
    backends: Vec<String>,
    #[serde(default)]
    testing: Vec<String>,
    #[serde(default)]
    emulated: Vec<String>,
    #[serde(default)]
    sql: bool,
}

/// A figure and where it is from: one without a source would be a guess.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMemory {
    figure: String,
    #[serde(rename = "source")]
    _source: String,
}

impl ServiceTimes {
    /// What is assumed of a service that nobody knows anything about.
    pub const UNKNOWN: Self =
        Self { pull: Millis::from_secs(8), ready: Millis::from_secs(10), attach: Millis::from_secs(1) };
}

impl RawEntry {
    fn into_service(self) -> UsualService {
        let span = |text: &str| text.parse().expect("the embedded catalogue holds durations");
        UsualService {
            times: ServiceTimes {
                pull: span(&self.pull),
                ready: span(&self.ready),
                attach: span(&self.attach),
            },
            memory: self
                .memory
                .map(|memory| memory.figure.parse().expect("the embedded catalogue holds amounts of memory")),
            names: self.names,
            signs: Signs {
                modules: self.modules,
                clients: self.clients,
                connects: self.connects,
                schemes: self.schemes,
                ports: self.ports,
                variables: self.variables,
                packages: self.packages,
                fixtures: self.fixtures,
                backends: self.backends,
                testing: self.testing,
                emulated: self.emulated,
                sql: self.sql,
            },
        }
    }
}

impl Catalogue {
    /// Returns the embedded catalogue.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
            let raw: RawCatalogue = toml::from_str(include_str!("../../models/services.toml"))
                .expect("the embedded catalogue is valid");
            let entries = raw.service.into_iter().map(RawEntry::into_service).collect();
            Catalogue { entries, addressed: raw.addressed }
        });
        &CATALOGUE
    }

    /// Returns the usual services in the catalogue's order.
    #[must_use]
    pub fn services(&self) -> &[UsualService] {
        &self.entries
    }

    /// Returns what can be about any service.
    #[must_use]
    pub fn addressed(&self) -> &Addressed {
        &self.addressed
    }

    /// Returns the usual service of this name, or of this image (`docker.io/library/redis:8`).
    #[must_use]
    pub fn find(&self, name: &str, image: Option<&str>) -> Option<&UsualService> {
        // The image says what it is; the name may be a role ("db").
        image.map(of_image).into_iter().chain([name]).find_map(|word| self.called(word))
    }

    /// Returns the usual service that a word names, whole or as one of its parts (`shop-postgres`, `cp-kafka`); none
    /// where the parts name several.
    fn called(&self, word: &str) -> Option<&UsualService> {
        let of_part = |part: &str| self.entries.iter().find(|service| service.is_called(part));
        of_part(word).or_else(|| {
            let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(of_part);
            let first = parts.next()?;
            parts.all(|other| other.names == first.names).then_some(first)
        })
    }

    /// Returns the usual times of a service of this name, or of this image.
    #[must_use]
    pub fn times(&self, name: &str, image: Option<&str>) -> Option<ServiceTimes> {
        self.find(name, image).map(|service| service.times)
    }

    /// Returns whether a word names the same kind of service as a name or an image does.
    #[must_use]
    pub fn is_same(&self, word: &str, name: &str, image: Option<&str>) -> bool {
        let Some(meant) = self.entries.iter().find(|service| service.is_called(word)) else { return false };
        let is_meant = |word: &str| self.called(word).is_some_and(|service| service.names == meant.names);
        is_meant(name) || image.map(of_image).is_some_and(is_meant)
    }
}

impl UsualService {
    /// Returns whether it bears this name.
    fn is_called(&self, word: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(word))
    }
}

/// Returns the last part of an image's name: `redis` of `docker.io/library/redis:8`.
fn of_image(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_image_or_its_name() {
        let catalogue = Catalogue::embedded();
        assert_eq!(catalogue.times("db", Some("docker.io/library/postgres:17")), catalogue.times("pg", None));
        assert!(catalogue.times("search", Some("opensearchproject/opensearch:3.6.0")).is_some());
        assert_eq!(catalogue.times("teapot", None), None);
        let called = |name: &str, image: Option<&str>| Some(catalogue.find(name, image)?.names[0].clone());
        assert_eq!(called("index", Some("shop/shop-solr:master")).as_deref(), Some("solr"));
        assert_eq!(called("shop_redis", None).as_deref(), Some("redis"));
        assert_eq!(called("redis-and-postgres", None), None, "two kinds are none");
        assert!(catalogue.is_same("pg", "shop-postgres", None));
    }

    #[test]
    fn no_two_services_share_a_name_or_a_scheme() {
        let mut seen = std::collections::BTreeSet::new();
        for service in Catalogue::embedded().services() {
            for word in service
                .names
                .iter()
                .map(|name| ("name", name))
                .chain(service.signs.schemes.iter().map(|scheme| ("scheme", scheme)))
            {
                assert!(seen.insert(word), "{word:?}");
            }
        }
    }
}
