"""A recorded run of the lab against the same run as it would be another time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repro.report.difference import Side, compare

HEALTHY = Path(__file__).parents[3] / "reports" / "examples" / "healthy"
PROBES = ("tcp.raw", "tcp.psycopg", "http.neon", "ws.neon", "push.redis-tcp", "push.upstash-rest")

Lines = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The files of some probes, and ``run.json``."""
    traces = {name: (HEALTHY / "trace" / f"{name}.jsonl").read_text("utf-8") for name in PROBES}
    return {"run.json": (HEALTHY / "run.json").read_text("utf-8"), **traces}


def read(texts: Mapping[str, str]) -> Side:
    document = json.loads(texts["run.json"])
    document["probes"] = [each for each in document["probes"] if each["name"] in PROBES]
    events = {name: [json.loads(line) for line in texts[name].splitlines()] for name in PROBES}
    return Side(document, events)


def another_time(texts: Mapping[str, str]) -> Side:
    """The same with another run id, other ports, processes, backends and times."""
    run_id = json.loads(texts["run.json"])["run_id"]
    other = "20270101-010203-0a1b2c"
    told = {}
    for name, text in texts.items():
        changed = text.replace(run_id, other).replace(run_id.replace("-", "_"), other.replace("-", "_"))
        told[name] = re.sub(r"\b(?:3[3-9]|4\d)\d{3}\b", lambda found: str(int(found[0]) + 7), changed)
    side = read(told)
    return Side(side.document, {name: [*map(_later, lines)] for name, lines in side.events.items()})


def _later(line: Mapping[str, Any]) -> dict[str, Any]:
    pids = {key: line[key] + 100 for key in ("pid", "pg.pid") if line.get(key) is not None}
    conn = None if line["conn"] is None else line["conn"] * 3
    return {**line, **pids, "conn": conn, "t0": line["t0"] * 1.5, "t": line["t"] * 1.5}


def test_another_run_of_the_healthy_lab_does_not_differ(texts: Mapping[str, str]) -> None:
    found = compare(read(texts), another_time(texts))

    assert [(probe.name, probe.parting) for probe in found.probes] == [(name, None) for name in PROBES]
    assert found.same


@pytest.mark.parametrize("probe", PROBES)
def test_one_message_less_is_a_parting_there(probe: str, texts: Mapping[str, str]) -> None:
    a, b = read(texts), another_time(texts)
    lines = list(b.events[probe])
    messages = [at for at, line in enumerate(lines) if line.get("sender") and line["op"] != "ws.frame"]
    told = [at for at in messages if lines[at]["src"] != "pqtrace" or "tcp" in probe]
    lost = next(at for at in told[len(told) // 2 :] if lines[at].get("pg.name") != "ParameterStatus")
    lines = [line for at, line in enumerate(b.events[probe]) if at != lost]

    found = compare(a, Side(b.document, {**b.events, probe: lines}))

    assert [each.name for each in found.probes if each.parting is not None] == [probe]
