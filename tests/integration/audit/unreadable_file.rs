use super::Case;

#[test]
fn whatever_a_file_holds_there_is_a_finding_and_no_crash() {
    let case = Case::new("SP305")
        .file("tests/test_python2.py", "print 'hello'\n")
        .file("tests/test_deep.py", &"(".repeat(100_000))
        .bytes("tests/test_latin.py", b"def test_a(): '\xe9'\n")
        .bytes("tests/test_zero.py", b"\0\0\0")
        .file("tests/test_fine.py", "def test_a(): pass\n");
    let files: Vec<String> =
        case.found().into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        files,
        ["tests/test_deep.py", "tests/test_latin.py", "tests/test_python2.py", "tests/test_zero.py"]
    );
}

#[test]
fn circles_of_imports_fixtures_classes_and_links_end() {
    let case = Case::new("SP305")
        .file("a.py", "from b import *\nfrom b import x\ny = x\n")
        .file("b.py", "from a import *\nfrom a import y\nx = y\n")
        .file("tests/conftest.py", "import pytest\n@pytest.fixture\ndef one(two): return two\n@pytest.fixture\ndef two(one): return one\n")
        .file("tests/test_a.py", "from a import x\nimport test_a\nclass TestA(TestA): pass\nclass TestB(x.y): \n    def test_b(self): pass\ndef test_a(one): return test_a(x.y.x.y)\n");
    std::os::unix::fs::symlink(case.path(), case.path().join("tests/again")).unwrap();
    assert_eq!(
        case.found(),
        [
            "tests/again:1 this link leads back to a folder above it or out of the project, and is not followed"
        ]
    );
}
