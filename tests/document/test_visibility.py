from __future__ import annotations

from typing import Any

from repro.document import RunDocument, validate_event
from repro.document.visibility import with_visibility


def test_a_trace_begins_with_who_was_looking(document: RunDocument, line: dict[str, Any]) -> None:
    head, first = with_visibility(document, "ws.neon", [line])

    validate_event(head)
    assert first == line
    assert head["op"] == "visibility"
    assert head["schema"] == "txrepro/event/1"
    assert (head["run_id"], head["probe"]) == (document["run_id"], "ws.neon")
    assert head["sources"] == ["hook"]
    assert head["cannot_see"]
    assert head["wall_clock_origin"] == document["started_at"]


def test_an_empty_trace_says_that_somebody_was_looking(document: RunDocument) -> None:
    (head,) = with_visibility(document, "ws.neon", [])

    assert head["sources"] == ["hook"]


def test_a_head_that_a_source_wrote_stays(document: RunDocument, line: dict[str, Any]) -> None:
    lines = with_visibility(document, "ws.neon", [line])

    assert with_visibility(document, "ws.neon", lines) == lines


def test_every_source_is_named(document: RunDocument, line: dict[str, Any]) -> None:
    head, *_ = with_visibility(document, "ws.neon", [line, {**line, "src": "kernel"}])

    assert head["sources"] == ["hook", "kernel"]
