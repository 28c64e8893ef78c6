//! The members of zip and tar archives.

use std::io::{self, Read};

use super::content::ReadSeek;
use super::{Content, Depth, IngestErrorKind, Opening};
use crate::ids::Printable;

/// The longest name of a member.
const MAX_NAME: usize = 1_024;

/// Reads the members of a zip archive, in the order of its directory.
pub(super) fn zip(opening: &mut Opening<'_>, name: &str, content: &Content, depth: Depth) {
    content.seek(|input| {
        let mut archive = match zip::ZipArchive::new(Seekable(input)) {
            Ok(archive) => archive,
            Err(error) => {
                return opening.give(
                    name.to_owned(),
                    Err(damaged("a zip archive", &error)),
                    depth.in_archive,
                );
            }
        };
        for index in 0..archive.len() {
            if let Err(kind) = opening.allowance.entry() {
                return opening.give(name.to_owned(), Err(kind), true);
            }
            let mut member = match archive.by_index(index) {
                Ok(member) => member,
                Err(error) => {
                    let kind = if matches!(&error, zip::result::ZipError::UnsupportedArchive(_)) {
                        refused("is encrypted or packed in a way that is not read")
                    } else {
                        damaged("a zip archive", &error)
                    };
                    opening.give(format!("{name}/[member {}]", index + 1), Err(kind), true);
                    continue;
                }
            };
            if member.is_dir() {
                continue;
            }
            let inner = String::from_utf8_lossy(member.name_raw()).into_owned();
            let inner_content = match checked(&inner) {
                Err(kind) => Err(kind),
                Ok(()) if member.is_symlink() => Err(refused("is a symbolic link")),
                Ok(()) if member.encrypted() => Err(refused("is encrypted")),
                Ok(()) => opening.allowance.content(&mut member),
            };
            let too_much = matches!(inner_content, Err(IngestErrorKind::TooLarge { .. }));
            drop(member);
            opening.member(format!("{name}/{}", shown(&inner)), inner_content, depth);
            if too_much {
                // The next one would only be as large.
                return;
            }
        }
    });
}

/// Reads the members of a tar archive, in its order.
pub(super) fn tar(opening: &mut Opening<'_>, name: &str, content: &Content, depth: Depth) {
    content.read(|input| {
        let mut archive = tar::Archive::new(input);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => {
                return opening.give(
                    name.to_owned(),
                    Err(damaged("a tar archive", &error)),
                    depth.in_archive,
                );
            }
        };
        for entry in entries {
            let counted = opening.allowance.entry();
            let entry = counted.and_then(|()| entry.map_err(|error| damaged("a tar archive", &error)));
            let mut entry = match entry {
                Ok(entry) => entry,
                // Behind a broken header nothing can be found.
                Err(kind) => return opening.give(name.to_owned(), Err(kind), true),
            };
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let inner_content = match checked(&inner) {
                Err(kind) => Err(kind),
                Ok(()) if kind.is_symlink() || kind.is_hard_link() => Err(refused("is a link")),
                Ok(()) if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) => {
                    Err(refused("is no plain file"))
                }
                Ok(()) => opening.allowance.content(&mut entry),
            };
            let too_much = matches!(inner_content, Err(IngestErrorKind::TooLarge { .. }));
            opening.member(format!("{name}/{}", shown(&inner)), inner_content, depth);
            if too_much {
                return;
            }
        }
    });
}

/// Returns an error where a name is no path within the archive.
fn checked(name: &str) -> Result<(), IngestErrorKind> {
    let is_outside = name.starts_with(['/', '\\'])
        || name.as_bytes().get(1) == Some(&b':')
        || name.split(['/', '\\']).any(|part| part == "..");
    if is_outside {
        return Err(refused("has a path that leads out of the archive"));
    }
    if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        return Err(refused("has no proper name"));
    }
    Ok(())
}

fn shown(name: &str) -> String {
    let name = name.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    Printable(&name.chars().take(MAX_NAME).collect::<String>()).to_string()
}

fn refused(problem: &str) -> IngestErrorKind {
    IngestErrorKind::Refused { problem: problem.to_owned() }
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> IngestErrorKind {
    let error = error.to_string();
    let first = error.lines().next().unwrap_or_default().to_owned();
    IngestErrorKind::Unreadable { problem: format!("as {what}: {first}"), line: None }
}

/// The archive's reader wants a type of its own.
struct Seekable<'a>(&'a mut dyn ReadSeek);

impl Read for Seekable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl io::Seek for Seekable<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
