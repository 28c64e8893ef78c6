//! shardplan's own CSV: a row per test of a run, for what no other reader takes, and for spreadsheets.
//!
//! The same columns are read and written, so that an export can be read back without a loss.

mod column;
mod write;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::str::FromStr;

use ::csv::{ReaderBuilder, StringRecord};

use column::Column;
pub use write::{Row, write};

use super::input::{self, LineLimit};
use super::observation::{
    Extent, Observation, Outcome, Phases, Report, RunFacts, UnitKind, Untimed, first_line,
};
use super::warning::{WarningKind, Warnings};
use super::{Batches, IngestErrorKind, seconds};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

/// Stands for "no service was up", where a blank cell says that nobody knows.
const NO_SERVICES: &str = "-";

/// Returns whether the first line names one of the columns that every such file has. `columns` are the names of
/// foreign files by ours.
pub(super) fn has_header(head: &[u8], columns: &BTreeMap<String, String>) -> bool {
    let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter(head)).from_reader(head);
    reader.headers().is_ok_and(|names| {
        // One word alone is the beginning of any text.
        names.len() > 1
            && names
                .iter()
                .any(|name| matches!(Column::from_name(name, columns), Some(Column::Test | Column::Seconds)))
    })
}

/// Returns what parts the cells: the mark that the first line has most of.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| line.iter().filter(|&&byte| byte == mark).count();
    // Of equal numbers the first counts.
    [b'\t', b';', b','].into_iter().max_by_key(|&mark| count(mark)).unwrap_or(b',')
}

/// Reads the file: a report for each run that its rows tell apart, in the order of their first rows, and how many
/// observations were handed out.
pub(super) fn read(
    mut input: impl Read,
    columns: &BTreeMap<String, String>,
    batches: Option<&mut Batches<'_>>,
) -> Result<(Vec<Report>, u64), IngestErrorKind> {
    let head = input::fill(&mut input, input::HEAD_BYTES).map_err(|error| input::fault(error, None))?;
    let mark = delimiter(&head);
    let text = LineLimit::new(Cursor::new(head).chain(input));
    let mut reader = ReaderBuilder::new().delimiter(mark).from_reader(text);
    let header = reader.headers().map_err(malformed)?.clone();
    let (header, warnings) = Header::new(&header, columns)?;
    let mut runs = Runs {
        reports: vec![Report { warnings, ..Report::default() }],
        positions: HashMap::new(),
        tests: HashMap::new(),
        current: None,
        last_key: RunKey::default(),
        batches,
        held: 0,
        handed_out: 0,
    };
    let mut record = StringRecord::new();
    let mut fault = None;
    let mut has_row = reader.read_record(&mut record).unwrap_or_else(|error| {
        fault = Some(error);
        false
    });
    while has_row {
        runs.take(&Cells { header: &header, record: &record })?;
        has_row = reader.read_record(&mut record).unwrap_or_else(|error| {
            fault = Some(error);
            false
        });
    }
    match fault {
        None => Ok(runs.finish()),
        // A row that is short and the last is what a full disk or a broken transfer leaves.
        Some(error) if is_short(&error) && runs.current.is_some() && is_at_end(&mut reader) => {
            runs.cut_short(error.position().map(::csv::Position::line));
            Ok(runs.finish())
        }
        Some(error) => Err(malformed(error)),
    }
}

/// Returns whether no row follows.
fn is_at_end(reader: &mut ::csv::Reader<impl Read>) -> bool {
    matches!(reader.read_byte_record(&mut ::csv::ByteRecord::new()), Ok(false))
}

/// The runs of a file, while it is read.
struct Runs<'a, 'b> {
    reports: Vec<Report>,
    /// Where each run is among the reports, by the cells that describe it.
    positions: HashMap<RunKey, usize>,
    /// Where each test of each run is among the observations of its report.
    tests: HashMap<(usize, NodeId), usize>,
    /// The run of the last row.
    current: Option<usize>,
    last_key: RunKey,
    batches: Option<&'a mut Batches<'b>>,
    /// How many observations the reports hold.
    held: usize,
    handed_out: u64,
}

