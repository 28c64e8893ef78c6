//! The pictures of a plan: what they show is gathered here from every stage, and written.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::{InventoryArgs, PictureArgs};
use super::audited::Audited;
use super::console::{Console, Failure, Verbosity, shown_path};
use super::diagnostics::plan_failure;
use super::exit_status::ExitStatus;
use super::files::write_whole;
use super::project::{Project, read_plan};
use super::settings::Settings;
use crate::audit::{self, Baseline, Finding, Selection};
use crate::model::{Limits, Model};
use crate::plan::{self, Evaluation, Plan, PlanError};
use crate::report::chart::Chart;
use crate::report::page::{AuditRule, AuditSummary, Known, Report};
use crate::report::summary::{FrontierSummary, PlanSummary};
use crate::report::{chart, html, plural};

/// A plan that pictures are drawn of, with what it was chosen from.
pub(super) struct Drawn<'d> {
    pub(super) project: &'d Project,
    pub(super) model: &'d Model,
    pub(super) plan: &'d Plan,
    pub(super) summary: PlanSummary,
    pub(super) frontier: FrontierSummary,
}

/// Returns the summary with today's jobs and plans made by hand beside it.
pub(super) fn compared(
    mut summary: PlanSummary,
    project: &Project,
    (model, limits): (&Model, &Limits),
    by_hand: &[std::path::PathBuf],
    settings: &Settings,
) -> Result<PlanSummary, Failure> {
    let inputs = project.inputs();
    if let Some(today) = plan::today(inputs, model) {
        summary = summary.with_other("today", &today, Vec::new());
    }
    for path in by_hand {
        let path = settings.located(path);
        let Evaluation { plan: other, faults, .. } = plan::evaluate(inputs, limits, &read_plan(&path)?)
            .map_err(|error| plan_failure(&PlanError::Model(error)))?;
        let name = path.file_stem().map_or_else(|| "by hand".into(), |stem| stem.to_string_lossy());
        summary = summary.with_other(&name, &other, faults);
    }
    Ok(summary)
}

/// Writes the pictures that were asked for.
pub(super) fn write(
    drawn: Drawn<'_>,
    wanted: &PictureArgs,
    inventory: &InventoryArgs,
    settings: &Settings,
) -> Result<(), Failure> {
    let Drawn { project, model, plan, summary, frontier } = drawn;
    let observed = project.observed(settings)?;
    let known = Known {
        config: &project.config,
        estimates: &project.estimates,
        observed: &observed,
        jobs: &project.job_times,
        model,
        plan,
    };
    let audit = audited(settings, inventory)?;
    let report = Report::new(project_name(&settings.root), known, summary, frontier, audit);
    if let Some(path) = &wanted.html {
        let path = settings.located(path);
        write_whole(&path, html::render(&report))?;
        settings.console.status("Wrote", shown_path(&path));
    }
    let charts = chart::of(&report);
    if let Some(folder) = &wanted.svg {
        let svg = |chart: &Chart| Ok(chart::svg::file(chart, chart::Medium::File).into_bytes());
        write_charts(folder, "svg", &charts, svg, settings)?;
    }
    if let Some(folder) = &wanted.png {
        let png = |chart: &Chart| {
            chart::png::file(chart)
                .map_err(|error| Failure::new(ExitStatus::Internal, format!("{}: {error}", chart.name)))
        };
        write_charts(folder, "png", &charts, png, settings)?;
    }
    Ok(())
}

/// Writes every chart into the folder, as `draw` draws it.
fn write_charts(
    folder: &Path,
    extension: &str,
    charts: &[Chart],
    draw: impl Fn(&Chart) -> Result<Vec<u8>, Failure>,
    settings: &Settings,
) -> Result<(), Failure> {
    let folder = settings.located(folder);
    let shown = shown_path(&folder);
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::bad_input(format!("could not make the folder `{shown}`: {error}")))?;
    for chart in charts {
        write_whole(&folder.join(chart.name).with_extension(extension), draw(chart)?)?;
    }
    settings.console.status("Wrote", format!("{} to {shown}", plural(charts.len(), "chart")));
    Ok(())
}

/// Returns the name of the folder that the manifest lies in.
fn project_name(root: &Path) -> String {
    let absolute = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    absolute.file_name().map_or_else(|| "this project".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Returns what an audit by the manifest's own rules finds; nothing where there are no Python tests.
fn audited(settings: &Settings, inventory: &InventoryArgs) -> Result<Option<AuditSummary>, Failure> {
    // What is read for a picture is not worth a word on the screen.
    let silent = Console::new(Verbosity::Quiet, anstream::ColorChoice::Never);
    let settings = Settings { console: silent, ..settings.clone() };
    let project = Audited::load(&settings, inventory)?;
    if project.sources.functions.is_empty() {
        return Ok(None);
    }
    // Rules that the manifest misspells are for `audit` to tell of.
    let Ok(selection) = Selection::new(&[], &[], &project.config.audit) else { return Ok(None) };
    let audit = audit::run(&project.context(&settings), &selection, &Baseline::default());
    let counts = audit::output::Counts::of(&audit);
    let mut by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &audit.findings {
        by_rule.entry(finding.rule.code).or_default().push(finding);
    }
    let mut rules: Vec<(audit::Severity, AuditRule)> = by_rule
        .into_values()
        .map(|findings| {
            let first = findings[0];
            let place = first.spot.file_and_line();
            let place = place.map_or_else(String::new, |(file, line)| format!(" ({file}:{line})"));
            let rule = AuditRule {
                code: first.rule.code.to_owned(),
                name: first.rule.name.to_owned(),
                severity: first.rule.severity.to_string(),
                findings: findings.len(),
                example: format!("{}{place}", first.message),
            };
            (first.rule.severity, rule)
        })
        .collect();
    rules.sort_by(|(a, one), (b, other)| (a, &one.code).cmp(&(b, &other.code)));
    Ok(Some(AuditSummary {
        functions: project.sources.functions.len(),
        errors: counts.errors,
        warnings: counts.warnings,
        notes: counts.notes,
        suppressed: audit.suppressed.inline + audit.suppressed.by_file + audit.suppressed.baseline,
        rules: rules.into_iter().map(|(_, rule)| rule).collect(),
    }))
}
