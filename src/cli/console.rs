//! The two streams: data on stdout, talk on stderr, in cargo's manner.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::busy::Busy;
use super::exit_status::ExitStatus;
use super::folding::{folded, set_in};
use crate::ids::Printable;

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// What was done, and warnings.
    #[default]
    Normal,
    /// Every file and every choice.
    Verbose,
}

/// The program's voice. It holds no state but what was asked for on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    verbosity: Verbosity,
    color: anstream::ColorChoice,
}

/// An error on its way to the user: what is wrong, where, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
    /// Already drawn, with its source line and a caret.
    excerpt: Option<String>,
    hints: Vec<String>,
}

/// What every command returns.
pub(crate) type CommandResult = Result<ExitStatus, Failure>;

const VERB: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

impl Console {
    /// Returns a console that talks as much, and in such colours, as was asked for.
    #[must_use]
    pub(crate) const fn new(verbosity: Verbosity, color: anstream::ColorChoice) -> Self {
        Self { verbosity, color }
    }

    /// Says on stderr what is done: a right-aligned verb and its object.
    pub(crate) fn status(&self, verb: &str, message: impl fmt::Display) {
        if self.verbosity >= Verbosity::Normal {
            self.talk(13, format_args!("{VERB}{verb:>12}{VERB:#} {message}"));
        }
    }

    /// Says on stderr what only `-v` asks for.
    pub(crate) fn detail(&self, verb: &str, message: impl fmt::Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.talk(13, format_args!("{NOTE}{verb:>12}{NOTE:#} {message}"));
        }
    }

    /// Says on stderr what the user should know though the work goes on.
    pub(crate) fn warning(&self, message: impl fmt::Display) {
        if self.verbosity >= Verbosity::Normal {
            self.talk(9, format_args!("{WARNING}warning{WARNING:#}: {message}"));
        }
    }

    /// Says on stderr what to do next.
    pub(crate) fn hint(&self, message: impl fmt::Display) {
        if self.verbosity >= Verbosity::Normal {
            self.talk(6, format_args!("{NOTE}hint{NOTE:#}: {message}"));
        }
    }

    /// Says on stderr why the work stopped.
    pub(crate) fn failure(&self, failure: &Failure) {
        match &failure.excerpt {
            Some(excerpt) => self.drawn(excerpt.trim_end()),
            None => self.talk(7, format_args!("{ERROR}error{ERROR:#}: {}", failure.message)),
        }
        for hint in &failure.hints {
            self.talk(6, format_args!("{NOTE}hint{NOTE:#}: {hint}"));
        }
    }

    /// Writes data to stdout. A reader that has gone (`| head`) is no error.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout(), self.color);
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::bad_input(format!("could not write to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Writes to stdout what a person reads there: sentences that are wider than a terminal are broken between words.
    pub(crate) fn screen(&self, text: &str) -> Result<(), Failure> {
        match stdout_width() {
            Some(width) => self.data(&folded(text, usize::from(width))),
            None => self.data(text),
        }
    }

    /// Returns whether stderr shows a person what goes on, so that a progress bar makes sense.
    #[must_use]
    pub(crate) fn shows_progress(&self) -> bool {
        self.verbosity >= Verbosity::Normal && io::stderr().is_terminal()
    }

    /// Shows a person what goes on, where it takes long, until the value is dropped.
    #[must_use]
    pub(crate) fn busy(&self, verb: &str, message: impl fmt::Display) -> Busy {
        if self.shows_progress() { Busy::new(verb, &message.to_string()) } else { Busy::silent() }
    }

    /// Returns whether stderr takes colours.
    #[must_use]
    pub(crate) fn colors_stderr(&self) -> bool {
        match self.color {
            anstream::ColorChoice::Auto => AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never,
            choice => choice != anstream::ColorChoice::Never,
        }
    }

    /// Returns whether stdout takes colours.
    #[must_use]
    pub(crate) fn colors_stdout(&self) -> bool {
        match self.color {
            anstream::ColorChoice::Auto => AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
            choice => choice != anstream::ColorChoice::Never,
        }
    }

    /// Says a sentence on stderr; where it is wider than the terminal, it goes on under its column `indent`.
    fn talk(&self, indent: usize, line: fmt::Arguments<'_>) {
        match terminal_width(&io::stderr()) {
            Some(width) => {
                let lines = line.to_string();
                let lines: Vec<String> =
                    lines.split('\n').map(|line| set_in(line, usize::from(width), indent)).collect();
                self.drawn(&lines.join("\n"));
            }
            None => self.drawn(&line.to_string()),
        }
    }

    /// Writes to stderr what is laid out already.
    fn drawn(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        // A stderr that is closed leaves nobody to tell.
        let _ = writeln!(stderr, "{text}");
    }
}

impl Failure {
    /// Returns an error that ends the program with `status`.
    pub(crate) fn new(status: ExitStatus, message: impl fmt::Display) -> Self {
        Self { status, message: message.to_string(), excerpt: None, hints: Vec::new() }
    }

    /// Returns an error for an input that is missing, broken or contradicts itself.
    pub(crate) fn bad_input(message: impl fmt::Display) -> Self {
        Self::new(ExitStatus::BadInput, message)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Adds a drawing of the place that stands instead of the plain message.
    #[must_use]
    pub(crate) fn with_excerpt(mut self, excerpt: String) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// Returns what is wrong.
    #[must_use]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns how the program ends.
    #[must_use]
    pub(crate) const fn status(&self) -> ExitStatus {
        self.status
    }
}

/// Returns how many columns stdout has, or nothing where it is no terminal.
pub(crate) fn stdout_width() -> Option<u16> {
    terminal_width(&io::stdout())
}

fn terminal_width(stream: &impl IsTerminal) -> Option<u16> {
    stream.is_terminal().then(|| comfy_table::Table::new().width()).flatten()
}

/// Returns the error's message with the messages of its causes behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = inner.source();
    }
    text
}

/// Returns a path as it is shown: relative to the folder it was given from, escapes for what is not text.
pub(crate) fn shown_path(path: &std::path::Path) -> String {
    Printable(&path.to_string_lossy()).to_string()
}
