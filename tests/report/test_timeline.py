from __future__ import annotations

from typing import Any

import pytest

from repro.report.counting import left_out
from repro.report.timeline import MOST_OF_A_LINE, excerpt, render

LINE: dict[str, Any] = {
    "seq": 1, "t0": 0.5, "t": 0.5015, "src": "hook", "op": "connect", "conn": 1, "pid": 1, "peer": None,
    "failure": None, "errno": None,
}  # fmt: skip


def test_a_refused_connect() -> None:
    line = LINE | {
        "peer": {"address": "::1", "port": 443},
        "failure": "connection_refused",
        "errno": "ECONNREFUSED",
        "via": "asyncio",
    }

    text = render([line], most=10)

    assert " ".join(text.split()) == (
        "+0.500000 s 1.500 ms connect [::1]:443 via=asyncio FAILED connection_refused (ECONNREFUSED)"
    )


def test_a_lookup_tells_its_answers_without_repeating_its_kind() -> None:
    line = LINE | {"op": "dns", "dns.name": "localhost", "dns.answers": ["::1", "127.0.0.1"], "via": None}

    assert render([line], most=10).endswith("dns           name=localhost answers=::1,127.0.0.1")


def test_the_head_says_who_was_looking() -> None:
    head = LINE | {
        "op": "visibility",
        "sources": ["hook"],
        "cannot_see": ["child processes"],
        "wall_clock_origin": "2026-01-31T23:59:59Z",
    }

    text = render([head], most=10)

    assert text == "# seen by: hook; not visible: child processes; 0 is 2026-01-31T23:59:59Z"


def test_a_hostile_field_stays_on_its_line() -> None:
    text = render([LINE | {"host": "a\n+9.9 s FAKE \x1b[2J", "detail": {"x": [1, {"y": "z\r"}]}}], most=10)

    assert text.count("\n") == 0
    assert "\x1b" not in text


def test_a_line_has_an_end() -> None:
    text = render([LINE | {"host": "x" * 10_000}], most=10)

    assert len(text) <= MOST_OF_A_LINE + 10


@pytest.mark.parametrize(("count", "most"), [(3, 3), (100, 10), (7, 5), (2, 1)])
def test_an_excerpt_keeps_a_fifth_of_the_head_and_the_end(count: int, most: int) -> None:
    lines = [str(number) for number in range(count)]

    shown = excerpt(lines, most)

    if count <= most:
        assert shown == lines
        return
    head = most // 5
    assert shown[:head] == lines[:head]
    assert shown[head] == left_out(count - most, "line")
    assert shown[head + 1 :] == lines[count - (most - head) :]


def test_where_nothing_happened_that_is_said() -> None:
    assert render([], most=10) == "# nothing was looked up, dialled or said"
    unseen: dict[str, Any] = {"op": "visibility", "sources": [], "cannot_see": [], "wall_clock_origin": None}
    assert render([unseen], most=10) == "# nothing was looked up, dialled or said"


def test_where_it_fails_early_the_begin_has_the_most_room() -> None:
    lines = [LINE | {"seq": seq, "op": f"e{seq}."} for seq in range(100)]

    shown = render(lines, most=10, fails_early=True).splitlines()

    assert "e7." in shown[7]
    assert shown[8] == left_out(90, "line")
    assert "e98." in shown[9]


def test_a_message_tells_its_length_once() -> None:
    event = LINE | {"op": "pg.msg", "len": 24, "pg.len": 23, "pg.name": "AuthenticationSASL"}
    line = render([event], most=5)
    assert line.endswith("len=24 name=AuthenticationSASL")