/// The cells of [`Column::OF_THE_RUN`].
type RunKey = [String; 10];

/// Where each column stands in the file.
struct Header {
    positions: Vec<(Column, usize)>,
}

/// A row with its columns by name.
struct Cells<'a> {
    header: &'a Header,
    record: &'a StringRecord,
}

impl Runs<'_, '_> {
    fn take(&mut self, cells: &Cells<'_>) -> Result<(), IngestErrorKind> {
        let position = self.run_of(cells)?;
        let report = &mut self.reports[position];
        match cells.observation(&mut report.warnings)? {
            Said::Nothing => {}
            Said::Untimed(untimed) => report.untimed.push(untimed),
            Said::Seen(observation) => match self.tests.entry((position, observation.test.clone())) {
                Entry::Occupied(earlier) => {
                    let subject = observation.test.as_str();
                    report.warnings.add(WarningKind::Duplicate, Some(cells.line()), subject);
                    report.observations[*earlier.get()] = observation;
                }
                Entry::Vacant(free) => {
                    free.insert(report.observations.len());
                    report.observations.push(observation);
                    self.held += 1;
                    if self.batches.as_ref().is_some_and(|batches| self.held >= batches.size) {
                        self.hand_out();
                    }
                }
            },
        }
        Ok(())
    }

    /// Returns where the run of a row is among the reports. Rows of one run mostly follow each other.
    fn run_of(&mut self, cells: &Cells<'_>) -> Result<usize, IngestErrorKind> {
        let key = Column::OF_THE_RUN.map(|column| cells.get(column));
        if let Some(position) = self.current
            && self.last_key == key
        {
            return Ok(position);
        }
        let key = key.map(str::to_owned);
        let position = if let Some(&position) = self.positions.get(&key) {
            position
        } else {
            let run = cells.run_facts()?;
            // The first report was made for the warnings of the header, before any run was known.
            let position = self.positions.len();
            if position == self.reports.len() {
                self.reports.push(Report::default());
            }
            self.reports[position].run = run;
            self.positions.insert(key.clone(), position);
            position
        };
        self.last_key = key;
        self.current = Some(position);
        Ok(position)
    }

    fn hand_out(&mut self) {
        let Some(batches) = &mut self.batches else { return };
        self.handed_out += self.held as u64;
        let mut batch = Vec::new();
        for (at, report) in self.reports.iter_mut().enumerate() {
            if !report.observations.is_empty() {
                batch.push((at, std::mem::take(&mut report.observations)));
            }
        }
        (batches.take)(&mut batch);
        self.tests.clear();
        self.held = 0;
    }

    /// Returns the reports, and how many observations were handed out.
    fn finish(mut self) -> (Vec<Report>, u64) {
        if self.handed_out > 0 && self.held > 0 {
            self.hand_out();
        }
        (self.reports, self.handed_out)
    }

    fn cut_short(&mut self, line: Option<u64>) {
        if let Some(report) = self.current.and_then(|position| self.reports.get_mut(position)) {
            report.run.extent = Extent::Partial;
            report.warnings.add(WarningKind::CutShort, line, "");
        }
    }
}

impl Header {
    fn new(
        names: &StringRecord,
        columns: &BTreeMap<String, String>,
    ) -> Result<(Self, Warnings), IngestErrorKind> {
        let problem = |problem: String| malformed_at(1, problem);
        let mut positions: Vec<(Column, usize)> = Vec::new();
        let mut warnings = Warnings::default();
        for (position, name) in names.iter().enumerate() {
            let Some(column) = Column::from_name(name, columns) else {
                warnings.add(WarningKind::UnknownColumn, Some(1), name);
                continue;
            };
            if positions.iter().any(|(other, _)| *other == column) {
                return Err(problem(format!("the column `{}` stands twice", column.name())));
            }
            positions.push((column, position));
        }
        let has = |wanted: Column| positions.iter().any(|(column, _)| *column == wanted);
        for (required, is_there) in [
            (Column::Test, has(Column::Test)),
            (Column::Seconds, has(Column::Seconds) || has(Column::Milliseconds)),
        ] {
            if !is_there {
                let ours = required.name();
                let name = columns.get(ours).map_or(ours, String::as_str);
                return Err(problem(format!("there is no column `{name}`")));
            }
        }
        Ok((Self { positions }, warnings))
    }
}

