//! The shape of the manifest for editors: a JSON schema, with the explanation of every key.
//!
//! The reader goes key by key, so that it can point at each fault; these structs only describe. A test asks the
//! reader which keys it knows, and holds every table below against its answer.

#![expect(dead_code, reason = "the structs are read by `schemars` alone")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

/// What a service, a lane or a group may be called.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

/// Returns the JSON schema of `shardplan.toml`.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Manifest)
}

/// What shardplan is told of a project. Every key is optional.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "shardplan.toml")]
struct Manifest {
    /// Where the tests are listed.
    project: Option<Project>,
    /// How past runs are weighed.
    history: Option<History>,
    /// What reports do not say themselves.
    ingest: Option<Ingest>,
    /// Things started beside a job, at most 64.
    #[schemars(extend("propertyNames" = { "pattern": NAME }))]
    services: Option<BTreeMap<String, Service>>,
    /// What session and module fixtures do once for all tests that use them.
    #[schemars(extend("propertyNames" = { "pattern": NAME }))]
    setups: Option<BTreeMap<String, Setup>>,
    /// Machines of some size that the shards of a lane may run on.
    #[schemars(extend("propertyNames" = { "pattern": NAME }))]
    runners: Option<BTreeMap<String, Runner>>,
    /// CI job definitions; the shards of one share everything but their services and their tests. Every test must
    /// be in exactly one lane.
    #[schemars(extend("propertyNames" = { "pattern": NAME }))]
    lanes: Option<BTreeMap<String, Lane>>,
    /// Tests that belong together or apart.
    #[schemars(extend("propertyNames" = { "pattern": NAME }))]
    groups: Option<BTreeMap<String, Group>>,
    /// The jobs around the lanes.
    workflow: Option<Workflow>,
    /// The limits where the command line says nothing.
    budget: Option<Budget>,
    /// Which findings the audit shows.
    audit: Option<Audit>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Project {
    /// The inventory file, relative to the manifest. Without one the tests are those of the sources and the history.
    inventory: Option<String>,
    /// What to do with a test that no lane selects: refuse to plan, or leave it out and say so.
    #[schemars(extend("default" = "fail"))]
    unassigned: Option<Unassigned>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Unassigned {
    Fail,
    Ignore,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct History {
    /// A run this many runs old counts half as much as the latest; measured where it is absent.
    #[schemars(range(min = 1, max = 1_000_000))]
    half_life: Option<f64>,
    /// Only runs of this branch count.
    branch: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ingest {
    /// Patterns that say to which run a report belongs by its path, as in
    /// `artifacts/{run}/{lane}-{shard}/**/*.xml`. The first that fits counts.
    paths: Option<Vec<String>>,
    /// Our name of a column of a foreign CSV file, and what it is called there.
    columns: Option<Columns>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Columns {
    /// The node id.
    test: Option<String>,
    /// Set-up, call and tear-down together, in seconds.
    seconds: Option<String>,
    /// The same in milliseconds, instead of `seconds`.
    milliseconds: Option<String>,
    /// The test's file.
    file: Option<String>,
    /// `passed`, `failed`, `error`, `skipped` or `unknown`.
    outcome: Option<String>,
    /// The lane.
    lane: Option<String>,
    /// Its shard.
    shard: Option<String>,
    /// The CI's id of the run.
    run: Option<String>,
    /// The attempt, from 1.
    attempt: Option<String>,
    /// The branch that was tested.
    branch: Option<String>,
    /// The commit that was tested.
    commit: Option<String>,
    /// When the run started, in ISO 8601.
    at: Option<String>,
    /// Where it ran.
    machine: Option<String>,
    /// The services that were up.
    services: Option<String>,
    /// How much of the suite the run covered.
    extent: Option<String>,
    /// The set-up's seconds.
    setup_seconds: Option<String>,
    /// The test function's seconds.
    call_seconds: Option<String>,
    /// The tear-down's seconds.
    teardown_seconds: Option<String>,
    /// Why it was skipped or failed.
    reason: Option<String>,
    /// What was measured as a whole: `test`, `class` or `file`.
    unit: Option<String>,
    /// Tries in vain.
    retries: Option<String>,
    /// The worker that ran it.
    worker: Option<String>,
    /// The tool's project it belongs to.
    project: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Service {
    /// The container image; tells the catalogue what it is.
    image: Option<String>,
    /// How many containers it takes; 0 for one that costs none.
    #[schemars(range(max = 100_000), extend("default" = 1))]
    containers: Option<u32>,
    /// The download; downloads follow one another. From the catalogue where absent.
    pull: Option<Duration>,
    /// From its start to a passing health check; services become ready side by side. From the catalogue where absent.
    ready: Option<Duration>,
    /// What the first test on it pays. From the catalogue where absent.
    attach: Option<Duration>,
    /// What it takes of the runner's memory, all its containers together, such as `512MB` or `2GiB`. From the
    /// catalogue where absent; not counted where that does not know it.
    memory: Option<Memory>,
    /// A test with one of these marks needs it.
    markers: Option<Vec<String>>,
    /// A test with one of these fixtures in its closure needs it.
    fixtures: Option<Vec<String>>,
    /// A test in one of these places needs it.
    paths: Option<Vec<String>>,
    /// Where tests reach it: `host:port`, `host`, `:port`, or the path of a socket.
    addresses: Option<Vec<String>>,
    /// Services that it needs itself.
    needs: Option<Vec<String>>,
    /// When shards start it: for tests that will use it, for every test that names it, or never.
    #[schemars(extend("default" = "auto"))]
    provision: Option<Provision>,
    /// How the project's own code gives it away, beside what the catalogue knows.
    evidence: Option<Evidence>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Provision {
    Auto,
    Always,
    Never,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Setup {
    /// A test with one of these fixtures in its closure uses it.
    fixtures: Vec<String>,
    /// How often it is done: once for all tests of a shard, or once for those of each file there.
    #[schemars(extend("default" = "session"))]
    scope: Option<SetupScope>,
    /// How long it takes. Learned from set-up phases in the history where absent.
    time: Option<Duration>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum SetupScope {
    Session,
    Module,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Evidence {
    /// The modules of its clients, dotted.
    modules: Option<Vec<String>>,
    /// Names in these modules that make a client.
    clients: Option<Vec<String>>,
    /// Names in these modules that open a connection at once.
    connects: Option<Vec<String>>,
    /// The schemes of its URLs.
    schemes: Option<Vec<String>>,
    /// The ports that it listens on.
    ports: Option<Vec<u16>>,
    /// Words of the names of environment variables that are about it.
    variables: Option<Vec<String>>,
    /// Fixtures of plugins that use a running one.
    fixtures: Option<Vec<String>>,
    /// Names of framework backends that talk to it.
    backends: Option<Vec<String>>,
    /// Modules that start one in a container.
    testing: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Runner {
    /// What the CI knows it by: a label, several that all must fit, or a size. Its name where absent.
    runs_on: Option<Labels>,
    /// What a minute on it is billed, in minutes of a runner of the usual price: that of the jobs that are no lanes. At most
    /// six decimals.
    #[schemars(range(min = 0.001, max = 100), extend("default" = 1))]
    price: Option<f64>,
    /// How many times as fast as on a runner of the usual speed one worker runs tests on it. What is no test takes as long
    /// on all.
    #[schemars(range(min = 0.01, max = 100), extend("default" = 1))]
    speed: Option<f64>,
    /// Its processors: as many workers run where a lane says `workers = "auto"`. Those of the lane where absent.
    #[schemars(range(min = 1, max = 1024))]
    cpus: Option<u32>,
    /// The memory that it has. `runner_memory` of the lane where absent.
    memory: Option<Memory>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lane {
    /// The tests that it selects by place: folders, files, globs or beginnings of node ids. Everything where absent.
    paths: Option<Vec<String>>,
    /// The tests among those that it does not select.
    exclude: Option<Vec<String>>,
    /// The tests among those that it selects by mark: an expression as for `pytest -m`.
    markers: Option<String>,
    /// Services that every shard starts.
    services: Option<Vec<String>>,
    /// Tests that run at once in a shard, or `auto` for as many as `cpus`.
    #[schemars(extend("default" = 1))]
    workers: Option<Workers>,
    /// The processors of its runner.
    #[schemars(range(min = 1, max = 100_000), extend("default" = 4))]
    cpus: Option<u32>,
    /// How much of the workers is reached; only with more than one worker.
    #[schemars(range(min = 0.05, max = 1.0), extend("default" = 0.8))]
    efficiency: Option<f64>,
    /// What a worker takes as a whole.
    #[schemars(extend("default" = "test"))]
    dist: Option<Dist>,
    /// What the solver moves as a whole; with `auto` files, and a file that alone decides how long the plan takes
    /// is split.
    #[schemars(extend("default" = "file"))]
    unit: Option<Unit>,
    /// Whether the solver may put any files together, or only such as follow one another in the suite: for tests that
    /// count on what ran before them.
    #[schemars(extend("default" = "free"))]
    order: Option<Order>,
    /// What a shard takes before its services. Fitted from the times of `job`, else 45 s.
    base: Option<Duration>,
    /// What a shard takes after its tests. Fitted from the times of `job`, else 5 s.
    tail: Option<Duration>,
    /// The most shards it may have.
    #[schemars(range(min = 1, max = 100_000))]
    max_shards: Option<u32>,
    /// Jobs that end before its shards begin; not other lanes.
    needs: Option<Vec<String>>,
    /// Test seconds on its runner per second in the history.
    #[schemars(range(min = 0.01, max = 100.0), extend("default" = 1))]
    time_scale: Option<f64>,
    /// What its tests take of the runner's memory at most.
    memory: Option<Memory>,
    /// The memory of its runner. No shard gets services that do not fit in beside the tests; not limited where absent.
    runner_memory: Option<Memory>,
    /// The runners that its shards may run on, by their names in `[runners]`. All its shards get the one that ends the
    /// workflow soonest, and of several that do the one that bills least. The runner that its job names where absent.
    #[schemars(length(min = 1))]
    runners: Option<Vec<String>>,
    /// The runner that the times in the history are from: the one it runs on, once these runs are ingested. A runner of
    /// the usual speed where absent.
    measured_on: Option<String>,
    /// The CI job that runs it, by its id or its shown name. The job of the lane's name where absent.
    job: Option<String>,
    /// What its job is today.
    today: Option<Today>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Dist {
    Test,
    Class,
    File,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Unit {
    File,
    Class,
    Test,
    Auto,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Order {
    Free,
    Keep,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["services"]}, {"required": ["inside"]}]))]
struct Today {
    /// The services that its job starts; `[]` where it starts none. Required without `inside`.
    services: Option<Vec<String>>,
    /// How many shards it has.
    #[schemars(range(min = 1, max = 1024), extend("default" = 1))]
    shards: Option<u32>,
    /// The lane in whose job its tests run today, where it has none of its own.
    inside: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    /// `together`: in one shard; `apart`: no two in one shard.
    rule: GroupRule,
    /// Patterns as for `paths`, or `@name` for the members of another group.
    members: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum GroupRule {
    Together,
    Apart,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Workflow {
    /// The workflow file that the lanes are jobs of, relative to the manifest.
    file: Option<String>,
    /// The job that combines the lanes' coverage, by its id or its shown name.
    gate: Option<String>,
    /// The jobs around the lanes. No plan ends before the longest path through them.
    jobs: Option<BTreeMap<String, Job>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Job {
    /// How long it takes.
    wall: Duration,
    /// How long it takes today, where that differs: `0s` for a job that comes with the lanes.
    today: Option<Duration>,
    /// Jobs and lanes that end before it begins.
    needs: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Budget {
    /// Service containers over all shards.
    #[schemars(range(max = 100_000))]
    containers: Option<u32>,
    /// Shards over all lanes.
    #[schemars(range(min = 1, max = 100_000))]
    shards: Option<u32>,
    /// Jobs of the workflow that run at once, the other jobs included; what is more waits for a runner.
    #[schemars(range(min = 1, max = 100_000))]
    slots: Option<u32>,
    /// Billed minutes over all jobs.
    #[schemars(range(min = 1, max = 100_000))]
    minutes: Option<u32>,
    /// How much later than the earliest the workflow may end so that fewer tests move to another shard than the last
    /// lock has them on.
    #[schemars(extend("default" = "1%"))]
    tolerance: Option<Tolerance>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Audit {
    /// Rules that are run: codes, names, or the beginning of codes (`SP2`). All where absent.
    select: Option<Vec<String>>,
    /// Rules that are not run.
    ignore: Option<Vec<String>>,
    /// Rules that are not run on files that match a pattern.
    #[serde(rename = "per-file-ignores")]
    per_file_ignores: Option<BTreeMap<String, Vec<String>>>,
    /// Marks of tests that must run alone.
    #[schemars(extend("default" = ["serial"]))]
    serial: Option<Vec<String>>,
    /// The file of findings that are known and left alone.
    baseline: Option<String>,
}

/// A span of time such as `45s`, `1m30s` or `250ms`.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline, extend("pattern" = r"^\s*(\d+\.?\d*|\.\d+)(ms|s|sec|m|min|h)(\s*(\d+\.?\d*|\.\d+)(ms|s|sec|m|min|h))*\s*$"))]
struct Duration(String);

/// An amount of memory such as `512MB`, `1.5GB` or `2GiB`.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline, extend("pattern" = r"^\s*\d+(\.\d{1,9})?\s*(GiB|MiB|KiB|GB|MB|kB)\s*$"))]
struct Memory(String);

/// A share such as `2%`, or a span of time such as `5s`.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline, extend("pattern" = r"^\s*((100(\.0*)?|\d{1,2}(\.\d*)?|\.\d+)\s*%|(\d+\.?\d*|\.\d+)(ms|s|sec|m|min|h)(\s*(\d+\.?\d*|\.\d+)(ms|s|sec|m|min|h))*)\s*$"))]
struct Tolerance(String);

/// A string, or a list of strings.
struct Labels;

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

impl JsonSchema for Labels {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Labels".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 }
            ]
        })
    }
}

/// A number of workers, or `auto`.
struct Workers;

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

impl JsonSchema for Workers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Workers".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "oneOf": [{ "type": "integer", "minimum": 1, "maximum": 1024 }, { "const": "auto" }]
        })
    }
}
