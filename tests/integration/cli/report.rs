//! The page that `--html` writes, as a text: what a browser makes of it is for `tests/browser`.

use serde_json::Value;

use super::{Project, Said};

const MANIFEST: &str = r#"
[services.db]
pull = "3s"
ready = "6s"
attach = "1s"

[services.solr]
pull = "20s"
ready = "20s"
attach = "1s"

[lanes.all]
base = "10s"
tail = "0s"
today = { services = ["db", "solr"], shards = 1 }

[workflow.jobs.gate]
wall = "20s"
needs = ["all"]
"#;

const TESTS: &str = "
t/test_a.py::a 60 db
t/test_b.py::b 50 db
t/test_c.py::c 40 db
t/test_d.py::d 30 solr
t/test_e.py::e 35
";

/// Returns what the program said, the page and the data in it.
fn page(project: &Project, command: &str) -> (Said, String, Value) {
    let said = project.shardplan(&format!("{command} --html report.html"));
    assert_eq!(said.code, 0, "{said}");
    let page = std::fs::read_to_string(project.path("report.html")).unwrap();
    let (_, data) = page.split_once("type=\"application/json\">").unwrap();
    let data = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    (said, page, data)
}

#[test]
fn the_page_says_what_the_terminal_says() {
    let project = Project::planned(MANIFEST, TESTS);
    let (said, page, data) = page(&project, "suggest --budget 3");
    assert!(said.stderr.contains("Wrote report.html"), "{said}");
    let planned = project.shardplan("-q suggest --budget 3 --format json").json();
    assert_eq!(data["plan"], planned);
    let frontier = project.shardplan("-q tradeoff --format json").json();
    assert_eq!(data["frontier"], project.shardplan("-q tradeoff --budget 3 --format json").json());
    assert!(
        frontier["points"].as_array().unwrap().len() >= data["frontier"]["points"].as_array().unwrap().len()
    );
    let headline = data["verdict"][0].as_str().unwrap();
    assert!(page.contains(&format!("<h1>{headline}</h1>")), "{headline}");
    for note in planned["notes"].as_array().unwrap() {
        let plain = note.as_str().unwrap().split('`').next().unwrap();
        assert!(page.contains(plain), "{note}");
    }
}

#[test]
fn the_tradeoff_draws_the_plan_that_it_advises() {
    let project = Project::planned(MANIFEST, TESTS);
    let (said, _, data) = page(&project, "tradeoff");
    let points = data["frontier"]["points"].as_array().unwrap();
    let knee = points.iter().find(|point| point["knee"] == true).unwrap();
    for figure in ["end_ms", "billed_minutes", "containers"] {
        assert_eq!(data["plan"][figure], knee[figure], "{figure}\n{said}");
    }
}

#[test]
fn times_add_up_from_the_timeline_to_the_plan() {
    let project = Project::planned(MANIFEST, TESTS);
    let (_, _, data) = page(&project, "suggest --budget 3");
    let of = |value: &Value, key: &str| value[key].as_u64().unwrap();
    let jobs = data["timeline"]["jobs"].as_array().unwrap();
    for job in jobs {
        let parts: u64 = job["parts"].as_array().unwrap().iter().map(|part| of(part, "takes_ms")).sum();
        assert_eq!(of(job, "end_ms") - of(job, "start_ms"), parts, "{job}");
        assert_eq!(job["critical"] == true, of(job, "slack_ms") == 0, "{job}");
    }
    let last = jobs.iter().map(|job| of(job, "end_ms")).max();
    assert_eq!(last, data["plan"]["end_ms"].as_u64());
    let load: u64 = data["units"]["slowest"].as_array().unwrap().iter().map(|unit| of(unit, "load_ms")).sum();
    assert_eq!(load, of(&data["units"], "load_ms"));
}

#[test]
fn a_service_costs_what_its_shards_would_save_without_it() {
    let project = Project::planned(MANIFEST, TESTS);
    let (_, page, data) = page(&project, "suggest --budget 2 --max-shards 1");
    let services = data["services"].as_array().unwrap();
    let solr = services.iter().find(|service| service["name"] == "solr").unwrap();
    // One shard starts both. Without Solr: its download, its contact, and what it is slower to be ready.
    assert_eq!(solr["added_ms"], 20_000 + 1_000 + (20_000 - 6_000));
    assert_eq!((&solr["tests"], &solr["added_to_end_ms"]), (&1.into(), &solr["added_ms"]));
    assert!(page.contains("solr costs 35s of boot for 1 test."), "{solr}");
}

