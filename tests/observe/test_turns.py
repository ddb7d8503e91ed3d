"""A probe's process in turns, whatever it does with them."""

from __future__ import annotations

import asyncio
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.document import Outcome
from repro.observe.catalog import Entry
from repro.observe.turns import NO_TURNS, TurnTaker
from repro.probe.request import Request

PLENTY_S = 30.0

HEAD = """\
import json, os, sys, time
def say(**line): print(json.dumps(line), flush=True)
request = json.loads(sys.stdin.readline())
assert request["turns"] is True
say(line="hello", probe="test.probe", driver={"name": "none", "version": "1"}, transport="tcp",
    versions={}, stages=["connect", "begin", "insert", "commit"], pid=os.getpid())
def first(): say(line="turn", number=0, do="first", took_s=None)
def passed(): say(line="outcome", status="pass", duration_ms=1.5)
"""
ANSWERS = """\
first()
for line in sys.stdin:
    turn = json.loads(line)
    took_s = {"connect": 0.25, "transact": 0.125}[turn["do"]]
    say(line="turn", number=turn["turn"], do=turn["do"], took_s=took_s)
passed()
"""

Played = tuple[bool, list[float | None], Outcome]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Played]:
    """Runs a probe's text and asks it for these turns: whether it began, what it answered, how it ended."""

    def play(body: str, *turns: str, within_s: float = PLENTY_S) -> Played:
        path = tmp_path / "probe.py"
        path.write_text(HEAD + textwrap.dedent(body))
        entry = Entry("test.probe", "", (), (sys.executable, str(path)))
        request = Request("run", {}, origin=time.monotonic(), turns=True)

        async def main() -> Played:
            taker = TurnTaker(entry, request, deadline_s=PLENTY_S)
            began = await taker.begin(PLENTY_S)
            took = [await taker.turn(each, within_s) for each in turns]  # type: ignore[arg-type]
            return began, took, await taker.end(within_s)

        return asyncio.run(main())

    return play


def test_each_turn_is_answered_with_what_it_took(play: Callable[..., Played]) -> None:
    began, took, outcome = play(ANSWERS, "connect", "transact", "transact")

    assert began
    assert took == [0.25, 0.125, 0.125]
    assert outcome["status"] == "pass"


def test_a_probe_that_runs_once_says_that_it_cannot_be_repeated(play: Callable[..., Played]) -> None:
    began, took, outcome = play("passed()", "transact")

    assert not began
    assert took == [None]
    assert (outcome["status"], outcome["reason"]) == ("skip", NO_TURNS)


def test_a_probe_that_dies_in_a_turn_has_crashed(play: Callable[..., Played]) -> None:
    began, took, outcome = play("first(); sys.stdin.readline(); sys.exit(7)", "transact", "transact")

    assert began
    assert took == [None, None]
    assert outcome["status"] == "crash"
    assert outcome["reason"] == "the process left with exit code 7 and said no outcome"


def test_a_probe_that_does_not_answer_is_given_up(play: Callable[..., Played]) -> None:
    began, took, outcome = play("first(); time.sleep(600)", "transact", within_s=0.2)

    assert began
    assert took == [None]
    assert (outcome["status"], outcome["reason"]) == ("timeout", "no answer within 0.2 s")


def test_a_probe_that_does_not_leave_is_ended(play: Callable[..., Played]) -> None:
    _, _, outcome = play("first(); time.sleep(600)", within_s=0.2)

    assert outcome["status"] == "timeout"


def test_an_answer_to_another_turn_is_none(play: Callable[..., Played]) -> None:
    late = 'first(); sys.stdin.readline(); say(line="turn", number=9, took_s=1.0); time.sleep(600)'

    assert play(late, "transact", within_s=0.2)[1] == [None]


def test_a_time_that_is_none_is_no_answer(play: Callable[..., Played]) -> None:
    silly = 'first(); sys.stdin.readline(); say(line="turn", number=1, took_s="fast"); time.sleep(600)'

    assert play(silly, "transact", within_s=0.2)[1] == [None]
