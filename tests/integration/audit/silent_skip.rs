use super::Case;

#[test]
fn a_guard_in_a_lane_without_its_service_skips_silently() {
    let found = Case::new("SP205")
        .manifest("[services.postgres]\n[lanes.unit]\ntoday = { services = [], shards = 1 }\n")
        .file("tests/probe.py", "import socket\n\nPORT = 5432\n\ndef is_open(host, port):\n    try:\n        socket.create_connection((host, port), 1).close()\n        return True\n    except OSError:\n        return False\n\ndef reachable():\n    return is_open('localhost', PORT)\n")
        .file("tests/test_a.py", "import pytest\nfrom probe import reachable\n\npytestmark = pytest.mark.skipif(not reachable(), reason='no server')\n\ndef test_a(): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "shardplan.toml:3 lane `unit` starts no postgres today, and 1 test function of it skips itself without it"
        ]
    );
}
