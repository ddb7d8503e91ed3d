"""What each section says: findings, matrix, failing probes, traces, and what is needed to repeat the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.report.conftest import event
from tests.report.html.reading import Element, Page
from tests.report.html.test_page import page
from tests.reproduce.test_record import MADE


def told(element: Element) -> dict[str, str]:
    """The facts within an element, by their names."""
    (listed,) = [each for each in element.children if each.tag == "dl"]
    pairs = zip(listed.children[::2], listed.children[1::2], strict=True)
    return {name.text: value.text for name, value in pairs}


def proved(run: Any) -> Any:
    """A run whose finding has everything."""
    run.document["findings"][0] |= {
        "cause": "sl-localhost-443",
        "title": "A serverless driver dials port 443",
        "summary": "It keeps the host and drops the port.",
        "proof": "confirmed",
        "evidence": [
            {"probe": "ws.neon", "seq": 2, "text": "connect 127.0.0.1:443 ECONNREFUSED"},
            {"probe": "ws.neon", "seq": 99, "text": "a line that is not there"},
            {"probe": "ws.neon", "seq": None, "text": "what the driver said"},
            {"probe": "gone", "seq": 1, "text": "of a probe that is not there"},
        ],
        "experiment": {
            "change": "a gateway before the same database",
            "baseline": {"runs": 3, "failed": 3},
            "changed": {"runs": 3, "failed": 0},
            "command": "repro lab gateway",
        },
        "ruled_out": [{"cause": "tcp-refused", "because": "the port is not the URL's"}],
        "fix": ["Take a TCP driver.", "Or run a proxy."],
        "links": ["https://github.com/neondatabase/serverless/issues/127"],
    }
    return run


def test_a_finding_says_what_its_proof_the_fix_and_what_it_is_not(origin: Any) -> None:
    finding = page(proved(origin)).at("finding-1")
    facts = told(finding)

    assert finding.text.startswith("Finding 1 ✓ proved by experimentA serverless driver dials port 443")
    assert facts["Cause"].startswith("sl-localhost-443")
    assert "unchanged" in facts["Proof"]
    assert "✕✕✕failed 3 of 3" in facts["Proof"]
    assert "✓✓✓failed 0 of 3" in facts["Proof"]
    assert "Repeat it: repro lab gateway" in facts["Proof"]
    assert facts["Fix"] == "Take a TCP driver.Or run a proxy."
    assert "tcp-refused because the port is not the URL's" in facts["Ruled out"]


def test_each_piece_of_evidence_leads_as_near_as_there_is_something(origin: Any) -> None:
    found = page(proved(origin))
    (evidence,) = [each for each in found.all("dd") if "a line that is not there" in each.text]

    links = [each for each in found.all("a") if evidence in ancestors(each)]
    assert [each.get("href") for each in links] == ["#event-ws.neon-2", "#trace-ws.neon", "#trace-ws.neon"]
    assert set(found.links()) <= found.ids


def ancestors(element: Element) -> list[Element]:
    found = []
    place = element.parent
    while place is not None:
        found.append(place)
        place = place.parent
    return found


def test_a_line_that_is_evidence_leads_back_to_its_finding(origin: Any) -> None:
    row = page(proved(origin)).at("event-ws.neon-2")

    assert row.text.endswith("✕ connection_refused ECONNREFUSED")
    assert "finding 1" in row.text
    assert row.get("class") == "fail"


def test_an_undiagnosed_finding_claims_no_cause(origin: Any) -> None:
    finding = page(origin).at("finding-1")

    assert "? cause not determined" in finding.text
    assert told(finding)["Cause"].startswith("layer")


@pytest.mark.parametrize(
    ("proof", "words"),
    [("refuted", "an experiment spoke against it"), ("untested", "tried by experiment, not settled")],
)
def test_a_proof_is_not_claimed(origin: Any, proof: str, words: str) -> None:
    proved(origin).document["findings"][0]["proof"] = proof

    assert words in page(origin).at("finding-1").text


def test_the_failing_cell_is_marked_by_a_sign_and_leads_to_the_failure(origin: Any) -> None:
    found = page(origin)
    (row,) = [each for each in found.all("tr", "fail") if each.text.startswith("ws.neon")]
    cells = [each for each in row.children if "stage" in each.get("class")]

    assert [each.text.split("not")[0] for each in cells[:3]] == ["✓passed", "✕failed", "·"]
    (link,) = cells[1].children
    assert link.get("href") == "#failure-ws.neon"


def test_skipped_probes_stand_with_their_reason(mishaps: Any) -> None:
    text = page(mishaps).at("matrix").text

    assert "2 probes skipped" in text
    assert "http.neon: DATABASE_URL is not set" in text


def test_a_failing_probe_is_told_in_full(origin: Any) -> None:
    failure = page(origin).at("failure-http.neon")
    facts = told(failure)

    assert failure.text.startswith("✕ http.neon failed at connect: connection refused")
    assert facts["Failure"] == "connection_refused, ECONNREFUSED"
    assert facts["Predicted"] == "https://localhost:443/sql → localhost:443"
    assert facts["Dialled"] == "127.0.0.1:443 connection_refused✓ where it was predicted"
    assert facts["Passing probes"].startswith("reached 127.0.0.1:5433 (tcp.raw")
    assert facts["Effect applied"] == "no"
    assert "Error chain, outermost first" in failure.text
    assert failure.text.index("NeonHttpError") < failure.text.index("ConnectionRefusedError ECONNREFUSED")


def test_a_surprise_is_said(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        outcome["predicted"] = [{"url": "u", "host": "h", "port": 5433, "protocol": "p"}]

    assert "✕ not what was predicted" in told(page(origin).at("failure-ws.neon"))["Dialled"]


def test_a_crash_has_its_log_and_a_broken_transaction_its_backends(mishaps: Any) -> None:
    found = page(mishaps)

    assert "The end of its standard error, 200 lines" in found.at("failure-tcp.asyncpg").text
    assert "line 199" in found.at("failure-tcp.asyncpg").text
    broken = told(found.at("failure-orm.sqlalchemy-psycopg"))["Atomicity"]
    assert broken == "✕ broken: backends 1234, 1250, transaction ids 754, 755"
    assert told(found.at("failure-tcp.psycopg"))["Effect applied"] == "unknown: no answer says so"


def test_a_long_chain_keeps_its_first_and_its_last_links(origin: Any) -> None:
    for outcome in origin.document["probes"]:
        if outcome["error"]:
            outcome["error"]["chain"] = [{"type": f"E{n}", "message": "", "code": None} for n in range(100)]

    text = page(origin).at("failure-ws.neon").text

    assert "E076 links left outE77" in text
    assert "E99" in text


def test_a_trace_says_who_saw_it_and_what_they_cannot_see(origin: Any) -> None:
    head = event(0, "visibility") | {"sources": ["hook", "kernel"], "cannot_see": ["Unix sockets"]}
    origin.events["ws.neon"] = [head, *origin.events["ws.neon"]]

    facts = told(page(origin).at("trace-ws.neon"))

    assert facts["Seen by"] == "hook, kernel"
    assert facts["Not visible"] == "Unix sockets"
    assert facts["Zero is"] == "0.000000 s after the run's start"


def test_a_number_that_is_there_twice_is_one_place(origin: Any) -> None:
    origin.events["ws.neon"] = [event(7, "connect"), event(7, "close")]

    found = page(origin)  # Page refuses an id that is there twice

    assert "connect" in found.at("event-ws.neon-7").text


def test_a_reproduction_has_its_commands_its_program_and_its_output(origin: Any) -> None:
    text = page(origin, MADE).at("reproductions").text

    assert "tcp.asyncpg by its driver alone" in text
    assert "failed in the same way 5 of 5 times, each from an empty folder." in text
    assert "python -m pip install asyncpg==0.31.0 python tcp_asyncpg.py" in text
    assert "print('opened')" in text


@pytest.mark.parametrize(("runs", "failed"), [(5, 4), (3, 3), (0, 0)])
def test_one_that_does_not_fail_each_time_is_not_shown(origin: Any, runs: int, failed: int) -> None:
    found = page(origin, replace(MADE, runs=runs, failed=failed))

    assert "reproductions" not in found.ids


def test_a_long_program_is_named(origin: Any) -> None:
    text = page(origin, replace(MADE, text="x" * 30_000)).at("reproductions").text

    assert "The program is in reproductions/tcp_asyncpg.py." in text


def test_the_rest_is_there(origin: Any) -> None:
    found: Page = page(origin)

    assert "repro run --only http.neon,ws.neon --deadline 60" in found.at("commands").text
    assert "INSERT INTO public.jobs" in found.at("transaction").text
    assert "postgresql://app:[redacted:1a2b3c]@localhost:5433/app" in found.at("target").text
    assert "OpenSSL 3.0.15 3 Sep 2024" in found.at("environment").text
