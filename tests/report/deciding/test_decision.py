"""The decision record of a run."""

from __future__ import annotations

import copy

import pytest

from repro.document import FAILING
from repro.report.deciding import candidates, decision
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, everywhere, with_text
from tests.report.test_hostile import shape, structure


def record(run: Run, chosen: str | None = None) -> str:
    return decision.render(run.document, run.events, picture="decision.svg", chosen=chosen)


def test_what_passed_in_one_piece_is_proposed_the_quickest_first(healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["duration_ms"] = (
            10.0 if each["name"] == "http.neon" else 50.0
        )  # it may have been checked for less
        for stage in each["stages"]:
            if stage["name"] == "begin":
                stage["t"] = 0.001 if each["name"] == "ws.neon" else 0.05
    assert "- For the database: `ws.neon`." in record(healthy)
    assert "- For the queue: `push.redis-tcp`." in record(healthy)


def test_the_control_is_no_option_to_propose(healthy: Run) -> None:
    names = [each["name"] for each in candidates.proposal(healthy.document, pushes=False)]
    assert names
    assert "tcp.raw" not in names
    assert "it is the control of the comparison" in record(healthy, "tcp.raw")


@pytest.mark.parametrize("status", ["broken", "not_checked"])
def test_what_is_not_known_to_be_one_is_not_proposed(status: str, healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["atomicity"]["status"] = status  # type: ignore[typeddict-item]
    assert candidates.proposal(healthy.document, pushes=False) == []
    assert "- For the database: none." in record(healthy)


def test_what_was_not_checked_is_told_and_counts_against_it(healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["duration_ms"] = 10.0 if each["name"] == "ws.neon" else 50.0
        if each["name"] == "ws.neon":
            each["atomicity"]["detail"] = {"at_once": {"not_checked": "needs the lab or --commit"}}
    text = record(healthy)
    assert "- For the database: `http.neon`." in text
    assert "- whether transactions at once stay apart (needs the lab or --commit): `ws.neon`" in text
    assert "`ws.neon`: whether transactions at once stay apart" in record(healthy, "ws.neon")


def test_an_option_is_told_with_what_it_needs_and_how_long_a_first_transaction_waits(healthy: Run) -> None:
    row = next(line for line in record(healthy).splitlines() if line.startswith("| `ws.neon` | `websockets"))
    assert row == (
        "| `ws.neon` | `websockets 16.0` | `websocket` | a gateway for WebSockets | passed | held"
        " | 5 ms | 42 ms |"
    )


def test_without_an_answer_to_begin_there_is_no_time_to_it(origin: Run) -> None:
    (failed,) = [each for each in origin.document["probes"] if each["name"] == "ws.neon"]
    assert candidates.ms_to_begin(failed) is None


def test_a_fix_can_be_chosen_with_its_proof_as_far_as_there_is_one(origin: Run) -> None:
    finding = origin.document["findings"][0]
    finding |= {"cause": "sl-localhost-443", "proof": "confirmed", "fix": ["Take pg.", "Run a proxy."]}
    assert "`fix-2`: Run a proxy. (against `sl-localhost-443`)" in record(origin)
    assert "which no experiment of this run has proved" in record(origin, "fix-1")
    finding["experiment"] = {
        "change": "a gateway",
        "baseline": {"runs": 3, "failed": 3},
        "changed": {"runs": 3, "failed": 0},
        "command": "repro run",
    }
    text = record(origin, "fix-1")
    assert "`fix-1`, as it was asked for: Take pg." in text
    assert (
        "unchanged it failed 3 of 3 times, and 0 of 3 with a gateway. Whether that is this very fix" in text
    )


def test_the_evidence_of_a_finding_leads_to_its_events(origin: Run) -> None:
    origin.document["findings"][0]["evidence"] = [{"probe": "ws.neon", "seq": 2, "text": "connect refused"}]
    assert "  - `trace/ws.neon.jsonl`, event 2: `connect refused`" in record(origin)


def test_what_failed_is_told_in_the_consequences(mishaps: Run) -> None:
    text = record(mishaps)
    assert "`orm.sqlalchemy-psycopg` must not be taken as it is: its transaction is not one" in text


def test_an_answer_that_was_lost_says_nothing_against_a_driver(mishaps: Run) -> None:
    assert "- `tcp.psycopg`: whether it works on this target is left open." in record(mishaps)
    assert "`tcp.psycopg` does not work" not in record(mishaps)
    assert "`tcp.asyncpg` does not work on this target as it is" in record(mishaps)
    assert "**The run leaves it open:** it **timed out** at `commit`" in record(mishaps, "tcp.psycopg")


def test_several_lost_answers_are_one_line(mishaps: Run) -> None:
    for each in mishaps.document["probes"]:
        if each["status"] in FAILING:
            each["applied"] = "unknown"
    assert "- `tcp.psycopg`, `tcp.asyncpg`: whether they work on this target is left open." in record(mishaps)


def test_what_passed_without_an_answer_to_its_commit_is_told(healthy: Run) -> None:
    healthy.document["probes"][1]["applied"] = "unknown"
    assert "`tcp.psycopg`: whether its transaction was applied is not known" in record(healthy)


def test_a_choice_that_the_run_speaks_against_says_so(origin: Run) -> None:
    assert "**The run speaks against it:**" in record(origin, "ws.neon")
    assert "It passed, with all that was checked." in record(origin, "tcp.psycopg")


def test_what_a_person_has_to_write_is_marked(healthy: Run) -> None:
    text = record(healthy)
    assert [name for name in ("context", "choice", "consequences") if f"<!-- txrepro:{name} " in text] == [
        "context", "choice", "consequences"
    ]  # fmt: skip


def test_of_nothing_nothing_is_proposed(healthy: Run) -> None:
    document = copy.deepcopy(healthy.document)
    document["probes"] = []
    text = decision.render(document, {}, picture="decision.svg")
    assert "None: nothing was tested." in text
    assert "mermaid" not in text


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text.strip()])
def test_no_text_changes_the_structure(name: str, mishaps: Run) -> None:
    harmless = structure(record(with_text(mishaps, "harmless words")))
    hostile = structure(record(with_text(mishaps, TEXTS[name])))
    assert shape(hostile) == shape(harmless)
    assert hostile.links == ["decision.svg"]


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text.strip()])
@pytest.mark.parametrize("chosen", [None, "fix-1"])
def test_no_text_in_any_field_changes_the_structure(name: str, chosen: str | None, mishaps: Run) -> None:
    harmless = structure(record(everywhere(mishaps, "harmless words"), chosen))
    hostile = structure(record(everywhere(mishaps, TEXTS[name]), chosen))
    assert shape(hostile) == shape(harmless)
    assert hostile.links == ["decision.svg"]


def test_what_does_not_apply_is_no_transaction_in_one_piece(healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["atomicity"]["status"] = "not_applicable"
    assert "- For the database: none." in record(healthy)
    assert "- For the queue: `push.redis-tcp`." in record(healthy)
