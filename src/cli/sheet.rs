//! Tables of the history, printed in three ways: for a terminal, for Markdown, for a spreadsheet.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::ids::Printable;
use crate::time::{Micros, Millis, Timestamp};

/// A sentence and the tables under it.
pub(in crate::cli) struct Page {
    /// A name that comes from the repository under test, before the headline.
    pub(in crate::cli) subject: Option<String>,
    pub(in crate::cli) headline: String,
    pub(in crate::cli) sheets: Vec<Sheet>,
}

/// A table: what its columns are called, and its rows.
pub(in crate::cli) struct Sheet {
    pub(in crate::cli) columns: Vec<&'static str>,
    pub(in crate::cli) rows: Vec<Vec<Cell>>,
}

/// What stands in a cell, before anybody decides how it looks.
#[derive(Clone, Debug)]
pub(in crate::cli) enum Cell {
    /// A name that comes from the repository under test.
    Foreign(String),
    /// A word of ours.
    Word(String),
    Count(u64),
    Time(Micros),
    /// 0.1 is a tenth.
    Share(Option<f64>),
    /// 0.1 is a tenth more.
    Change(Option<f64>),
    At(Option<Timestamp>),
}

impl Cell {
    pub(in crate::cli) fn foreign(text: &(impl ToString + ?Sized)) -> Self {
        Self::Foreign(text.to_string())
    }

    pub(in crate::cli) fn count(number: usize) -> Self {
        Self::Count(number as u64)
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Time(_) | Self::Share(_) | Self::Change(_))
    }

    /// Returns the cell for people.
    fn shown(&self) -> String {
        let percent = |share: &Option<f64>| share.map(|share| format!("{:.1} %", share * 100.0));
        match self {
            Self::Foreign(text) => Printable(text).to_string(),
            Self::Word(word) => word.clone(),
            Self::Count(number) => number.to_string(),
            Self::Time(time) => shown_time(*time),
            Self::Share(share) => percent(share).unwrap_or_default(),
            Self::Change(change) => {
                change.map_or_else(String::new, |change| format!("{:+.1} %", change * 100.0))
            }
            Self::At(at) => at.map_or_else(String::new, |at| at.to_string()),
        }
    }

    /// Returns the cell for a spreadsheet: seconds, shares and names as they are.
    fn plain(&self) -> String {
        match self {
            Self::Foreign(text) => text.clone(),
            Self::Time(time) => time.as_secs_f64().to_string(),
            Self::Share(share) | Self::Change(share) => {
                share.map_or_else(String::new, |share| share.to_string())
            }
            _ => self.shown(),
        }
    }
}

/// Returns a time as people read it.
pub(in crate::cli) fn shown_time(time: Micros) -> String {
    Millis::from_f64(time.as_millis_f64()).to_string()
}

impl Page {
    /// Returns the page for a terminal of this width, or of any width where it is none.
    pub(in crate::cli) fn text(&self, width: Option<u16>) -> String {
        let subject = self.subject.as_ref().map(|subject| format!("{}\n", Printable(subject)));
        let mut text = subject.unwrap_or_default() + &self.headline + "\n";
        for sheet in self.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
            let _ = writeln!(text, "\n{}", sheet.text(width));
        }
        text
    }

    /// Returns the page for a pull request.
    pub(in crate::cli) fn markdown(&self) -> String {
        let subject = self.subject.as_ref().map(|subject| format!("{}\n\n", markdown_code(subject)));
        let mut page = subject.unwrap_or_default() + &self.headline + "\n";
        for sheet in self.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
            let _ = write!(page, "\n{}", sheet.markdown());
        }
        page
    }

    /// Returns the first table as CSV.
    pub(in crate::cli) fn csv(&self) -> String {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        if let Some(sheet) = self.sheets.first() {
            let rows = sheet.rows.iter().map(|row| row.iter().map(Cell::plain).collect());
            let header = (0..sheet.columns.len()).map(|column| sheet.plain_name(column)).collect();
            for row in std::iter::once::<Vec<String>>(header).chain(rows) {
                writer.write_record(row).expect("memory takes what is written");
            }
        }
        String::from_utf8(writer.into_inner().expect("memory takes what is written"))
            .expect("texts are UTF-8")
    }
}

impl Sheet {
    /// Returns the name of a column for a spreadsheet, with the unit of its times.
    fn plain_name(&self, column: usize) -> String {
        let name = self.columns[column].replace(' ', "_");
        let holds_times = self.rows.iter().any(|row| matches!(row[column], Cell::Time(_)));
        if holds_times { name + "_seconds" } else { name }
    }

    /// Returns which columns hold numbers, to be set to the right.
    fn numbers(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.columns.len()).map(|column| self.rows.iter().all(|row| row[column].is_number()))
    }

    fn text(&self, width: Option<u16>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(self.columns.clone());
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::shown));
        }
        for (column, is_number) in self.numbers().enumerate() {
            if let Some(column) = table.column_mut(column).filter(|_| is_number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        // Without the blanks that fill the last column.
        table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn markdown(&self) -> String {
        let rule: Vec<&str> = self.numbers().map(|is_number| if is_number { "--:" } else { "---" }).collect();
        let mut text = format!("| {} |\n|{}|\n", self.columns.join(" | "), rule.join("|"));
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| match cell {
                    Cell::Foreign(text) if !text.is_empty() => markdown_code(text),
                    _ => cell.shown(),
                })
                .collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text
    }
}

/// Returns foreign text as Markdown code that can't end early, in a cell that can't either.
fn markdown_code(text: &str) -> String {
    let longest_run = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest_run + 1);
    let pad = if longest_run > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", Printable(text)).replace('|', "\\|")
}
