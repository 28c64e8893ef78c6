use super::Case;

const CONFTEST: &str = "import pytest, redis\n@pytest.fixture\ndef cache():\n    return redis.Redis()\n";

#[test]
fn a_test_whose_fixture_opens_redis_lacks_the_mark() {
    let found = Case::new("SP101")
        .file("pytest.ini", "[pytest]\nmarkers =\n    redis: needs a server\n")
        .file("tests/conftest.py", CONFTEST)
        .file("tests/test_a.py", "import pytest\n\ndef test_hit(cache): pass\n\n@pytest.mark.redis\ndef test_miss(cache): pass\n\ndef test_sum(): pass\n")
        .found();
    assert_eq!(found, ["tests/test_a.py:3 `test_hit` needs redis and is not marked `redis`"]);
}

#[test]
fn the_repair_marks_it_and_nothing_is_left() {
    let case = Case::new("SP101")
        .file("pytest.ini", "[pytest]\nmarkers =\n    redis: needs a server\n")
        .file("tests/conftest.py", CONFTEST)
        .file("tests/test_a.py", "def test_hit(cache): pass\n\ndef test_sum(): pass\n")
        .file(
            "tests/test_b.py",
            "\"\"\"All of them.\"\"\"\nimport os\n\ndef test_one(cache): pass\n\ndef test_two(cache): pass\n",
        );
    let fixed = case.fixed();
    assert_eq!(
        fixed.text("tests/test_a.py"),
        "import pytest\n\n@pytest.mark.redis\ndef test_hit(cache): pass\n\ndef test_sum(): pass\n"
    );
    assert_eq!(
        fixed.text("tests/test_b.py"),
        "\"\"\"All of them.\"\"\"\nimport os\nimport pytest\n\npytestmark = pytest.mark.redis\n\ndef test_one(cache): pass\n\ndef test_two(cache): pass\n"
    );
    assert!(fixed.found().is_empty());
    assert_eq!(fixed.fixed().text("tests/test_a.py"), fixed.text("tests/test_a.py"), "once is enough");
}

#[test]
fn a_stand_in_and_a_stub_url_are_no_need() {
    let found = Case::new("SP101")
        .file("pytest.ini", "[pytest]\nmarkers =\n    redis\n    postgres\n")
        .file("app/cache.py", "import redis\n\ndef client():\n    return redis.Redis()\n\ndef get(key):\n    return client().get(key)\n")
        .file("tests/test_a.py", "import fakeredis\nfrom unittest.mock import patch\nfrom app import cache\n\nURL = 'postgresql://stub'\n\ndef test_fake():\n    fakeredis.FakeRedis().get('a')\n\n@patch('app.cache.client')\ndef test_patched(client):\n    cache.get('a')\n\ndef test_text():\n    \"\"\"redis and postgres are only named here.\"\"\"\n    assert URL\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_mark_of_a_file_is_written_behind_the_import_of_pytest() {
    let case = Case::new("SP101").file("pytest.ini", "[pytest]\nmarkers =\n    redis: needs a server\n").file(
        "tests/test_a.py",
        "import sys\nsys.path.insert(0, 'src')\nimport pytest\nimport redis\n\ndef test_a():\n    redis.Redis()\n\ndef test_b():\n    redis.Redis()\n",
    );
    let fixed = case.fixed();
    assert_eq!(
        fixed.text("tests/test_a.py"),
        "import sys\nsys.path.insert(0, 'src')\nimport pytest\nimport redis\n\npytestmark = pytest.mark.redis\n\ndef test_a():\n    redis.Redis()\n\ndef test_b():\n    redis.Redis()\n"
    );
    assert!(fixed.found().is_empty());
}

#[test]
fn a_mark_is_registered_in_the_configuration_of_the_test_that_gets_it() {
    let case = Case::new("SP101")
        .manifest("[services.redis]\nmarkers = [\"cache\"]\n")
        .file("api/pytest.ini", "[pytest]\nmarkers =\n    cache\n")
        .file("api/tests/test_a.py", "def test_sum(): pass\n")
        .file("worker/pytest.ini", "[pytest]\nmarkers =\n    slow\n")
        .file("worker/conftest.py", CONFTEST)
        .file("worker/tests/test_b.py", "def test_hit(cache): pass\n\ndef test_sum(): pass\n");
    assert_eq!(case.found(), ["worker/tests/test_b.py:1 `test_hit` needs redis and is not marked `cache`"]);
    let fixed = case.fixed();
    assert_eq!(fixed.text("worker/pytest.ini"), "[pytest]\nmarkers =\n    slow\n    cache\n");
    assert_eq!(fixed.text("api/pytest.ini"), "[pytest]\nmarkers =\n    cache\n");
    assert!(fixed.found().is_empty());
}

#[test]
fn a_test_that_classes_inherit_is_one_finding_that_names_its_class() {
    let ini = "[pytest]\nmarkers =\n    redis\n";
    let text = "import pytest, redis\n\nclass Base:\n    def test_hit(self):\n        redis.Redis()\n\nclass TestOne(Base):\n    def test_sum(self): pass\n\nclass TestTwo(Base): pass\n";
    let case = Case::new("SP101").file("pytest.ini", ini).file("tests/test_a.py", text);
    assert_eq!(
        case.found(),
        [
            "tests/test_a.py:4 `TestOne::test_hit` and 1 other class that inherits it need redis and are not marked `redis`"
        ]
    );
    let fixed = case.fixed();
    assert!(fixed.text("tests/test_a.py").contains("    @pytest.mark.redis\n    def test_hit(self):\n"));
    assert!(fixed.found().is_empty());
    // A mark where it is written would mark a test that bears it already by its class, which changes nothing, or one
    // that needs nothing, which does.
    let text = "import pytest, redis\n\nclass Base:\n    def go(self):\n        redis.Redis()\n\n    def test_hit(self):\n        self.go()\n\nclass TestOne(Base): pass\n\nclass TestTwo(Base):\n    def go(self): pass\n";
    let case = Case::new("SP101").file("pytest.ini", ini).file("tests/test_a.py", text);
    assert_eq!(case.found(), ["tests/test_a.py:7 `TestOne::test_hit` needs redis and is not marked `redis`"]);
    assert_eq!(case.fixed().text("tests/test_a.py"), text);
}

#[test]
fn a_mark_is_written_by_what_is_imported_already() {
    for (import, mark) in [
        ("from pytest import mark", "mark.redis"),
        ("from pytest import fixture, mark as m", "m.redis"),
        ("import pytest as pt", "pt.mark.redis"),
    ] {
        let case = Case::new("SP101").file("pytest.ini", "[pytest]\nmarkers =\n    redis\n").file(
            "tests/test_a.py",
            &format!("import redis\n{import}\n\ndef test_a():\n    redis.Redis()\n\ndef test_b(): pass\n"),
        );
        let fixed = case.fixed();
        assert_eq!(
            fixed.text("tests/test_a.py"),
            format!(
                "import redis\n{import}\n\n@{mark}\ndef test_a():\n    redis.Redis()\n\ndef test_b(): pass\n"
            )
        );
        assert!(fixed.found().is_empty());
    }
}