#[test]
fn a_run_is_forecast_from_the_runs_before_it() {
    let project = Project::planned(MANIFEST, TESTS);
    let (_, page_before, data) = page(&project, "suggest");
    assert_eq!(data["runs"], Value::Array(Vec::new()));
    assert!(page_before.contains("No lane has two runs"));
    project.write("later.csv", "test,seconds,outcome\nt/test_a.py::a,90,passed\nt/test_b.py::b,75,passed\n");
    assert_eq!(project.shardplan("ingest later.csv --at 2026-06-17T08:00:00Z").code, 0);
    let (_, _, data) = page(&project, "suggest");
    let runs = data["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{data}");
    // The forecast knows the first run alone, and only the tests that ran count.
    assert_eq!((&runs[0]["tests"], &runs[0]["actual_ms"]), (&2.into(), &165_000.into()));
    assert_eq!(runs[0]["forecast_ms"], 110_000);
}

#[test]
fn no_name_becomes_markup_or_ends_the_data() {
    let attacks = [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "\"onload=alert(1) x=\"",
        "'-alert(1)-'",
        "]]>&lt;b&gt;",
        "\u{2028}\u{202e}",
    ];
    let project = Project::planned("", "");
    let mut inventory = "test,observed\n".to_owned();
    for attack in attacks {
        inventory += &format!("\"t/{}.py::t\",\n", attack.replace('"', "\"\""));
    }
    project.write("inventory.csv", inventory);
    project.write(
        "shardplan.toml",
        "project.inventory = \"inventory.csv\"\n[workflow.jobs.\"</title><img src=x onerror=alert(1)>\"]\nwall = \"9m\"\n[lanes.all]\n",
    );
    let (_, page, data) = page(&project, "suggest");
    assert_eq!(data["units"]["all"], attacks.len());
    let slowest = data["units"]["slowest"].to_string();
    assert!(slowest.contains("alert(1)"), "{slowest}");
    // Two scripts and one style are ours; what else looks like a tag of these is somebody's name.
    assert_eq!(page.matches("<script").count(), 2, "{page}");
    assert_eq!(page.matches("</script").count(), 2, "{page}");
    assert_eq!((page.matches("<style").count(), page.matches("<title").count()), (1, 1 + 4));
    // In the data a quotation mark bears a backslash and stands in no tag.
    let (before, rest) = page.split_once("type=\"application/json\">").unwrap();
    let page = before.to_owned() + rest.split_once("</script>").unwrap().1;
    for markup in ["<img", "<!--", "\"onload", "\u{202e}", "\u{2028}"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn the_page_asks_for_nothing_else() {
    let project = Project::planned(MANIFEST, TESTS);
    let (_, page, _) = page(&project, "tradeoff");
    for address in ["http://", "https://", "src=", "@import", "url(", " style=", " onclick="] {
        assert!(!page.contains(address), "{address}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_same_project_gives_the_same_page() {
    let project = Project::planned(MANIFEST, TESTS);
    let (_, first, _) = page(&project, "tradeoff");
    let (_, second, _) = page(&project, "tradeoff");
    assert!(first == second);
}

#[test]
fn a_plan_made_by_hand_is_marked_with_its_faults() {
    let project = Project::planned(MANIFEST, TESTS);
    project.write(
        "by-hand.toml",
        "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n[[shard]]\nname = \"all-1\"\nlane = \"all\"\nservices = [\"db\"]\nunits = [\"t/test_a.py\", \"t/test_b.py\", \"t/test_c.py\", \"t/test_d.py\", \"t/test_e.py\"]\n",
    );
    let (_, page, data) = page(&project, "tradeoff --compare by-hand.toml");
    let others = data["plan"]["others"].as_array().unwrap();
    assert_eq!(others[1]["name"], "by-hand", "{others:?}");
    assert!(page.contains("What is wrong with by-hand"));
    assert!(page.contains("<code>t/test_d.py</code> needs <code>solr</code>"), "{others:?}");
}

#[test]
fn what_can_not_be_drawn_is_refused() {
    let project = Project::planned(MANIFEST, TESTS);
    project.shardplan("-q suggest --save-model problem.json");
    for command in
        ["suggest --from-model problem.json --html a.html", "tradeoff --from-model problem.json --svg charts"]
    {
        assert_eq!(project.shardplan(command).code, 2, "{command}");
    }
    let said = project.shardplan("suggest --html missing/a.html");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("could not write `missing/a.html`"), "{said}");
}

#[test]
fn charts_are_files_of_their_own_that_say_what_they_show() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("tradeoff --svg charts");
    assert!(said.code == 0 && said.stderr.contains("Wrote 2 charts to charts"), "{said}");
    for name in ["frontier", "timeline"] {
        let svg = std::fs::read_to_string(project.path(format!("charts/{name}.svg"))).unwrap();
        let mut reader = quick_xml::Reader::from_str(&svg);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) => {
                    names.push(tag.name().as_ref().to_owned());
                }
                _ => {}
            }
        }
        assert_eq!((&names[0][..], &names[1][..], &names[2][..]), ("svg", "title", "desc"), "{name}");
        assert!(svg.contains("role=\"img\"") && svg.contains("prefers-color-scheme"), "{name}");
    }
}