impl Cells<'_> {
    /// Returns what stands in a column; nothing where there is no such column.
    fn exact(&self, column: Column) -> &str {
        let position = self.header.positions.iter().find(|(other, _)| *other == column);
        position.and_then(|&(_, position)| self.record.get(position)).unwrap_or_default()
    }

    /// Returns what stands in a column, without the blanks around it.
    fn get(&self, column: Column) -> &str {
        self.exact(column).trim()
    }

    fn some(&self, column: Column) -> Option<&str> {
        Some(self.get(column)).filter(|text| !text.is_empty())
    }

    /// Returns what a column says in the type that it should have.
    fn parsed<T: FromStr<Err: ToString>>(&self, column: Column) -> Result<Option<T>, IngestErrorKind> {
        self.some(column)
            .map(|text| text.parse().map_err(|error: T::Err| self.problem(column, &error.to_string())))
            .transpose()
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(1, ::csv::Position::line)
    }

    fn problem(&self, column: Column, problem: &str) -> IngestErrorKind {
        malformed_at(self.line(), format!("column `{}`: {problem}", column.name()))
    }

    fn run_facts(&self) -> Result<RunFacts, IngestErrorKind> {
        let text = |column| self.some(column).map(str::to_owned);
        let at = self
            .some(Column::At)
            .map(|at| {
                let problem = || self.problem(Column::At, &format!("`{at}` is not an ISO 8601 time"));
                Timestamp::parse(at).ok_or_else(problem)
            })
            .transpose()?;
        let services = match self.some(Column::Services) {
            None => None,
            Some(NO_SERVICES) => Some(Vec::new()),
            Some(names) => Some(
                names
                    .split_ascii_whitespace()
                    .map(|name| {
                        name.parse().map_err(|error| self.problem(Column::Services, &format!("{error}")))
                    })
                    .collect::<Result<_, _>>()?,
            ),
        };
        Ok(RunFacts {
            run: text(Column::Run),
            attempt: self.parsed(Column::Attempt)?,
            commit: text(Column::Commit),
            branch: text(Column::Branch),
            at,
            lane: self.parsed(Column::Lane)?,
            shard: text(Column::Shard),
            machine: text(Column::Machine),
            services,
            extent: self.parsed(Column::Extent)?.unwrap_or_default(),
            ..RunFacts::default()
        })
    }

    /// Returns what the row says of its test.
    fn observation(&self, warnings: &mut Warnings) -> Result<Said, IngestErrorKind> {
        let line = Some(self.line());
        let id = self.exact(Column::Test);
        let Ok(test) = id.parse::<NodeId>() else {
            warnings.add(WarningKind::NoName, line, id);
            return Ok(Said::Nothing);
        };
        let outcome = self.outcome()?;
        let (written, factor) = match self.some(Column::Seconds) {
            Some(seconds) => (Some(seconds), 1.0),
            None => (self.some(Column::Milliseconds), 0.001),
        };
        let total = match written.map(|written| duration(written, factor)) {
            Some(Ok(total)) => total,
            Some(Err(kind)) => {
                warnings.add(kind, line, format!("{id}: {}", written.unwrap_or_default()));
                return Ok(Said::Untimed(Untimed { test, outcome }));
            }
            None if outcome == Outcome::Skipped => Micros(0),
            None => {
                warnings.add(WarningKind::NoTime, line, id);
                return Ok(Said::Untimed(Untimed { test, outcome }));
            }
        };
        let phase = |column| self.some(column).and_then(|text| duration(text, 1.0).ok());
        let phases = match [Column::SetupSeconds, Column::CallSeconds, Column::TeardownSeconds].map(phase) {
            [Some(setup), Some(call), Some(teardown)] => Some(Phases { setup, call, teardown }),
            _ => None,
        };
        Ok(Said::Seen(Observation {
            file: self.some(Column::File).filter(|file| *file != test.file()).map(str::to_owned),
            phases,
            reason: first_line(self.get(Column::Reason)),
            unit: self.parsed::<UnitKind>(Column::Unit)?.unwrap_or_default(),
            retries: self.parsed(Column::Retries)?.unwrap_or(0),
            worker: self.some(Column::Worker).map(str::to_owned),
            project: self.some(Column::Project).map(str::to_owned),
            ..Observation::new(test, outcome, total)
        }))
    }

    /// Returns how the test ended, in our words or in those that other tables use.
    fn outcome(&self) -> Result<Outcome, IngestErrorKind> {
        let Some(text) = self.some(Column::Outcome) else { return Ok(Outcome::Unknown) };
        match text.to_ascii_lowercase().as_str() {
            "pass" | "ok" | "success" | "xfailed" | "xpassed" => Ok(Outcome::Passed),
            "fail" | "failure" => Ok(Outcome::Failed),
            "errored" | "broken" => Ok(Outcome::Error),
            "skip" | "ignored" | "pending" | "disabled" => Ok(Outcome::Skipped),
            word => word.parse().map_err(|_| {
                let rule = text.parse::<Outcome>().err().unwrap_or_default();
                self.problem(Column::Outcome, &rule)
            }),
        }
    }
}

