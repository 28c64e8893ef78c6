//! Files that commands read and write, with errors that name them.

use std::io::Write as _;
use std::path::Path;

use super::console::{Failure, shown_path};

/// Where GitHub looks for workflow files.
const WORKFLOWS: &str = ".github/workflows";

/// Returns the workflow files of a repository, relative to its root, sorted.
pub(crate) fn workflow_paths(root: &Path) -> Vec<String> {
    let files = std::fs::read_dir(root.join(WORKFLOWS)).into_iter().flatten();
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let yaml = names.filter(|name| {
        Path::new(name).extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
    });
    let mut paths: Vec<String> = yaml.map(|name| format!("{WORKFLOWS}/{name}")).collect();
    paths.sort();
    paths
}

/// Returns the text of a file that must be UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let shown = shown_path(path);
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::bad_input(format!("could not read `{shown}`: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + String::from_utf8_lossy(&error.as_bytes()[..valid]).matches('\n').count();
        Failure::bad_input(format!("{shown}:{line}: this is not UTF-8")).with_hint("save the file as UTF-8")
    })
}

/// Writes a file beside its place and renames it into it, so that no reader finds half of it.
pub(crate) fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    write_with(path, content.as_ref(), &readable())
}

/// Writes a file anew as [`write_whole`] does; its permissions stay.
pub(crate) fn write_whole_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let permissions = std::fs::metadata(path).map_or_else(|_| readable(), |data| data.permissions());
    write_with(path, bytes, &permissions)
}

fn write_with(path: &Path, bytes: &[u8], permissions: &std::fs::Permissions) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        // A device or a pipe is written to: renaming would put a file in the place of `/dev/null`.
        if std::fs::metadata(path).is_ok_and(|data| !data.is_file() && !data.is_dir()) {
            return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        let mut file = tempfile::Builder::new().permissions(permissions.clone()).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok::<_, std::io::Error>(())
    };
    write().map_err(|error| Failure::bad_input(format!("could not write `{}`: {error}", shown_path(path))))
}

/// Returns the permissions of an ordinary file; the process's mask takes away what it forbids. A temporary file
/// would else be readable by its owner alone.
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o666)
}
