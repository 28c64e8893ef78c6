//! Sentences on a terminal: broken between words, the rest of a line set in under its beginning.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// How far into a line a column may begin that the rest of the line is set in to.
const FARTHEST_INDENT: usize = 30;

/// Returns the text with every line that is wider than the terminal broken between words. Words are never cut, so
/// that paths and names can be copied.
#[must_use]
pub(super) fn folded(text: &str, width: usize) -> String {
    text.split('\n').map(|line| set_in(line, width, indent(line))).collect::<Vec<_>>().join("\n")
}

/// Returns one line broken between words, what follows the first of them set in by so many columns.
#[must_use]
pub(super) fn set_in(line: &str, width: usize, indent: usize) -> String {
    if display_width(line) <= width || indent * 2 > width {
        return line.to_owned();
    }
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(line, options).join("\n")
}

/// Returns where the sentence of a line begins: behind its bullet, or behind the name in the column before it.
fn indent(line: &str) -> usize {
    let leading = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[leading..];
    if let Some(bullet) = ["· ", "- ", "* "].into_iter().find(|bullet| rest.starts_with(bullet)) {
        return leading + display_width(bullet);
    }
    let Some(gap) = rest.find("  ") else { return leading };
    let behind = rest[gap..].len() - rest[gap..].trim_start_matches(' ').len();
    let column = leading + display_width(&rest[..gap]) + behind;
    if column <= FARTHEST_INDENT { column } else { leading }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_between_words_and_set_in_under_its_beginning() {
        let text = "  Proof      no plan within these limits ends before\n  · one two three four";
        assert_eq!(
            folded(text, 30),
            "  Proof      no plan within\n             these limits ends\n             before\n  · one two three four"
        );
        assert_eq!(folded("  · one two three four", 14), "  · one two\n    three four");
    }

    #[test]
    fn a_word_is_never_cut_and_no_letter_is_lost() {
        let text = "see tests/integration/a_very_long_name_of_a_file.py for more\n\n  fits";
        let told = folded(text, 20);
        assert!(told.contains("tests/integration/a_very_long_name_of_a_file.py"), "{told}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&told), words(text));
    }

    #[test]
    fn colours_take_no_room() {
        let text = "\u{1b}[1m\u{1b}[32mhint\u{1b}[0m: short";
        assert_eq!(set_in(text, 12, 6), text);
    }
}
