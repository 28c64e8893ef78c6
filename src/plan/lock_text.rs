//! The text of a lock, taken apart quickly.
//!
//! A lock of 60,000 selectors has millions of characters of which a run needs one shard's. Nearly all of them are
//! lines of the form that this program writes; those are read here, and the rest, a page, by the TOML parser. What
//! has any other form is left to the parser as a whole: the meaning of a lock never depends on which way was taken.

use memchr::memmem;

use super::lock::LockV1;

/// Returns the lock of a text in the form that this program writes, or nothing where the form or the content is
/// any other.
pub(super) fn read_quickly(text: &str) -> Option<LockV1> {
    // A string over several lines may hold what looks like a list.
    if ["\"\"\"", "'''"].iter().any(|quotes| memmem::find(text.as_bytes(), quotes.as_bytes()).is_some()) {
        return None;
    }
    let mut rest = String::new();
    let mut lists: Vec<Vec<String>> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "units = [" {
            // Any other way to write the units of a shard would be out of step with the lists.
            if line.trim_start().starts_with("units") && line != "units = []" {
                return None;
            }
            if line == "units = []" {
                lists.push(Vec::new());
            }
            rest.push_str(line);
            rest.push('\n');
            continue;
        }
        let mut units = Vec::new();
        loop {
            let line = lines.next()?;
            if line == "]" {
                break;
            }
            units.push(plain_string(line.trim_start().strip_suffix(',')?)?.to_owned());
        }
        rest.push_str("units = []\n");
        lists.push(units);
    }
    let mut lock: LockV1 = toml::from_str(&rest).ok()?;
    if lock.shards.len() != lists.len() || lock.shards.iter().any(|shard| !shard.units.is_empty()) {
        return None;
    }
    for (shard, units) in lock.shards.iter_mut().zip(lists) {
        shard.units = units;
    }
    Some(lock)
}

/// Returns what a quoted string says, where it stands for itself.
fn plain_string(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = |byte: u8| !matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f);
    inner.bytes().all(is_plain).then_some(inner)
}
