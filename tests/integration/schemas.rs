//! The committed JSON schemas are those of the structs that read and write the machine formats.

use schemars::{JsonSchema, Schema, schema_for};
use shardplan::history::json_v1 as history;
use shardplan::ingest::shard_report::ShardReportV1;
use shardplan::inventory::json_v1::InventoryV1;
use shardplan::model::SavedModelV1;
use shardplan::report::backtest::BacktestV1;
use shardplan::report::html::report_v1::ReportV1;
use shardplan::report::json_v1::{ExplainV1, SuggestV1, TradeoffV1};
use shardplan::report::select_v1::SelectV1;
use shardplan::report::verification::VerifyV1;
use shardplan::report::{ScheduleV1, SimulationV1};

/// Compares a committed schema with the struct's; with `UPDATE_SCHEMAS=1` writes it anew.
fn is_committed<T: JsonSchema>(name: &str) {
    schema_is_committed(name, &schema_for!(T));
}

fn schema_is_committed(name: &str, schema: &Schema) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(name);
    let text = serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
    #[expect(clippy::disallowed_methods, reason = "a test may be asked to write its expectation")]
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/schemas/{name} is out of date: run the tests with UPDATE_SCHEMAS=1");
}

#[test]
fn the_schema_of_the_manifest_is_committed() {
    schema_is_committed("manifest-v1.json", &shardplan::config::schema());
}

#[test]
fn the_schema_of_the_inventory_is_committed() {
    is_committed::<InventoryV1>("inventory-v1.json");
}

#[test]
fn the_schema_of_a_shards_report_is_committed() {
    is_committed::<ShardReportV1>("shard-report-v1.json");
}

#[test]
fn the_schema_of_saved_models_is_committed() {
    is_committed::<SavedModelV1>("model-v1.json");
}

#[test]
fn the_schemas_of_the_reports_are_committed() {
    is_committed::<SelectV1>("select-v1.json");
    is_committed::<VerifyV1>("verify-v1.json");
    is_committed::<SuggestV1>("suggest-v1.json");
    is_committed::<TradeoffV1>("tradeoff-v1.json");
    is_committed::<ExplainV1>("explain-v1.json");
    is_committed::<BacktestV1>("backtest-v1.json");
    is_committed::<ReportV1>("report-v1.json");
    is_committed::<ScheduleV1>("critical-path-v1.json");
    is_committed::<SimulationV1>("simulate-v1.json");
}

#[test]
fn the_schemas_of_the_history_are_committed() {
    is_committed::<history::OverviewV1>("history-v1.json");
    is_committed::<history::SlowestV1>("history-slowest-v1.json");
    is_committed::<history::TrendV1>("history-trend-v1.json");
    is_committed::<history::FlakyV1>("history-flaky-v1.json");
    is_committed::<history::SkippedV1>("history-skipped-v1.json");
    is_committed::<history::StaleV1>("history-stale-v1.json");
    is_committed::<history::RunsV1>("history-runs-v1.json");
    is_committed::<history::ShownV1>("history-show-v1.json");
    is_committed::<history::ChangedV1>("history-changed-v1.json");
    is_committed::<history::ExportV1>("history-export-v1.json");
}

#[test]
fn the_schemas_of_the_audit_are_committed() {
    is_committed::<shardplan::audit::output::json_v1::AuditV1>("audit-v1.json");
    is_committed::<shardplan::audit::BaselineV1>("audit-baseline-v1.json");
}
