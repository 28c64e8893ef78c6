//! What of the manifest a lock keeps: which tests a lane selects, and what says that a test needs a service.
//!
//! A shard that meets a test which nobody planned must come to the same answer as every other shard, whatever
//! the manifest says by then. So the lock carries what that answer is made of.

use serde::{Deserialize, Serialize};

use crate::config::{Config, Granularity, MarkerExpr, Pattern, Provision};
use crate::ids::{LaneName, MarkerName, ServiceName};
use crate::inventory::Test;

/// The tests that a lane selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedLane {
    /// Its name.
    pub name: LaneName,
    /// The tests that it selects by place; all where empty.
    pub paths: Vec<Pattern>,
    /// The tests among those that it does not select.
    pub exclude: Vec<Pattern>,
    /// The tests among those that it selects by mark.
    pub markers: Option<MarkerExpr>,
    /// What it moves as a whole.
    pub unit: Granularity,
}

/// What says that a test needs a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedService {
    /// Its name.
    pub name: ServiceName,
    /// A test with one of these marks needs it.
    pub markers: Vec<MarkerName>,
    /// A test with one of these fixtures in its closure needs it.
    pub fixtures: Vec<String>,
    /// A test in one of these places needs it.
    pub paths: Vec<Pattern>,
    /// Services that it needs itself.
    pub needs: Vec<ServiceName>,
}

/// `[[lane]]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaneV1 {
    pub(super) name: LaneName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    markers: Option<String>,
    #[serde(default)]
    unit: UnitV1,
}

/// What a lane moves as a whole. A file that was split is known to the lock by its parts; what is new in it
/// goes by its file, as in every other.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitV1 {
    #[default]
    File,
    Class,
    Test,
}

/// `[[service]]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceV1 {
    pub(super) name: ServiceName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    markers: Vec<MarkerName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fixtures: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<ServiceName>,
}

impl LockedLane {
    /// Returns whether the lane's selection takes the test.
    #[must_use]
    pub fn selects(&self, test: &Test) -> bool {
        let inside =
            |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&test.id, &test.file));
        (self.paths.is_empty() || inside(&self.paths))
            && !inside(&self.exclude)
            && self
                .markers
                .as_ref()
                .is_none_or(|expression| expression.selects(|term| test.bears(&term.name)))
    }

    /// Returns the lane of that name which selects everything: a plan made by hand need not say.
    pub(super) fn of_everything(name: LaneName) -> Self {
        Self { name, paths: Vec::new(), exclude: Vec::new(), markers: None, unit: Granularity::File }
    }
}

impl LockedService {
    /// Returns whether the test's marks, fixtures or place say that it needs the service.
    #[must_use]
    pub fn is_named_by(&self, test: &Test) -> bool {
        self.markers.iter().any(|marker| test.markers.contains(marker))
            || self.fixtures.iter().any(|fixture| test.fixtures.contains(fixture))
            || self.paths.iter().any(|pattern| pattern.matches(&test.id, &test.file))
    }
}

impl LaneV1 {
    pub(super) fn all_of(config: &Config) -> Vec<Self> {
        let texts =
            |patterns: &[Pattern]| patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect();
        let lane = |lane: &crate::config::Lane| Self {
            name: lane.name.clone(),
            paths: texts(&lane.paths),
            exclude: texts(&lane.exclude),
            markers: lane.markers.as_ref().map(ToString::to_string),
            unit: match lane.unit {
                Granularity::File | Granularity::Auto => UnitV1::File,
                Granularity::Class => UnitV1::Class,
                Granularity::Test => UnitV1::Test,
            },
        };
        config.lanes.iter().map(lane).collect()
    }

    /// Returns the lane, or what in it is no pattern or expression.
    pub(super) fn into_lane(self) -> Result<LockedLane, String> {
        Ok(LockedLane {
            paths: patterns(&self.paths)?,
            exclude: patterns(&self.exclude)?,
            markers: self.markers.map(|text| text.parse().map_err(|error| format!("{error}"))).transpose()?,
            unit: match self.unit {
                UnitV1::File => Granularity::File,
                UnitV1::Class => Granularity::Class,
                UnitV1::Test => Granularity::Test,
            },
            name: self.name,
        })
    }
}

impl ServiceV1 {
    /// Returns the services that shards may start, with what names them.
    pub(super) fn all_of(config: &Config) -> Vec<Self> {
        let service = |service: &crate::config::Service| Self {
            name: service.name.clone(),
            markers: service.markers.iter().map(|marker| marker.value.clone()).collect(),
            fixtures: service.fixtures.iter().map(|fixture| fixture.value.clone()).collect(),
            paths: service.paths.iter().map(|pattern| pattern.value.as_str().to_owned()).collect(),
            needs: service.needs.iter().map(|need| need.value.clone()).collect(),
        };
        config.services.iter().filter(|service| service.provision != Provision::Never).map(service).collect()
    }

    /// Returns the service, or what in it is no pattern.
    pub(super) fn into_service(self) -> Result<LockedService, String> {
        Ok(LockedService {
            paths: patterns(&self.paths)?,
            name: self.name,
            markers: self.markers,
            fixtures: self.fixtures,
            needs: self.needs,
        })
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, String> {
    texts.iter().map(|text| text.parse().map_err(|error| format!("{error}"))).collect()
}
