"""The quick look never says yes where `jsonschema` says no, and says yes to the lines there are."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from repro.document.quick import check_of
from repro.document.schema import SCHEMAS, validator

EVENT = json.loads((SCHEMAS / "event-1.json").read_text("utf-8"))
QUICK = check_of(EVENT)

HEAD = {
    "seq": 0, "t0": 0.0, "t": 0, "src": "run", "op": "visibility", "conn": None, "pid": None, "peer": None,
    "failure": None, "errno": None, "schema": "txrepro/event/1", "run_id": "r", "probe": "tcp.raw",
    "sources": ["hook"], "cannot_see": [], "wall_clock_origin": "2026-11-26T12:00:00.000Z",
}  # fmt: skip
LINE = {
    "seq": 1, "t0": 0.5, "t": 0.6, "src": "hook", "op": "connect", "conn": 1, "pid": 1,
    "peer": {"address": "::1", "port": 443}, "failure": "connection_refused", "errno": "ECONNREFUSED",
    "net.family": "inet6", "seen_by": ["kernel", "hook"],
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 0.5, math.inf, "", "a", "A", "EPIPE", "eof", "unknown_failure: x",
    "visibility", "txrepro/event/1", [], ["a"], [1], {}, {"address": "a", "port": 1},
    {"address": "", "port": None}, {"address": "a", "port": 65536}, {"address": "a", "port": 1, "x": 1},
)  # fmt: skip


@pytest.mark.parametrize("line", [HEAD, LINE, {**LINE, "failure": "unknown_failure: odd", "peer": None}])
def test_it_says_yes_to_what_is_written(line: dict[str, Any]) -> None:
    assert QUICK(line)


def test_it_says_yes_only_where_jsonschema_does() -> None:
    source = random.Random(1)
    names = [*HEAD, *LINE, "Not.a name", "dns.name", ""]
    said = {True: 0, False: 0}
    for _ in range(3000):
        line: Any = dict(source.choice((HEAD, LINE)))
        for _ in range(source.randint(0, 2)):
            line[source.choice(names)] = source.choice(VALUES)
        if source.random() < 0.3:
            line.pop(source.choice(list(line)))
        quick = QUICK(line)
        said[quick] += 1
        if quick:
            assert validator("event-1.json").is_valid(line), line
    assert min(said.values()) > 300


@pytest.mark.parametrize("line", VALUES)
def test_what_is_no_line_is_none(line: Any) -> None:
    assert not QUICK(line)


@pytest.mark.parametrize(
    "schema",
    [
        {"uniqueItems": True},
        {"type": "string", "format": "date"},
        {"if": {"required": ["a"]}, "then": False},
        {"properties": {"a": {"not": {}}}},
    ],
)
def test_a_schema_with_words_that_it_does_not_know_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    assert not check_of(schema)({"a": 1})
