use super::Case;

#[test]
fn ids_that_differ_from_run_to_run_are_found() {
    for (value, why) in [
        ("[str(uuid.uuid4())]", "a fresh uuid"),
        ("[time.time()]", "the time"),
        ("{'a', 'b'}", "the order of a set of texts"),
        ("[pytest.param(datetime.datetime.now().isoformat())]", "the present time"),
        ("list(set('abc'))", "the order of a set"),
        ("[1], ids=[f'{random.random()}']", "a random value"),
        ("[1], ids=lambda value: str(id(value))", "the memory address of an object"),
    ] {
        let text = format!(
            "import datetime, pytest, random, time, uuid\n\n@pytest.mark.parametrize('x', {value})\ndef test_a(x): pass\n"
        );
        let found = Case::new("SP303").file("tests/test_a.py", &text).found();
        assert_eq!(
            found,
            [format!("tests/test_a.py:3 the ids of `test_a` differ from run to run: {why} is part of them")]
        );
    }
}

#[test]
fn ids_of_objects_and_given_ids_are_stable() {
    for value in [
        "[uuid.uuid4()]",
        "[pytest.param(time.time(), id='now')]",
        "[time.time()], ids=['now']",
        "[time.time()], ids=repr_of",
        "sorted({'a', 'b'})",
        "[1, 'a']",
    ] {
        let text = format!(
            "import pytest, time, uuid\n\n@pytest.mark.parametrize('x', {value})\ndef test_a(x): pass\n"
        );
        assert!(Case::new("SP303").file("tests/test_a.py", &text).found().is_empty(), "{value}");
    }
}