#[test]
fn a_job_of_which_no_time_is_known_is_not_drawn_as_one_that_takes_none() {
    let manifest = r#"
[workflow]
file = ".github/workflows/ci.yml"

[lanes.all]
job = "test"
"#;
    let project = Project::planned(manifest, "\nt/test_a.py::a 60\nt/test_b.py::b 50\n");
    project.write(
        ".github/workflows/ci.yml",
        "on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{run: pytest}]
  lint:
    runs-on: ubuntu-latest
    steps: [{run: ruff check}]
",
    );
    let said = project.shardplan("tradeoff --svg charts");
    assert_eq!(said.code, 0, "{said}");
    let svg = std::fs::read_to_string(project.path("charts/timeline.svg")).unwrap();
    assert!(
        svg.contains("no time known") && svg.contains("lint: no time known, so it counts as none"),
        "{svg}"
    );
}

#[test]
fn charts_are_drawn_as_pictures_with_letters_and_the_same_bytes_each_time() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("tradeoff --png charts");
    assert!(said.code == 0 && said.stderr.contains("Wrote 2 charts to charts"), "{said}");
    let read = |name: &str| std::fs::read(project.path(format!("charts/{name}.png"))).unwrap();
    let first = ["frontier", "timeline"].map(read);
    assert_eq!(project.shardplan("-q tradeoff --png charts").code, 0);
    assert!(first == ["frontier", "timeline"].map(read));
    for picture in &first {
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        let drawn = resvg::tiny_skia::Pixmap::decode_png(picture).unwrap();
        assert_eq!(drawn.width(), 2 * (920 + 24));
        // Ink on white: axes and marks alone would darken far less of it than letters do.
        let dark = drawn.pixels().iter().filter(|pixel| pixel.red() < 0x80 && pixel.blue() < 0x80).count();
        assert!(dark > 2000, "{dark} dark pixels");
    }
}

#[test]
fn a_spreadsheet_gets_plain_numbers() {
    let project = Project::planned(MANIFEST, TESTS);
    insta::assert_snapshot!(project.shardplan("-q tradeoff --format csv").stdout, @"
    lanes,containers,shards,billed_minutes,end_seconds,gap,knee
    all ×2,2,2,6,190,0,false
    all ×3,3,3,7,135,0,false
    all ×4,3,4,8,130,0,true
    all ×5,4,5,9,101,0,false
    today,2,1,6,290,,
    ");
    insta::assert_snapshot!(project.shardplan("-q suggest --budget 2 --format csv").stdout, @"
    shard,lane,services,tests,units,base_seconds,boot_seconds,run_seconds,tail_seconds,wall_seconds,p90_seconds,slack_seconds
    all-1,all,db,3,3,10,10,150,0,170,213.923,0
    all-2,all,solr,2,2,10,41,65,0,116,140.594,54
    ");
}

/// The pictures of the README are what the program draws of the worked example.
#[test]
fn the_pictures_of_the_documentation_are_the_programs_own() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::empty();
    let charts = project.path("charts");
    let words = format!(
        "-q -C {} tradeoff --compare win3-by-mentions.toml --svg {}",
        root.join("data/relyloop").display(),
        charts.display()
    );
    let said = project.shardplan(&words);
    assert_eq!(said.code, 0, "{said}");
    for name in ["frontier.svg", "timeline.svg"] {
        let drawn = std::fs::read_to_string(charts.join(name)).unwrap();
        let place = root.join("docs/pictures").join(name);
        #[expect(clippy::disallowed_methods, reason = "a test may be asked to write its expectation")]
        if std::env::var_os("UPDATE_PICTURES").is_some() {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(&place, &drawn).unwrap();
        }
        let committed = std::fs::read_to_string(&place).unwrap_or_default();
        assert!(
            committed == drawn,
            "docs/pictures/{name} is out of date: run the tests with UPDATE_PICTURES=1"
        );
    }
}
