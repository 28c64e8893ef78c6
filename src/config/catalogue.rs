//! The catalogue of usual services, embedded from `models/services.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

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

/// The usual services with their usual times.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<(Vec<String>, ServiceTimes)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalogue {
    service: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    names: Vec<String>,
    pull: String,
    ready: String,
    attach: String,
}

impl ServiceTimes {
    /// What is assumed of a service that nobody knows anything about.
    pub const UNKNOWN: Self =
        Self { pull: Millis::from_secs(8), ready: Millis::from_secs(10), attach: Millis::from_secs(1) };
}

impl Catalogue {
    /// Returns the embedded catalogue.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
            let raw: RawCatalogue = toml::from_str(include_str!("../../models/services.toml"))
                .expect("the embedded catalogue is valid");
            let span = |text: &str| text.parse().expect("the embedded catalogue holds durations");
            let times = |entry: &RawEntry| ServiceTimes {
                pull: span(&entry.pull),
                ready: span(&entry.ready),
                attach: span(&entry.attach),
            };
            let entries = raw.service.into_iter().map(|entry| (entry.names.clone(), times(&entry))).collect();
            Catalogue { entries }
        });
        &CATALOGUE
    }

    /// Returns the usual times of a service of this name, or of this image (`docker.io/library/redis:8`).
    #[must_use]
    pub fn times(&self, name: &str, image: Option<&str>) -> Option<ServiceTimes> {
        let from_image = image.map(|image| {
            let last = image.rsplit('/').next().unwrap_or(image);
            last.split([':', '@']).next().unwrap_or(last)
        });
        // The image says what it is; the name may be a role ("db").
        from_image.into_iter().chain([name]).find_map(|word| {
            let known = |names: &Vec<String>| names.iter().any(|name| name.eq_ignore_ascii_case(word));
            self.entries.iter().find(|(names, _)| known(names)).map(|(_, times)| *times)
        })
    }

    /// Returns whether a word names the same kind of service as a name or an image does.
    #[must_use]
    pub fn is_same(&self, word: &str, name: &str, image: Option<&str>) -> bool {
        let last = image.map(|image| {
            let last = image.rsplit('/').next().unwrap_or(image);
            last.split([':', '@']).next().unwrap_or(last)
        });
        let bears =
            |names: &Vec<String>, word: &str| names.iter().any(|known| known.eq_ignore_ascii_case(word));
        self.entries.iter().any(|(names, _)| {
            bears(names, word) && (bears(names, name) || last.is_some_and(|last| bears(names, last)))
        })
    }
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
    }
}
