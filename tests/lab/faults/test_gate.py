"""What comes through a gate, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.fault import Action, Cut, Fault, Replace, Silence
from repro.lab.faults.gate import Charge, Gate
from repro.lab.faults.triggers import Bytes, Side
from tests.lab.faults.triggers.feeding import SIZES, pieces

HERE = b"<here>"
SIDES = pytest.mark.parametrize("side", ["client", "server"])


class Passed:
    """A stream that has gone through a gate."""

    def __init__(self, gate: Gate, side: Side, data: bytes, sizes: Sequence[int]) -> None:
        self.forward = b""
        self.happened = False
        for _, piece in pieces([(side, data)], sizes):
            forward, self.happened = gate.feed(side, piece)
            self.forward += forward
            if self.happened:
                return
        self.rest = gate.end(side)


def gate(side: Side, action: Action, charge: Charge | None = None) -> Gate:
    return Gate(Fault(lambda: Bytes(side, HERE), action), charge or Charge(1))


@SIDES
@pytest.mark.parametrize("action", [Cut(), Cut(reset=True), Cut(after=True), Replace(b"")])
@given(before=st.binary(max_size=50), after=st.binary(max_size=50), sizes=SIZES)
def test_all_that_comes_before_passes_and_nothing_after(
    side: Side, action: Action, before: bytes, after: bytes, sizes: Sequence[int]
) -> None:
    passed = Passed(gate(side, action), side, before + HERE + after, sizes)
    assert passed.happened
    assert passed.forward == (before + HERE if action == Cut(after=True) else before)


@SIDES
@given(before=st.binary(max_size=50), after=st.binary(max_size=50), sizes=SIZES)
def test_silence_begins_at_the_thing_and_has_no_end(
    side: Side, before: bytes, after: bytes, sizes: Sequence[int]
) -> None:
    charge = Charge(None)
    silenced = gate(side, Silence(), charge)
    passed = Passed(silenced, side, before + HERE + after + HERE, sizes)
    assert (passed.happened, passed.forward, passed.rest, charge.taken) == (False, before, None, 1)
    other: Side = "server" if side == "client" else "client"
    there = Passed(silenced, other, before + HERE + after, sizes)
    assert (there.forward, there.rest) == (before + HERE + after, b"")


@SIDES
@pytest.mark.parametrize("action", [Cut(), Cut(after=True), Replace(b""), Silence()])
@given(data=st.lists(st.sampled_from([HERE, b"<", b"<he", b"x"])).map(b"".join), sizes=SIZES)
def test_what_may_not_happen_does_not_and_all_passes(
    side: Side, action: Action, data: bytes, sizes: Sequence[int]
) -> None:
    passed = Passed(gate(side, action, Charge(0)), side, data, sizes)
    assert passed.rest is not None
    assert (passed.happened, passed.forward + passed.rest) == (False, data)


def test_a_charge_is_shared_and_can_be_set_anew() -> None:
    charge = Charge(2)
    assert [charge.take() for _ in range(3)] == [True, True, False]
    charge.set(None)
    assert all(charge.take() for _ in range(10))
    charge.set(0)
    assert (charge.take(), charge.taken) == (False, 12)
