"""What differs, as text and as Markdown."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from repro.report.difference import Side, as_json, compare, markdown, text
from tests.report.conftest import Run
from tests.report.difference.pairs import HOSTILE, PROBE, connect, message, numbered, run_with, side

DRIVES_A_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def lines(a: Run, b: Run, width: int | None = None, *, everything: bool = False) -> list[str]:
    found = compare(side(a), side(b))
    return [line for line, _ in text.render(found, width=width, everything=everything)]


def test_runs_that_are_the_same_say_so_in_a_line(healthy: Run) -> None:
    assert lines(healthy, healthy)[3:] == ["The runs do not differ."]


def test_only_what_differs_is_shown(healthy: Run, origin: Run) -> None:
    shown = "\n".join(lines(healthy, origin))

    assert "http.neon" in shown
    assert "\ntcp.raw\n" not in shown
    assert "OpenSSL" not in shown


def test_all_shows_what_is_the_same_too(healthy: Run, origin: Run) -> None:
    shown = "\n".join(lines(healthy, origin, everything=True))

    assert "\ntcp.raw\n" in shown
    assert "OpenSSL" in shown


def test_in_a_pipe_the_runs_stand_below_each_other(healthy: Run, origin: Run) -> None:
    shown = lines(healthy, origin)

    assert "    B connect 127.0.0.1:443 ECONNREFUSED" in shown
    assert any(
        "the traces part on connection 1, at event 2 of A and at event 2 of B" in line for line in shown
    )


def test_on_a_wide_terminal_they_stand_beside_each_other(healthy: Run, origin: Run) -> None:
    shown = lines(healthy, origin, 140)

    (line,) = [each for each in shown if "127.0.0.1:443 ECONNREFUSED" in each and "44301" in each]
    assert line.index("|") == 4 + (140 - 9) // 2 + 1
    assert all(len(each) <= 140 for each in shown if " | " in each)


def test_long_events_stay_in_their_columns() -> None:
    a, b = (
        run_with(numbered([connect(1, 5433, 0.1), message(1, 0.2, "client", "Query", sql=letter * 900)]))
        for letter in "xy"
    )

    shown = [line for line, _ in text.render(compare(a, b), width=120)]

    (line,) = [each for each in shown if "xxx" in each and "yyy" in each]
    assert len(line) <= 120
    assert line[4 + (120 - 9) // 2 :].startswith(" | ")


def hostile(letter: str) -> Side:
    """A run of which every text is foreign."""
    evil = HOSTILE + letter
    fields: dict[str, Any] = {"sql": evil, "tag": evil, "message": evil, "severity": evil}
    trace = numbered([connect(1, 5433, 0.1), message(1, 0.2, "server", "CommandComplete", **fields)])
    error = {
        "failure": f"unknown_failure: {evil}", "operation": "connect", "type": evil, "message": evil,
        "sqlstate": None, "errno": None, "address": evil,
        "chain": [{"type": evil, "message": evil, "code": evil}],
    }  # fmt: skip
    made = run_with(trace, status="fail", error=error, reason=evil, notes=[evil], versions={evil: evil})
    made.document["environment"] = {
        "platform": {evil: evil},
        "variables": [evil],
        "drivers": {evil: evil},
        evil: [evil],
    }
    made.document["target"] = {"kind": "env", "database": evil, evil: evil}
    made.document["transaction"]["statements"] = [evil]
    for finding in made.document["findings"]:
        finding["title"] = evil
    return made


def test_foreign_text_cannot_drive_a_terminal() -> None:
    found = compare(hostile("a"), hostile("b"))

    for width in (None, 80, 200):
        for line, _ in text.render(found, width=width, everything=True):
            assert not DRIVES_A_TERMINAL.search(line)
            assert "\n" not in line


def test_foreign_text_is_data_on_github() -> None:
    cmarkgfm = pytest.importorskip("cmarkgfm")
    shown = markdown.render(compare(hostile("a"), hostile("b")), everything=True)

    page = cmarkgfm.github_flavored_markdown_to_html(shown)

    assert "<img" not in page
    assert "<a " not in page
    outside = re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "@someone" not in outside
    assert "#1" not in outside
    assert not DRIVES_A_TERMINAL.search(shown)


def test_markdown_shows_the_parting_as_a_diff(healthy: Run, origin: Run) -> None:
    shown = markdown.render(compare(side(healthy), side(origin)))

    assert "```diff\n  look up localhost = 127.0.0.1\n- A: connect 127.0.0.1:44301 connected\n" in shown
    assert "\n+ B: connect 127.0.0.1:443 ECONNREFUSED\n```" in shown
    assert "| `verdict` | `pass` | `fail` |" in shown


def test_markdown_stays_below_what_github_takes(healthy: Run, origin: Run) -> None:
    many = copy.deepcopy(origin)
    (failing,) = [each for each in many.document["probes"] if each["name"] == "ws.neon"]
    many.document["probes"] += [{**failing, "name": f"ws.{number}"} for number in range(900)]

    shown = markdown.render(compare(side(healthy), side(many)), everything=True)

    assert len(shown) < markdown.LIMIT
    assert "did not fit" in shown


def test_the_same_runs_give_the_same_text(healthy: Run, origin: Run) -> None:
    assert lines(healthy, origin) == lines(healthy, origin)
    assert as_json(compare(side(healthy), side(origin))) == as_json(compare(side(healthy), side(origin)))
    assert PROBE in "\n".join(lines(healthy, origin, everything=True))
