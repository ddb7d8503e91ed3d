"""A probe in turns, its driver played by hand."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from repro.persistence.steps import Begin, Commit, Execute, Rows, drive
from repro.persistence.transaction import single
from repro.probe import request as requests
from repro.probe.channel import Channel
from repro.probe.conversation import Open, Run, hold
from repro.probe.recorder import Recorder
from repro.probe.request import Request, RequestError
from repro.probe.transactions import noting
from repro.probe.trial import RepeatableTrial
from repro.probe.turns import Turn, parse, taken

Told = tuple[Channel, Callable[[], list[dict[str, Any]]]]


class Opened:
    """A driver that remembers what it is asked."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def run(self, work: Any) -> object:
        def carry_out(step: object) -> Rows:
            self.asked.append(step.sql if isinstance(step, Execute) else type(step).__name__)
            if self.asked[-1] == "broken":
                raise ConnectionResetError("gone")
            return Rows(())

        return drive(work, carry_out)

    def close(self) -> None:
        self.asked.append("close")


class Trialled(RepeatableTrial):
    """Writes a statement a turn."""

    probe: Any = type("Probe", (), {"transport": "tcp"})
    statement = "write"
    at = "begin"
    leavings = None

    def converse(self) -> Any:
        raise NotImplementedError

    take_over = clean_up = converse

    def first(self) -> Any:
        yield Open()
        yield Run(single(Execute("first")))

    def greeting(self) -> Any:
        return single(Execute("hello"))

    def again(self, number: int) -> Any:
        return noting(single(Execute(self.statement if number > 1 else "write")), self._note)

    def _note(self, stage: Any) -> None:
        self.at = stage

    def undo(self, number: int) -> Any:
        yield from ()
        self.notes.append(f"undone {number}")


def held(trial: Trialled, channel: Channel, *turns: Turn) -> tuple[list[str], list[str]]:
    asked: list[str] = []
    unwatched: list[str] = []

    def connect() -> Opened:
        asked.append("open")
        return Opened(asked)

    coming = iter(turns)
    text = taken(trial, channel, lambda: unwatched.append(asked[-1]), lambda: next(coming, None))
    hold(text, connect)
    return asked, unwatched


def test_the_first_time_is_watched_and_every_turn_is_timed(channel: Told, recorder: Recorder) -> None:
    trial = Trialled(Request("r", {}), recorder)

    asked, unwatched = held(trial, channel[0], Turn(1, "connect"), Turn(2, "connect"), Turn(3, "transact"))

    assert [each for each in asked if each not in ("Begin", "Commit")] == [
        *("open", "first", "close"),
        *("open", "hello", "close"),
        *("open", "hello", "write"),
    ]
    assert unwatched == ["close"]
    lines = channel[1]()
    assert [(each["number"], each["do"]) for each in lines] == [
        (0, "first"),
        (1, "connect"),
        (2, "connect"),
        (3, "transact"),
    ]
    assert lines[0]["took_s"] is None
    assert all(each["took_s"] > 0 for each in lines[1:])
    assert trial.notes == ["undone 3"]


def test_a_driver_that_was_never_asked_is_open_for_its_cleaning_up(channel: Told, recorder: Recorder) -> None:
    trial = Trialled(Request("r", {}), recorder)

    asked, _ = held(trial, channel[0])

    assert asked[-2:] == ["close", "open"]
    assert trial.has_written


def test_what_fails_in_a_turn_fails_at_its_own_step(channel: Told, recorder: Recorder) -> None:
    trial = Trialled(Request("r", {}), recorder)
    trial.statement = "broken"

    with pytest.raises(ConnectionResetError):
        held(trial, channel[0], Turn(1, "connect"), Turn(2, "transact"))

    assert recorder.running() == "insert"
    assert trial.notes == []


def test_a_step_is_noted_before_it_is_carried_out() -> None:
    noted: list[str] = []
    at_step: list[tuple[type[object], list[str]]] = []

    def carry_out(step: object) -> Rows:
        at_step.append((type(step), list(noted)))
        return Rows(())

    drive(noting(single(Execute("x")), noted.append), carry_out)

    assert at_step == [
        (Begin, ["begin"]),
        (Execute, ["begin", "insert"]),
        (Commit, ["begin", "insert", "commit"]),
    ]


def test_a_turn_is_read_as_it_is_written() -> None:
    assert parse(Turn(7, "connect").as_json()) == Turn(7, "connect")


@pytest.mark.parametrize("line", ["", "7", "{}", '{"turn": 0, "do": "connect"}', '{"turn": 1, "do": "else"}'])
def test_what_is_no_turn_is_refused(line: str) -> None:
    with pytest.raises(RequestError):
        parse(line)


def test_turns_stay_unread_behind_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(requests.RUN_VARIABLE, "r")
    asked = Request("r", {}, turns=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{asked.as_json()}\n{Turn(1, 'connect').as_json()}\n"))

    assert requests.receive() == asked
    assert sys.stdin.readline() == '{"turn": 1, "do": "connect"}\n'


def test_a_request_on_several_lines_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(requests.RUN_VARIABLE, "r")
    text = Request("r", {"DATABASE_URL": "postgresql://localhost/x"}).as_json().replace(", ", ",\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    assert requests.receive().run_id == "r"
