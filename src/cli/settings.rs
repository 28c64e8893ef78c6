//! What was typed, joined with the environment and the place it was typed in.
//!
//! One rule of precedence: the command line, then the manifest, then the built-in default. Commands receive
//! these settings only and never look at arguments themselves.

use std::path::{Path, PathBuf};

use super::args::{ColorArg, GlobalArgs};
use super::console::{Console, Failure, Verbosity, shown_path};

/// The name of the manifest that is looked for.
pub(crate) const MANIFEST_NAME: &str = "shardplan.toml";

/// Where the program works and how it talks.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder that the command was started in (or that `-C` names): arguments are relative to it.
    pub(crate) directory: PathBuf,
    /// The manifest, where there is one.
    pub(crate) manifest: Option<PathBuf>,
    /// The folder that paths of the manifest, the store and the lock are relative to.
    pub(crate) root: PathBuf,
    /// The program's voice.
    pub(crate) console: Console,
}

impl Settings {
    /// Returns what the global options mean here.
    pub(crate) fn new(args: &GlobalArgs) -> Result<Self, Failure> {
        let verbosity = match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
            (false, true) => Verbosity::Verbose,
        };
        let color = match args.color {
            ColorArg::Auto => anstream::ColorChoice::Auto,
            ColorArg::Always => anstream::ColorChoice::Always,
            ColorArg::Never => anstream::ColorChoice::Never,
        };
        let console = Console::new(verbosity, color);
        let directory = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        if !directory.is_dir() {
            return Err(Failure::bad_input(format!("`{}` is not a folder", shown_path(&directory)))
                .with_hint("`-C DIR` names the folder to work in"));
        }
        let manifest = match &args.manifest_path {
            Some(path) => {
                let path = joined(&directory, path);
                if !path.is_file() {
                    let shown = shown_path(&path);
                    return Err(Failure::bad_input(format!("there is no manifest `{shown}`")));
                }
                Some(path)
            }
            None => find_above(&directory),
        };
        let root = manifest.as_deref().and_then(Path::parent).map_or_else(
            || directory.clone(),
            |parent| {
                if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() }
            },
        );
        Ok(Self { directory, manifest, root, console })
    }

    /// Returns a path that was typed, as seen from where the program really stands.
    #[must_use]
    pub(crate) fn located(&self, path: &Path) -> PathBuf {
        joined(&self.directory, path)
    }

    /// Returns a path of the manifest, as seen from where the program really stands.
    #[must_use]
    pub(crate) fn below_root(&self, path: &Path) -> PathBuf {
        joined(&self.root, path)
    }

    /// Returns a path of the manifest that is to be written. The manifest may be somebody else's: what it names must
    /// lie in the repository, or beside the manifest where there is none.
    pub(crate) fn writable(&self, path: &Path) -> Result<PathBuf, Failure> {
        let target = self.below_root(path);
        let folder = |path: &Path| path.canonicalize().ok();
        let inside = || {
            let root = folder(&self.root)?;
            let repository = root.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&root);
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            Some(folder(parent.unwrap_or(Path::new(".")))?.starts_with(repository))
        };
        if inside() == Some(false) {
            return Err(Failure::bad_input(format!(
                "`{}` lies outside the repository, and is not written to",
                shown_path(&target)
            ))
            .with_hint(
                "`file` in `[workflow]` names it, relative to the manifest; `--output FILE` writes elsewhere",
            ));
        }
        Ok(target)
    }
}

fn joined(directory: &Path, path: &Path) -> PathBuf {
    if directory == Path::new(".") { path.to_owned() } else { directory.join(path) }
}

/// Returns the nearest manifest in `directory` or above it.
fn find_above(directory: &Path) -> Option<PathBuf> {
    let here = directory.join(MANIFEST_NAME);
    if here.is_file() {
        return Some(joined(directory, Path::new(MANIFEST_NAME)));
    }
    let absolute = directory.canonicalize().ok()?;
    absolute.ancestors().skip(1).map(|above| above.join(MANIFEST_NAME)).find(|path| path.is_file())
}
