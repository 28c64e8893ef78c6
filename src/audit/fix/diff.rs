//! A unified diff of two texts that differ in few lines.

/// How many lines stand around a change.
const AROUND: usize = 3;

/// Returns the differences in the form of `diff -u`; empty where there is none.
#[must_use]
pub fn unified(path: &str, before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    // Edits insert and remove single lines: matching greedily, with a short look ahead, finds them.
    let (mut changes, mut i, mut j): (Vec<(char, usize, usize)>, usize, usize) = (Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            changes.push((' ', i, j));
            i += 1;
            j += 1;
            continue;
        }
        let inserted =
            (j..new.len().min(j + 200)).find(|at| i < old.len() && new[*at] == old[i]).map(|at| at - j);
        let removed =
            (i..old.len().min(i + 200)).find(|at| j < new.len() && old[*at] == new[j]).map(|at| at - i);
        match (inserted, removed) {
            (Some(inserted), removed) if removed.is_none_or(|removed| inserted <= removed) => {
                for _ in 0..inserted {
                    changes.push(('+', i, j));
                    j += 1;
                }
            }
            (_, Some(removed)) => {
                for _ in 0..removed {
                    changes.push(('-', i, j));
                    i += 1;
                }
            }
            _ => {
                if i < old.len() {
                    changes.push(('-', i, j));
                    i += 1;
                }
                if j < new.len() {
                    changes.push(('+', i, j));
                    j += 1;
                }
            }
        }
    }
    let touched: Vec<usize> =
        changes.iter().enumerate().filter(|(_, (kind, ..))| *kind != ' ').map(|(at, _)| at).collect();
    let Some(first) = touched.first() else { return String::new() };
    let path = crate::ids::Printable(path).to_string();
    let mut text = format!("--- a/{path}\n+++ b/{path}\n");
    let mut start = first.saturating_sub(AROUND);
    let mut end = (first + AROUND + 1).min(changes.len());
    let mut hunks = Vec::new();
    for at in &touched[1..] {
        if at.saturating_sub(AROUND) <= end {
            end = (at + AROUND + 1).min(changes.len());
        } else {
            hunks.push(start..end);
            start = at.saturating_sub(AROUND);
            end = (at + AROUND + 1).min(changes.len());
        }
    }
    hunks.push(start..end);
    for hunk in hunks {
        let part = &changes[hunk];
        let count = |kind: char| part.iter().filter(|(own, ..)| *own == ' ' || *own == kind).count();
        let (from, to) = part.first().map_or((0, 0), |(_, i, j)| (i + 1, j + 1));
        text.push_str(&format!("@@ -{from},{} +{to},{} @@\n", count('-'), count('+')));
        for (kind, i, j) in part {
            let line = if *kind == '+' { new[*j] } else { old[*i] };
            text.push(*kind);
            text.push_str(
                &crate::ids::Printable(line.trim_end_matches(['\n', '\r'])).to_string().replace("\\t", "\t"),
            );
            text.push('\n');
            if !line.ends_with('\n') {
                text.push_str("\\ No newline at end of file\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_shows_what_stands_around() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let after = "a\nb\nc\nd\nx\ne\nf\nh\n";
        assert_eq!(
            unified("t.py", before, after),
            "--- a/t.py\n+++ b/t.py\n@@ -2,7 +2,7 @@\n b\n c\n d\n+x\n e\n f\n-g\n h\n"
        );
        assert_eq!(unified("t.py", before, before), "");
    }
}
