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
            "tests/again:1 this link leads back to a folder above it or out of the project, or is one of very many: it is not followed"
        ]
    );
}

#[test]
fn links_to_folders_end_whichever_way_they_lead() {
    let case = Case::new("SP305")
        .file("tests/test_a.py", "def test_a(): pass\n")
        .file("tests/one/test_b.py", "def test_b(): pass\n")
        .file("tests/two/test_c.py", "def test_c(): pass\n");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, case.path().join(at)).unwrap();
    link(".", "tests/itself");
    link("..", "tests/one/parent");
    link("../two", "tests/one/other");
    link("../one", "tests/two/other");
    link("nowhere", "tests/dangling");
    link("knot", "tests/knot");
    let files: Vec<String> =
        case.found().into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(
        files,
        [
            "tests/itself",
            "tests/one/other/other",
            "tests/one/parent",
            "tests/two/other/other",
            "tests/two/other/parent"
        ]
    );
}

#[test]
fn folders_that_all_link_to_each_other_end() {
    let mut case = Case::new("SP305");
    for at in 0..12 {
        case = case.file(&format!("tests/d{at}/test_a.py"), "def test_a(): pass\n");
    }
    for from in 0..12 {
        for to in (0..12).filter(|to| *to != from) {
            let place = case.path().join(format!("tests/d{from}/to{to}"));
            std::os::unix::fs::symlink(format!("../d{to}"), place).unwrap();
        }
    }
    assert!(!case.found().is_empty());
}
