//! Whatever lies in a test file, the audit ends, and says what it can't read.

use shardplan::config::Config;
use shardplan::inventory::python;
use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

/// A test file that has a bit of everything.
const WHOLE: &str = r#"
import os, psycopg, pytest, redis
from .helpers import *
pytest_plugins = ["tests.plugin"]
URL = f"redis://{os.environ['HOST']}:{6379 + 1}/{0!r:>{3}}"
@pytest.fixture(params=[pytest.param("a", marks=pytest.mark.slow), "b"], ids=lambda value: value * 2)
async def client(request, tmp_path):
    async with redis.asyncio.from_url(URL) as found:
        yield found
class TestBasket:
    pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not up(), reason="x")]
    def setup_method(self): self.db = psycopg.connect("dbname=x")
    @pytest.mark.parametrize(("a", "b"), [(1, {2}), (None, [3, (4,)])], indirect=["a"])
    def test_sum(self, a, b, client): assert (a or 0) + len(b) if (c := b) else lambda *x, **y: x[::-1]
def test_match(value):
    match value:
        case {"a": [1, *rest], **others} if rest: pass
        case _: raise NotImplementedError from None
"#;

/// Reads a project with one test file of these bytes and returns what is broken in it.
fn broken(bytes: &[u8]) -> usize {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/test_any.py"), bytes).unwrap();
    fs::write(folder.path().join("tests/conftest.py"), bytes).unwrap();
    let config = Config::without_manifest(&BTreeSet::new());
    let sources = python::read(folder.path(), python::sought_services(&config, true));
    assert_eq!(sources.files.len(), 2);
    sources.files.iter().filter(|file| file.broken.is_some()).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(5), ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_end_in_a_finding_or_in_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        broken(&bytes);
    }

    #[test]
    fn a_file_that_is_cut_anywhere_or_has_a_part_put_elsewhere_is_read(cut in 0..WHOLE.len(), from in 0..WHOLE.len(), length in 0..60_usize) {
        let bytes = WHOLE.as_bytes();
        broken(&bytes[..cut]);
        let part = &bytes[from..(from + length).min(bytes.len())];
        broken(&[&bytes[..cut], part, &bytes[cut..]].concat());
    }

    #[test]
    fn words_of_python_in_any_order_are_read(words in prop::collection::vec(prop::sample::select(vec!["def ", "class ", "test_a", "(", ")", ":", "\n", "    ", "@", "pytest", ".", "fixture", "=", "lambda", "[", "]", "{", "}", "'", "f'", "\\", "async ", "await ", "yield ", "import ", "from ", "*", "if ", "else", "redis", ",", "1", "\t", "#", "match ", "case ", "\"\"\"", "\u{feff}", "\0", "é"]), 0..120)) {
        broken(words.concat().as_bytes());
    }
}

#[test]
fn deep_nesting_and_long_lines_end() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("not ", ""),
        ("lambda: ", ""),
        ("-", ""),
        ("f(", ")"),
        ("x.", ""),
    ] {
        let text = format!("x = {}1{}\n", open.repeat(20_000), close.repeat(20_000));
        broken(text.as_bytes());
    }
    let mut blocks = String::new();
    for depth in 0..400 {
        blocks.push_str(&" ".repeat(depth));
        blocks.push_str("if x:\n");
    }
    blocks.push_str(&" ".repeat(400));
    blocks.push_str("pass\n");
    broken(blocks.as_bytes());
    assert_eq!(broken(format!("x = '{}'\n", "y".repeat(2_000_000)).as_bytes()), 0);
    assert_eq!(broken(b"print 'hello'\n"), 2);
    assert_eq!(broken(WHOLE.as_bytes()), 0, "the example itself is Python");
}
