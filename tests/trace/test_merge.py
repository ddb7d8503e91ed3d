"""What two sources saw of one attempt becomes one line, and what one saw alone is said to be so."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.events import Event, Peer
from repro.trace import merge
from repro.trace.kernel.attempts import ABANDONED
from repro.trace.merge import merged

HERE = Peer("127.0.0.1", 5432)


def line(src: str, t0: float, t: float, *, pid: int = 1, peer: Peer = HERE, **more: Any) -> dict[str, Any]:
    event = Event("connect", t0, t, src=src, peer=peer, failure=more.pop("failure", None), fields=more)
    return {**event.as_json(seq=more.pop("seq", 1), pid=pid, origin=0.0), "conn": more.get("conn")}


def test_the_kernel_s_times_and_result_and_the_hook_s_names() -> None:
    (one,) = merged(
        [line("hook", 1.0, 1.5, via="libpq", host="localhost", conn=3, failure="unknown_failure: x")],
        [line("kernel", 1.01, 1.02, failure="connection_refused")],
    )
    assert (one["t0"], one["t"], one["failure"]) == (1.01, 1.02, "connection_refused")
    assert (one["src"], one["seen_by"], one["host"], one["conn"]) == (
        "kernel", ["kernel", "hook"], "localhost", 3,
    )  # fmt: skip


def test_a_connect_that_no_hook_claims_is_shown_as_such() -> None:
    other = line("kernel", 1.0, 1.1, peer=Peer("10.0.0.1", 443))
    (own, alone) = merged([line("hook", 1.0, 1.05)], [line("kernel", 1.0, 1.05), other])
    assert "claimed" not in own
    assert (alone["claimed"], alone["peer"]["address"]) == (False, "10.0.0.1")


def test_a_hook_that_the_kernel_does_not_confirm_is_shown_as_such() -> None:
    lines = merged([line("hook", 1.0, 1.1), line("hook", 5.0, 5.1)], [line("kernel", 1.0, 1.1)])
    assert ["confirmed" in each for each in lines] == [False, True]
    assert merged([line("hook", 1.0, 1.1)], [])[0].get("confirmed") is None, "nobody was looking"


def test_another_process_another_port_and_another_time_are_other_attempts() -> None:
    hook = line("hook", 1.0, 1.1)
    for other in (
        line("kernel", 1.0, 1.1, pid=2),
        line("kernel", 1.0, 1.1, peer=Peer("127.0.0.1", 5433)),
        line("kernel", 2.0, 2.1),
    ):
        assert len(merged([hook], [other])) == 2


def test_a_timeout_that_only_the_hook_knows_of_stays() -> None:
    (one,) = merged(
        [line("hook", 1.0, 3.0, failure="timeout")], [line("kernel", 1.0, 3.01, failure=ABANDONED)]
    )
    assert one["failure"] == "timeout"


def test_libpq_may_dial_twice_in_one_attempt() -> None:
    (one,) = merged(
        [line("hook", 1.0, 2.0, via="libpq")], [line("kernel", 1.0, 1.1), line("kernel", 1.5, 1.6)]
    )
    assert (one["connects"], one["t0"], one["t"]) == (2, 1.0, 1.6)


def test_mapped_scoped_and_wildcard_addresses_are_the_same() -> None:
    for dialled, seen in (
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("fe80::1%2", "fe80::1"),
        ("127.0.0.1", "0.0.0.0"),
    ):
        hook = line("hook", 1.0, 1.1, peer=Peer(dialled, 1))
        assert len(merged([hook], [line("kernel", 1.0, 1.1, peer=Peer(seen, 1))])) == 1


TIMES = st.floats(0, 10, allow_nan=False)
LINES = st.lists(st.tuples(TIMES, st.floats(0, 1), st.integers(1, 3), st.integers(1, 3)), max_size=8)


@given(LINES, LINES)
def test_nothing_is_lost_and_nothing_is_counted_twice(hooks: list[Any], kernel: list[Any]) -> None:
    ours = [line("hook", t0, t0 + d, pid=pid, peer=Peer("::1", port)) for t0, d, pid, port in hooks]
    theirs = [line("kernel", t0, t0 + d, pid=pid, peer=Peer("::1", port)) for t0, d, pid, port in kernel]
    lines = merged(ours, theirs)
    joined = [each for each in lines if "seen_by" in each]
    alone = [each for each in lines if each.get("claimed") is False]
    assert len(lines) == len(ours) + len(alone)
    assert len(joined) + len(alone) == len(theirs)
    assert [each["seq"] for each in lines] == list(range(1, len(lines) + 1))
    assert all(each["t0"] <= each["t"] for each in lines)


def test_behind_a_tap_is_the_real_server_and_its_messages_are_told_once() -> None:
    tap = Peer("127.0.0.1", 40001)
    connect = {**line("kernel", 1.0, 1.1, observer="tap", tap=str(tap)), "conn": 1}
    hook = line("hook", 1.0, 1.2, peer=tap, conn=7)
    said = {**line("hook", 1.3, 1.3, peer=tap, conn=7), "op": "pg.msg", "sender": "client"}
    tapped = [
        {**line("tap", 1.3, 1.3), "conn": number, "op": "pg.msg", "sender": "client"} for number in (1, 2)
    ]
    lines = merged([hook, said], [connect, *tapped])
    assert [(each["op"], each["src"], each["conn"]) for each in lines] == [
        ("connect", "kernel", 7), ("pg.msg", "hook", 7), ("pg.msg", "tap", 9),
    ]  # fmt: skip
    assert {each["peer"]["port"] for each in lines} == {HERE.port}


def test_two_attempts_to_one_address_are_told_apart_by_their_beginnings() -> None:
    hooks = [line("hook", 1.00, 1.09, conn=2), line("hook", 1.10, 1.12, conn=3)]
    seen = [line("kernel", 1.01, 1.02, conn=7), line("kernel", 1.11, 1.12, conn=8)]
    assert {each["conn"]: each["t0"] for each in merged(hooks, seen)} == {2: 1.01, 3: 1.11}


def test_a_busy_machine_tells_late() -> None:
    (one,) = merged([line("preload", 1.0, 1.001, conn=1)], [line("kernel", 1.2, 1.201)])
    assert one["seen_by"] == ["kernel", "preload"]


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 5), st.sampled_from([5432, 5433])),
        max_size=8,
        unique=True,
    ),
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([5432, 5433])), max_size=8, unique=True),
)
def test_each_attempt_is_claimed_by_the_nearest_of_those_that_may_be_it(
    hooks: list[tuple[int, int, int]], kernel: list[tuple[int, int]]
) -> None:
    """As one would choose who looks at all of them: the shortest of the hooks' first."""
    seen = [line("hook", t / 8, (t + long) / 8, peer=Peer("::1", port)) for t, long, port in hooks]
    left = sorted((t / 8, port) for t, port in kernel)
    claimed = []
    for each in sorted(seen, key=lambda each: each["t"] - each["t0"]):
        t0, t, port = each["t0"], each["t"], each["peer"]["port"]
        fitting = [one for one in left if t0 - 0.25 <= one[0] <= t + 0.25 and one[1] == port]
        if fitting:
            claimed.append(min(fitting, key=lambda one: abs(one[0] - t0)))
            left.remove(claimed[-1])

    lines = merged(seen, [line("kernel", t / 8, t / 8, peer=Peer("::1", port)) for t, port in kernel])

    both = [(each["t0"], each["peer"]["port"]) for each in lines if each.get("seen_by")]
    alone = [(each["t0"], each["peer"]["port"]) for each in lines if each.get("claimed") is False]
    assert sorted(both) == sorted(claimed)
    assert sorted(alone) == sorted(left)


def test_a_driver_that_dials_without_end_is_merged_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Counter[str]()
    is_of = merge._is_of

    def counting(*both: Any) -> bool:
        asked["times"] += 1
        return is_of(*both)

    monkeypatch.setattr(merge, "_is_of", counting)
    times = [number / 1_000 for number in range(5_000)]

    lines = merged(
        [line("hook", t, t + 0.0005) for t in times], [line("kernel", t + 0.0001, t + 0.0004) for t in times]
    )

    assert len(lines) == 5_000
    assert all(each["seen_by"] for each in lines)
    assert asked["times"] <= 2 * 5_000


def test_of_views_that_are_not_whole_nothing_is_said_to_have_been_seen_by_one_only() -> None:
    hooks = [line("hook", 1.0, 1.1), line("hook", 5.0, 5.1)]
    kernel = [line("kernel", 1.0, 1.1), line("kernel", 9.0, 9.1)]

    lines = merged(hooks, kernel, whole=False)

    assert len(lines) == 3
    assert not [each for each in lines if "claimed" in each or "confirmed" in each]
