//! Pages read as what a reader would do with them.
//!
//! A block of `console` holds commands after `$ ` and what they show; a line `…` stands for any lines. A block of `sh`
//! holds commands alone. Comments before a block say what the reader need not see:
//!
//! ```text
//! <!-- in: empty -->            begins anew in an empty folder, or a copy of `data/relyloop` or `data/rq`
//! <!-- file: tests/a.py -->     the block is the text of this file
//! <!-- exit: 4 -->              the last command of the block ends with this code
//! <!-- with: pytest -->         only where this is installed, and in CI
//! <!-- not run: because … -->   is not run
//! ```

/// A page, as far as it matters here.
pub(super) struct Page {
    pub(super) steps: Vec<Step>,
    /// Why blocks are not run.
    pub(super) not_run: Vec<String>,
    /// Lines of blocks that are indented instead of fenced.
    pub(super) indented: Vec<(usize, String)>,
}

/// What a reader does.
pub(super) enum Step {
    /// Goes to another place.
    Begin { place: String },
    /// Writes a file.
    Write { name: String, text: String },
    /// Types commands.
    Run { line: usize, with: Vec<String>, commands: Vec<Command> },
}

/// A command and what it shows.
pub(super) struct Command {
    pub(super) text: String,
    /// Nothing where the page does not show it.
    pub(super) shown: Option<Vec<String>>,
    pub(super) code: i32,
}

/// What the comments before a block say.
#[derive(Default)]
struct Directives {
    file: Option<String>,
    not_run: Option<String>,
    with: Vec<String>,
    code: i32,
}

impl Page {
    /// Returns the page of this text, or the line of a fault and what it is.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut page = Self { steps: Vec::new(), not_run: Vec::new(), indented: Vec::new() };
        let mut directives = Directives::default();
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let trimmed = line.trim();
            if let Some(language) = trimmed.strip_prefix("```") {
                let indent = line.len() - line.trim_start().len();
                let mut block = Vec::new();
                loop {
                    let (_, line) =
                        lines.next().ok_or_else(|| format!("{}: the block has no end", at + 1))?;
                    if line.trim() == "```" {
                        break;
                    }
                    block.push(line.get(indent..).unwrap_or_default().to_owned());
                }
                page.block(at + 1, language, &block, std::mem::take(&mut directives))?;
            } else if let Some(words) = trimmed.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"))
            {
                let fault = || format!("{}: `{trimmed}` says nothing to the runner", at + 1);
                let (name, value) = words.split_once(':').ok_or_else(fault)?;
                let value = value.trim().to_owned();
                match name.trim() {
                    "in" => page.steps.push(Step::Begin { place: value }),
                    "file" => directives.file = Some(value),
                    "not run" => directives.not_run = Some(value),
                    "with" => directives.with.push(value),
                    "exit" => directives.code = value.parse().map_err(|_| fault())?,
                    _ => return Err(fault()),
                }
            } else if line.starts_with("    ") {
                page.indented.push((at + 1, trimmed.to_owned()));
            }
        }
        Ok(page)
    }

    fn block(
        &mut self,
        line: usize,
        language: &str,
        block: &[String],
        Directives { file, not_run, with, code }: Directives,
    ) -> Result<(), String> {
        let mut commands = match language {
            _ if not_run.is_some() || file.is_some() => Vec::new(),
            "console" => typed_and_shown(block).map_err(|fault| format!("{line}: {fault}"))?,
            "sh" => typed(block),
            "bash" | "shell" | "" => return Err(format!("{line}: say ```sh, ```console, or what it is")),
            _ => return Ok(()),
        };
        if let Some(name) = file {
            self.steps.push(Step::Write { name, text: block.join("\n") + "\n" });
        } else if let Some(reason) = not_run {
            self.not_run.push(reason);
        } else {
            commands.last_mut().ok_or_else(|| format!("{line}: the block has no command"))?.code = code;
            self.steps.push(Step::Run { line, with, commands });
        }
        Ok(())
    }
}

fn typed(block: &[String]) -> Vec<Command> {
    let command = |text: &String| Command { text: text.clone(), shown: None, code: 0 };
    block.iter().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(command).collect()
}

fn typed_and_shown(block: &[String]) -> Result<Vec<Command>, String> {
    let mut commands: Vec<Command> = Vec::new();
    for line in block {
        if let Some(text) = line.strip_prefix("$ ") {
            commands.push(Command { text: text.to_owned(), shown: None, code: 0 });
        } else {
            let command = commands.last_mut().ok_or("it shows something before the first `$ `")?;
            command.shown.get_or_insert_default().push(line.trim_end().to_owned());
        }
    }
    Ok(commands)
}