/// What a row says.
enum Said {
    Nothing,
    Untimed(Untimed),
    Seen(Observation),
}

/// Reads a duration. A plain number may be as long as the history stores.
fn duration(text: &str, factor: f64) -> Result<Micros, WarningKind> {
    if let Ok(number) = text.parse::<f64>() {
        return Micros::from_secs_f64(number * factor).ok_or(WarningKind::ImpossibleTime);
    }
    match seconds::Seconds::parse(text) {
        seconds::Seconds::Plain(time) | seconds::Seconds::Local(time) => {
            Micros::from_secs_f64(time.as_secs_f64() * factor).ok_or(WarningKind::ImpossibleTime)
        }
        seconds::Seconds::Ambiguous => Err(WarningKind::AmbiguousTime),
        seconds::Seconds::Impossible | seconds::Seconds::Missing => Err(WarningKind::ImpossibleTime),
    }
}

fn malformed(error: ::csv::Error) -> IngestErrorKind {
    let line = error.position().map_or(1, ::csv::Position::line);
    match error.into_kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            malformed_at(line, format!("the row has {len} cells and the header {expected_len}"))
        }
        ::csv::ErrorKind::Io(error) => input::fault(error, Some(line)),
        ::csv::ErrorKind::Utf8 { err, .. } => IngestErrorKind::Encoding {
            expected: "UTF-8".to_owned(),
            found: err.to_string(),
            line: Some(line),
        },
        _ => malformed_at(line, "a row can't be read".to_owned()),
    }
}

fn malformed_at(line: u64, problem: String) -> IngestErrorKind {
    IngestErrorKind::Malformed { language: "CSV", problem, line, column: None }
}

fn is_short(error: &::csv::Error) -> bool {
    matches!(error.kind(), ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } if len < expected_len)
}

#[cfg(test)]
mod checks {
    use super::*;

    fn read(text: &str) -> Result<Vec<Report>, IngestErrorKind> {
        super::read(text.as_bytes(), &BTreeMap::new(), None).map(|(reports, _)| reports)
    }

