//! The machine format of the inventory, version 1.
//!
//! ```json
//! {
//!   "version": 1,
//!   "tests": [
//!     {
//!       "id": "tests/test_cart.py::TestCart::test_add[1]",
//!       "markers": ["integration"],
//!       "fixtures": ["db", "client"],
//!       "needs": [{ "service": "postgres", "evidence": "observed", "at": "tests/conftest.py:12" }]
//!     }
//!   ]
//! }
//! ```
//!
//! `file` is read off the id where it is absent. `evidence` is `observed` (the test tried to reach the service)
//! or `declared` (the default). The JSON schema is `docs/schemas/inventory-v1.json`.
//!
//! The pytest plugin writes more: marks with their arguments, the scope and place of fixtures, how tests ended
//! while they were observed, and what it could not collect. An inventory with files that could not be collected
//! is refused: a plan of it would leave tests out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evidence, Need, Test};
use crate::config::Origin;
use crate::ids::Printable;

/// The inventory file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "shardplan inventory, version 1")]
pub struct InventoryV1 {
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The program that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// The tests, in any order.
    pub tests: Vec<TestV1>,
    /// The fixtures that tests name, with their scope and place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixtures: Vec<FixtureV1>,
    /// Files that skip themselves as a whole, so that none of their tests is listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_files: Vec<SkippedFileV1>,
    /// Files that could not be collected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<CollectionErrorV1>,
    /// Addresses that were reached for and belong to no service of the manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<String>,
}

/// A fixture.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixtureV1 {
    /// Its name. Two of one name are told apart by their place.
    pub name: String,
    /// `function`, `class`, `module`, `package` or `session`.
    pub scope: String,
    /// Where it is defined, where that is in the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A file that skips itself as a whole.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkippedFileV1 {
    /// The file.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// A file that could not be collected.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionErrorV1 {
    /// The file.
    pub at: String,
    /// The last line of what went wrong.
    pub message: String,
}

/// A mark that has arguments, as Python writes them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkV1 {
    /// The mark's name.
    pub name: String,
    /// Its positional arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its named arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kwargs: BTreeMap<String, String>,
}

/// One test.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestV1 {
    /// The node id.
    pub id: String,
    /// The file, relative to the project; the id's part before `::` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The id of its class, `path::Class`, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How it ended while it was observed: `passed`, `failed` or `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Those of its marks that have arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<MarkV1>,
    /// The names of its marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<String>,
    /// The names of the fixtures that it needs, directly or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixtures: Vec<String>,
    /// The services that it needs by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedV1>,
}

/// A service that a test needs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeedV1 {
    /// The service's name in the manifest.
    pub service: String,
    /// How that is known.
    #[serde(default)]
    pub evidence: EvidenceV1,
    /// Whether the service answered, where that is known. One that did not was wanted all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
    /// Where that was seen, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// How a need is known.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceV1 {
    /// The test tried to reach the service at run time.
    Observed,
    /// Somebody wrote it down.
    #[default]
    Declared,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Returns the tests of an inventory file; on failure the line and what is wrong there.
pub(super) fn read(text: &str, path: &str) -> Result<Vec<Test>, (Option<u64>, String)> {
    // The version comes first: a later one may have any other key.
    if let Ok(Versioned { version }) = serde_json::from_str(text)
        && version != 1
    {
        let message = format!("inventory version {version} is not known here: this program reads version 1");
        return Err((None, message));
    }
    let file: InventoryV1 = serde_json::from_str(text).map_err(|error| {
        let line = (error.line() > 0).then_some(error.line() as u64);
        let message = error.to_string();
        // The line stands in front already.
        let reason = message.split(" at line ").next().unwrap_or_default();
        (line, format!("this is no inventory of version 1: {reason}"))
    })?;
    if let Some(error) = file.errors.first() {
        let others = file.errors.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        let message = format!(
            "`{}` could not be collected, so its tests are missing: {}{more}; mend it and collect again",
            Printable(&error.at),
            Printable(&error.message)
        );
        return Err((None, message));
    }
    if file.tests.is_empty() {
        return Err((None, "the inventory lists no test".to_owned()));
    }
    file.tests.into_iter().map(|test| test.into_test(path).map_err(|message| (None, message))).collect()
}

impl TestV1 {
    fn into_test(self, path: &str) -> Result<Test, String> {
        let id: crate::ids::NodeId = self.id.parse().map_err(|error| format!("{error}"))?;
        let in_test = |error: crate::ids::NameError| format!("test `{id}`: {error}");
        let need = |need: NeedV1| {
            Ok(Need {
                service: need.service.parse().map_err(in_test)?,
                evidence: match need.evidence {
                    EvidenceV1::Observed => Evidence::Observed,
                    EvidenceV1::Declared => Evidence::Declared,
                },
                origin: Origin::Seen(need.at.unwrap_or_else(|| path.to_owned())),
                way: [].into(),
            })
        };
        Ok(Test {
            file: self.file.unwrap_or_else(|| id.file().to_owned()),
            markers: self
                .markers
                .iter()
                .map(|name| name.parse().map_err(in_test))
                .collect::<Result<_, _>>()?,
            fixtures: self.fixtures,
            needs: self.needs.into_iter().map(need).collect::<Result<_, String>>()?,
            id,
        })
    }
}
