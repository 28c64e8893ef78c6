//! Archives in archives, and inputs without an end: refused in bounded time and memory.

use std::io::{self, Cursor, Read as _, Write as _};

use shardplan::ingest::container::{self, Content, Limits, Member};
use shardplan::ingest::{self, Context, IngestErrorKind};

fn zip(members: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(name, ::zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Returns how many bytes came out, how many files, and what was refused.
fn opened(bytes: Vec<u8>, limits: &Limits) -> (u64, usize, Vec<String>) {
    let (mut size, mut files, mut refused) = (0, 0, Vec::new());
    container::open("outer", Content::from(bytes), limits, &mut |members| {
        for Member { name, content, .. } in members {
            match content {
                Ok(content) => {
                    size += content.len();
                    files += 1;
                }
                Err(kind) => refused.push(format!("{name}: {kind}")),
            }
        }
    });
    (size, files, refused)
}

#[test]
fn many_small_bombs_in_archives_are_one_bomb() {
    let inner = zip((0..4).map(|number| (format!("{number}.xml"), vec![b' '; 8 << 20])));
    let middle = zip((0..4).map(|number| (format!("{number}.zip"), inner.clone())));
    let outer = zip((0..4).map(|number| (format!("{number}.zip"), middle.clone())));
    assert!(outer.len() < 1 << 20, "half a gigabyte in {} bytes", outer.len());
    let (size, _, refused) = opened(outer, &Limits::default());
    assert!(size <= Limits::FREE, "{size}");
    assert!(refused.iter().all(|problem| problem.contains("more than 64 MiB unpacked")), "{refused:?}");
    assert!((1..=16).contains(&refused.len()), "{refused:?}");
}

#[test]
fn members_are_counted_over_all_archives() {
    let limits = Limits { entries: 50, ..Limits::default() };
    let inner = zip((0..30).map(|number| (format!("{number}.xml"), b"<testsuite/>".to_vec())));
    let (_, files, refused) =
        opened(zip((0..9).map(|number| (format!("{number}.zip"), inner.clone()))), &limits);
    assert!(files < 50, "{files}");
    assert!(refused.iter().all(|problem| problem.contains("more than 50 files")), "{refused:?}");
}

#[test]
fn an_archive_that_holds_itself_ends() {
    let nested = (0..20).fold(b"<testsuite/>".to_vec(), |inner, _| zip([("again.zip".to_owned(), inner)]));
    let (_, files, refused) = opened(nested, &Limits::default());
    assert_eq!((files, refused.len()), (0, 1));
    assert!(refused[0].contains("more than 5 deep"), "{refused:?}");
}

#[test]
fn what_has_no_end_is_refused() {
    for (start, said) in [
        ("<testsuite name=\"", "a tag is longer than 64 MiB"),
        ("test,seconds\n", "a line of more than 64 MiB"),
        ("{\"$report_type\": \"SessionStart\"}\n{\"nodeid\": \"", "a line of more than 64 MiB"),
        ("{\"test_id\": \"a.py::t\", \"duration\": 1}\n", "a line of more than 64 MiB"),
    ] {
        let endless = start.as_bytes().chain(io::repeat(b'x'));
        let error = ingest::read_stream(endless, "endless", &Context::default(), None).unwrap_err();
        let is_bounded =
            matches!(error.kind, IngestErrorKind::TooLarge { .. } | IngestErrorKind::Malformed { .. });
        assert!(is_bounded && error.to_string().contains(said), "{start}: {error}");
    }
}

#[test]
fn captured_output_without_an_end_takes_no_memory_and_costs_no_test() {
    let head = "<testsuite name='pytest'><testcase classname='t' name='a' time='1'/><testcase classname='t' name='b' time='1'><system-out>";
    let output = head.as_bytes().chain(io::repeat(b'x').take(200 << 20));
    let contents = ingest::read_stream(output, "cut", &Context::default(), None).unwrap();
    assert_eq!(contents.reports[0].observations.len(), 1);
}
