from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.triggers import AnswerTo, Bytes, Mark
from tests.lab.faults.triggers.feeding import SIZES, Spoken, marks, span


@given(st.binary(max_size=30), SIZES)
def test_bytes_are_found_however_they_are_cut(before: bytes, sizes: Sequence[int]) -> None:
    before = before.replace(b"!", b"?") + b"ab"
    said: list[Spoken] = [("client", b"abab!"), ("server", before + b"abab!" + b"abab!" + b"aba")]
    found = marks(Bytes("server", b"abab!"), said, sizes)
    assert found == [*span(len(before), 5), *span(len(before) + 5, 5)]


def test_what_may_be_its_beginning_is_not_decided() -> None:
    trigger = Bytes("client", b"abab!")
    assert trigger.feed("client", b"xxaba") == []
    assert trigger.decided == 2
    assert trigger.feed("client", b"x") == []
    assert trigger.decided == 6


@given(SIZES)
def test_an_answer_is_the_one_to_its_request(sizes: Sequence[int]) -> None:
    said: list[Spoken] = [
        ("client", b"AUTH"),
        ("server", b"+OK"),
        ("client", b"the EVAL of a script"),
        ("server", b":3"),
        ("client", b"GET"),
        ("server", b"+more"),
        ("client", b"EVAL"),
        ("server", b":4"),
    ]
    assert marks(AnswerTo(b"EVAL"), said, sizes) == [Mark("begins", 3), Mark("begins", 10)]


def test_two_requests_do_not_make_one() -> None:
    said: list[Spoken] = [("client", b"EV"), ("server", b"+OK"), ("client", b"AL"), ("server", b"+OK")]
    assert marks(AnswerTo(b"EVAL"), said) == []


def test_there_must_be_something_to_look_for() -> None:
    for make in (lambda: Bytes("client", b""), lambda: AnswerTo(b"")):
        with pytest.raises(ValueError, match="none"):
            make()
