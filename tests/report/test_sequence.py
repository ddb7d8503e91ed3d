"""The diagram of a probe's conversation."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.sequence import label, mermaid
from tests.report.conftest import Run, event, outcome
from tests.report.hostile import TEXTS, with_text

LINE = re.compile(
    r"sequenceDiagram"
    r"|    participant [A-Z]\d* as [^\n#;]*(?:#\d+;[^\n#;]*)*"
    r"|    [A-Z]\d*(?:->>|-->>|-x|--x)[A-Z]\d*: [^\n#;]*(?:#\d+;[^\n#;]*)*"
    r"|    Note over P: [^\n#;]*(?:#\d+;[^\n#;]*)*"
)
"""What the diagrams use of mermaid's language; mermaid 11's own parser took all that these tests make."""


def of(run: Run, name: str, **more: int) -> str:
    found = next(each for each in run.document["probes"] if each["name"] == name)
    return mermaid(found, run.events.get(name, []), **more)


def test_a_refused_connection_is_drawn_as_what_it_was(origin: Run) -> None:
    assert of(origin, "ws.neon").splitlines() == [
        "sequenceDiagram",
        "    participant P as ws.neon",
        "    participant R as resolver",
        "    participant S2 as 127.0.0.1:443 WebSocket",
        "    P->>R: localhost",
        "    R-->>P: 127.0.0.1",
        "    P-xS2: connect: ECONNREFUSED",
        "    Note over P: connect failed: connection refused",
    ]


def test_an_answer_that_never_came_is_drawn_and_the_doubt_told(mishaps: Run) -> None:
    drawn = of(mishaps, "tcp.psycopg").splitlines()
    assert drawn[-3].strip() == "S2--xP: no answer in time"
    assert drawn[-1].strip() == "Note over P: whether it was applied is not known"


def test_of_many_steps_the_begin_and_the_end_are_drawn(origin: Run) -> None:
    lines = [event(seq, "dns") | {"dns.name": f"n{seq}", "dns.answers": ["::1"]} for seq in range(1, 60)]
    drawn = mermaid(outcome("tcp.raw", "tcp", ("x", "1"), 1, stages=[]), lines, most=10).splitlines()
    assert len(drawn) == 3 + 10 + 1
    assert "n1" in drawn[3]
    assert "steps are left out" in drawn[5]
    assert "n59" in drawn[-2]


def test_without_a_trace_there_is_nothing_to_draw(origin: Run) -> None:
    found = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    assert mermaid(found, []) == ""


@pytest.mark.parametrize("text", [*TEXTS.values(), "%%{init: {}}%%", "end", "wrap: x", 'a"; participant Q'])
def test_no_text_is_more_than_a_label(text: str, origin: Run, mishaps: Run) -> None:
    for run in (origin, mishaps):
        hostile = with_text(run, text)
        for each in hostile.document["probes"]:
            for line in mermaid({**each, "name": text}, hostile.events.get(each["name"], [])).splitlines():
                assert LINE.fullmatch(line), line


@given(st.text(max_size=60))
def test_a_label_holds_nothing_that_mermaid_reads(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9 .,:/()_\[\]=+*?→…-]*", re.sub(r"#\d+;", "", label(text)))
