use super::Case;

const CODE: &str = "from sqlalchemy import create_engine\n\ndef connect(settings):\n    return create_engine(settings.url)\n";

#[test]
fn a_database_of_which_nothing_says_which_it_is_is_said_aloud() {
    let case = Case::new("SP306")
        .file("app.py", CODE)
        .file("tests/test_a.py", "from app import connect\n\ndef test_a(settings):\n    connect(settings)\n\ndef test_b(settings):\n    connect(settings)\n\ndef test_c(): pass\n");
    assert_eq!(
        case.found(),
        [
            "app.py:4 nothing says which database `sqlalchemy.create_engine` opens: 2 test functions come to it, and what they need is not known"
        ]
    );
    let said = String::from_utf8(case.program(&["suggest", "--budget", "4"]).stderr).unwrap();
    assert!(said.contains("nothing says which database"), "{said}");
    let started = String::from_utf8(case.program(&["init", "--dry-run"]).stderr).unwrap();
    assert!(started.contains("nothing says which database"), "{started}");
    // The one database that the manifest declares is the one that is opened.
    let declared = case.manifest("[services.postgres]\nimage = \"postgres:17\"\n");
    assert!(declared.found().is_empty(), "{:?}", declared.found());
}

#[test]
fn a_service_that_a_job_starts_the_sources_use_and_no_test_comes_to_is_said_aloud() {
    let case = |job: &str| {
        Case::new("SP306")
            .workflow(job)
            .file("app.py", "import redis\nimport psycopg\n\ndef cache():\n    return redis.Redis()\n\ndef rows():\n    return psycopg.connect('dbname=x')\n")
            .file("tests/test_a.py", "import app\n\ndef test_a():\n    app.rows()\n\ndef test_b():\n    getattr(app, 'cac' + 'he')()\n")
    };
    let started = "on: push\njobs:\n  a:\n    services:\n      redis:\n        image: redis:7\n    steps:\n      - run: pytest\n";
    assert_eq!(
        case(started).found(),
        [
            "app.py:5 `redis.Redis` uses redis and no test was seen to come to it: name those that need it by `paths`, `markers` or `fixtures` of `[services.redis]`"
        ]
    );
    assert!(
        case("on: push\njobs: {}\n").found().is_empty(),
        "what nobody starts and no test needs is no fault"
    );
}

#[test]
fn where_no_test_needs_anything_what_the_sources_use_is_named() {
    let case = Case::new("SP306")
        .file("app.py", "import redis\n\ndef cache():\n    return redis.Redis()\n")
        .file("tests/test_a.py", "import app\n\ndef test_a():\n    getattr(app, 'cac' + 'he')()\n");
    assert_eq!(case.found().len(), 1);
    let none = Case::new("SP306").file("tests/test_a.py", "def test_a(): pass\n");
    assert!(none.found().is_empty());
}

#[test]
fn a_project_that_depends_on_what_talks_to_a_service_hardly_needs_none() {
    let case = || {
        Case::new("SP306")
            .file("requirements.txt", "flask==3\nPsycopg2-binary==2.9\n")
            .file("tests/test_a.py", "from library import driver\n\ndef test_a(): driver()\n")
    };
    assert!(case().found().is_empty(), "nothing says that there is one");
    let said = [
        "requirements.txt:2 the project depends on `psycopg2-binary` and its files start a postgres or have the address of one, and no test was seen to need it: name those that do by `paths`, `markers` or `fixtures` of `[services.postgres]`",
    ];
    assert_eq!(case().file("tests/config.yaml", "DB: 'postgresql://localhost:5432/test'\n").found(), said);
    let job = "on: push\njobs:\n  a:\n    services:\n      db:\n        image: postgres:17\n    steps:\n      - run: pytest\n";
    assert_eq!(case().workflow(job).found(), said);
    let named = case()
        .file("tests/config.yaml", "DB: 'postgresql://localhost:5432/test'\n")
        .manifest("[services.postgres]\nimage = \"postgres:17\"\npaths = [\"tests/**\"]\n");
    assert!(named.found().is_empty());
}

#[test]
fn settings_that_name_a_file_are_in_doubt_where_a_job_starts_a_database() {
    let case = |image: &str| {
        let job = format!(
            "on: push\njobs:\n  a:\n    services:\n      db:\n        image: {image}\n    steps:\n      - run: pytest\n"
        );
        Case::new("SP306")
            .workflow(&job)
            .file("requirements.txt", "django\nmysqlclient\n")
            .file("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = conf\n")
            .file("conf.py", "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n")
            .file(
                "tests/test_a.py",
                "from django.test import TestCase\n\nclass T(TestCase):\n    def test_a(self): pass\n",
            )
    };
    assert_eq!(case("mysql:8").found().len(), 1);
    assert!(case("postgres:17").found().is_empty(), "it depends on nothing that talks to one");
}
