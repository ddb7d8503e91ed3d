"""The decision record of a run."""

from __future__ import annotations

import copy

import pytest

from repro.report import decision
from tests.report.conftest import Run
from tests.report.hostile import TEXTS, with_text
from tests.report.test_hostile import shape, structure


def record(run: Run, chosen: str | None = None) -> str:
    return decision.render(run.document, run.events, picture="decision.svg", chosen=chosen)


def test_what_passed_in_one_piece_is_proposed_the_quickest_first(healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["duration_ms"] = 10.0 if each["name"] == "ws.neon" else 50.0
    assert "- For the database: `ws.neon`." in record(healthy)
    assert "- For the queue: `push.redis-tcp`." in record(healthy)


def test_the_control_is_no_option_to_propose(healthy: Run) -> None:
    names = [each["name"] for each in decision.proposal(healthy.document, pushes=False)]
    assert names
    assert "tcp.raw" not in names


@pytest.mark.parametrize("status", ["broken", "not_checked"])
def test_what_is_not_known_to_be_one_is_not_proposed(status: str, healthy: Run) -> None:
    for each in healthy.document["probes"]:
        each["atomicity"]["status"] = status  # type: ignore[typeddict-item]
    assert decision.proposal(healthy.document, pushes=False) == []
    assert "- For the database: none." in record(healthy)


def test_what_failed_is_told_in_the_consequences(mishaps: Run) -> None:
    text = record(mishaps)
    assert "`orm.sqlalchemy-psycopg` must not be taken as it is: its transaction is not one" in text
    assert "`tcp.psycopg`: whether its transaction was applied is not known" in text


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
