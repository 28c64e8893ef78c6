use super::Case;

const INI: &str = "[pytest]\nmarkers =\n    redis: needs a server\n";

#[test]
fn a_mark_without_a_need_is_found_and_removed() {
    let case = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/test_a.py", "import pytest, redis\n\n@pytest.mark.redis\ndef test_sum(): pass\n\n@pytest.mark.redis\ndef test_hit():\n    redis.Redis().get('a')\n");
    assert_eq!(
        case.found(),
        ["tests/test_a.py:3 `test_sum` is marked `redis`, and nothing in it reaches redis"]
    );
    let fixed = case.fixed();
    assert_eq!(
        fixed.text("tests/test_a.py"),
        "import pytest, redis\n\ndef test_sum(): pass\n\n@pytest.mark.redis\ndef test_hit():\n    redis.Redis().get('a')\n"
    );
    assert!(fixed.found().is_empty());
}

#[test]
fn a_mark_of_a_class_is_right_where_one_of_its_tests_needs_it() {
    let found = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/test_a.py", "import pytest, redis\n\n@pytest.mark.redis\nclass TestA:\n    def test_sum(self): pass\n    def test_hit(self):\n        redis.Redis().get('a')\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_mark_of_a_parametrised_test_is_looked_at() {
    let found = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.redis\n@pytest.mark.parametrize('x', [1, 2])\ndef test_sum(x): pass\n")
        .found();
    assert_eq!(found, ["tests/test_a.py:3 `test_sum` is marked `redis`, and nothing in it reaches redis"]);
}

#[test]
fn a_mark_of_a_class_stays_where_one_of_its_tests_can_not_be_followed() {
    let found = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.redis\nclass TestA:\n    def test_sum(self): pass\n    def test_hit(self, company_cache):\n        company_cache.get('a')\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_mark_that_is_all_a_class_consists_of_is_left_where_it_is() {
    let case = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/test_a.py", "import pytest\n\nclass Base:\n    def test_sum(self): pass\n\nclass TestA(Base):\n    pytestmark = pytest.mark.redis\n")
        .file("tests/test_b.py", "import pytest\n\n@pytest.mark.redis\ndef test_sum(): pass\n");
    let fixed = case.fixed();
    assert_eq!(
        fixed.found(),
        ["tests/test_a.py:7 `test_sum` is marked `redis`, and nothing in it reaches redis"]
    );
}

#[test]
fn a_mark_that_a_fixture_asks_for_is_left_to_a_person() {
    let conftest = "import pytest\n\n@pytest.fixture(autouse=True)\ndef label(request):\n    mark = request.node.get_closest_marker(name='redis')\n    print(mark)\n";
    let case = Case::new("SP102")
        .file("pytest.ini", INI)
        .file("tests/conftest.py", conftest)
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.redis\ndef test_sum(): pass\n");
    let found = ["tests/test_a.py:3 `test_sum` is marked `redis`, and nothing in it reaches redis"];
    assert_eq!(case.found(), found);
    assert_eq!(case.fixed().found(), found);
}
