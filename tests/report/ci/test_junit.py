"""A run as JUnit's XML."""

from __future__ import annotations

import copy
from xml.etree import ElementTree as ET

from repro.report.ci import junit
from tests.report.conftest import Run

HOSTILE = ']]></failure><x a="b"> & \x00\x1b[31m\ud800\u202e\ufffe'


def test_a_healthy_run_is_a_suite_of_passes(healthy: Run) -> None:
    suite = ET.fromstring(junit.render(healthy.document))
    assert suite.tag == "testsuite"
    assert int(suite.get("tests", "")) == len(healthy.document["probes"]) == len(suite.findall("testcase"))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert not suite.findall("testcase/failure")


def test_each_way_to_end_is_an_element_of_its_own(mishaps: Run) -> None:
    suite = ET.fromstring(junit.render(mishaps.document))
    found = {case.get("name"): [each.tag for each in case] for case in suite.findall("testcase")}
    expected = {
        "pass": [],
        "fail": ["failure"],
        "timeout": ["error"],
        "crash": ["error"],
        "skip": ["skipped"],
    }
    assert found == {each["name"]: expected[each["status"]] for each in mishaps.document["probes"]}
    counted = [suite.get(name) for name in ("failures", "errors", "skipped")]
    tags = [tag for tags in found.values() for tag in tags]
    assert counted == [str(tags.count(tag)) for tag in ("failure", "error", "skipped")]


def test_a_failure_says_what_the_finding_says_and_the_whole_chain(origin: Run) -> None:
    suite = ET.fromstring(junit.render(origin.document))
    failures = suite.findall("testcase/failure")
    assert failures
    titles = {finding["title"] for finding in origin.document["findings"]}
    for failure in failures:
        assert failure.get("message") in titles
        assert "connection_refused at connect" in (failure.text or "")


def test_a_failure_says_the_proof_what_it_is_not_and_the_fix(origin: Run) -> None:
    proved = copy.deepcopy(origin.document)
    (finding, *_) = proved["findings"]
    finding["experiment"] = {
        "change": "a gateway", "baseline": {"runs": 3, "failed": 3}, "changed": {"runs": 3, "failed": 0},
        "command": "repro lab gateway",
    }  # fmt: skip
    finding["ruled_out"] = [{"cause": "tcp-refused", "because": "another port"}]
    finding["fix"] = ["Take a TCP driver."]
    text = ET.fromstring(junit.render(proved)).findtext("testcase/failure") or ""
    for line in (
        finding["title"],
        "proof: unchanged it failed 3 of 3 times, and 0 of 3 with a gateway",
        "command: repro lab gateway",
        "ruled out tcp-refused: another port",
        "fix: Take a TCP driver.",
    ):
        assert line in text.split("\n")


def test_its_properties_say_the_versions(healthy: Run) -> None:
    suite = ET.fromstring(junit.render(healthy.document))
    told = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    assert told["Drivers"] == "psycopg 3.3.2, websockets 16.0"
    assert told["Server, as drivers saw it"] == "17.10"
    assert told["driver of tcp.psycopg"] == "psycopg 3.3.2"


def test_its_time_has_no_fraction_which_strict_readers_refuse(healthy: Run) -> None:
    assert ET.fromstring(junit.render(healthy.document)).get("timestamp") == "2026-01-31T23:59:59"


def test_what_a_driver_says_cannot_break_the_document(mishaps: Run) -> None:
    hostile = copy.deepcopy(mishaps.document)
    for each in hostile["probes"]:
        each["name"] += HOSTILE
        each["reason"] = HOSTILE
        each["driver"] = {"name": HOSTILE, "version": HOSTILE}
        if each["error"] is not None:
            each["error"]["message"] = HOSTILE
            each["error"]["chain"] = [{"type": HOSTILE, "message": HOSTILE, "code": HOSTILE}]
    for finding in hostile["findings"]:
        finding["title"] = HOSTILE
        finding["fix"] = [HOSTILE]

    plain = ET.fromstring(junit.render(mishaps.document))
    broken = ET.fromstring(junit.render(hostile))

    assert [each.tag for each in plain.iter()] == [each.tag for each in broken.iter()]