    #[test]
    fn two_columns_are_enough() {
        let reports = read("seconds, node_id\n1.5,a.py::t\n0.25,a.py::u\n").unwrap();
        assert_eq!(reports.len(), 1);
        let seen: Vec<_> = reports[0]
            .observations
            .iter()
            .map(|seen| (seen.test.as_str(), seen.total, seen.outcome))
            .collect();
        assert_eq!(
            seen,
            [
                ("a.py::t", Micros(1_500_000), Outcome::Unknown),
                ("a.py::u", Micros(250_000), Outcome::Unknown)
            ]
        );
    }

    #[test]
    fn rows_of_different_runs_make_different_reports() {
        let reports = read(
            "test,seconds,lane,run,services\na.py::t,1,heavy,7,redis postgres\na.py::t,2,heavy,8,-\n\
             a.py::u,3,heavy,7,redis postgres\n",
        )
        .unwrap();
        assert_eq!(reports.iter().map(|report| report.observations.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(reports[0].run.services.as_ref().map(Vec::len), Some(2));
        assert_eq!(reports[1].run.services, Some(vec![]));
    }

    #[test]
    fn what_was_not_measured_is_passed_over() {
        let reports = read(
            "test,seconds,outcome,color\na.py::t,,passed,red\na.py::u,,skipped,\na.py::v,-1,passed,\n,1,passed,\n",
        )
        .unwrap();
        assert_eq!(reports[0].observations.len(), 1);
        let kinds: Vec<_> =
            reports[0].warnings.by_kind().map(|(kind, _, first)| (first[0].line, kind)).collect();
        assert_eq!(
            kinds,
            [
                (Some(4), WarningKind::ImpossibleTime),
                (Some(2), WarningKind::NoTime),
                (Some(5), WarningKind::NoName),
                (Some(1), WarningKind::UnknownColumn),
            ]
        );
        assert_eq!(reports[0].untimed.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, problem) in [
            ("test,lane\n", "there is no column `seconds`"),
            ("test,seconds,node_id\n", "the column `test` stands twice"),
            ("test,seconds,outcome\na.py::t,1,green\n", "`green` is not an outcome"),
            ("test,seconds,lane\na.py::t,1,a b\n", "column `lane`: `a b` is not a lane name"),
            ("test,seconds,at\na.py::t,1,noon\n", "column `at`: `noon` is not an ISO 8601 time"),
            ("test,seconds\na.py::t,1,2\n", "the row has 3 cells and the header 2"),
            ("test,seconds,lane\na.py::t,1\na.py::u,1,x\n", "the row has 2 cells and the header 3"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_cut_last_row_leaves_the_rows_before_it() {
        let reports = read("test,seconds,lane\na.py::t,1,x\na.py::u,0.").unwrap();
        assert_eq!(reports[0].observations.len(), 1);
        assert_eq!(reports[0].run.extent, Extent::Partial);
        assert_eq!(reports[0].warnings.count(WarningKind::CutShort), 1);
    }

    #[test]
    fn the_manifest_names_the_columns_of_a_foreign_table() {
        let columns = [("test", "Full Name"), ("milliseconds", "Time (ms)"), ("outcome", "Status")];
        let columns = columns.map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned())).into();
        let text = "Full Name;Time (ms);Status;test\na.py::t;1500,5;PASSED;x\na.py::u;;skip;y\n";
        assert!(has_header(text.as_bytes(), &columns));
        let (reports, _) = super::read(text.as_bytes(), &columns, None).unwrap();
        let seen: Vec<_> = reports[0]
            .observations
            .iter()
            .map(|seen| (seen.test.as_str(), seen.total, seen.outcome))
            .collect();
        assert_eq!(
            seen,
            [("a.py::t", Micros(1_500_500), Outcome::Passed), ("a.py::u", Micros(0), Outcome::Skipped)]
        );
        let (kind, _, first) = reports[0].warnings.by_kind().next().unwrap();
        assert_eq!((kind, first[0].subject.as_str()), (WarningKind::UnknownColumn, "test"));
        let error = super::read(&b"Full Name\n"[..], &columns, None).unwrap_err().to_string();
        assert!(error.contains("there is no column `seconds`"), "{error}");
    }
}
