"""Drivers timed in the lab, a few rounds of each."""

from __future__ import annotations

import time
from dataclasses import replace

import psycopg
import pytest

from repro.bench.lineup import Member, members
from repro.bench.measure import Design, Phase, measure
from repro.lab.process import Lab
from repro.observe.catalog import DATABASE, Entry, matching
from repro.observe.process import SETTINGS
from repro.observe.turns import NO_TURNS
from repro.probe.request import Request


@pytest.fixture
def design(lab: Lab) -> Design:
    """Three rounds of what has no driver, and of the push over Redis TCP."""
    variables = {name: value for name, value in lab.environment.items() if name in SETTINGS}
    others = {name: value for name, value in lab.environment.items() if name not in SETTINGS}
    return Design(
        members=members(matching(["tcp.raw", "push.redis-tcp"]), variables),
        request=Request("20260131-235959-bench0", variables, others, commit=True),
        began=time.monotonic(),
        deadline_s=60,
        transactions=3,
        connects=2,
        warm_up=1,
        seed=7,
    )


def test_each_driver_and_each_control_is_timed_in_every_round(design: Design, lab: Lab) -> None:
    told: list[tuple[Phase, int, int]] = []

    seen = measure(design, lambda phase, done, of, _left_s: told.append((phase, done, of)))

    names = [each.member.name for each in seen.timed]
    assert sorted(names) == ["push.redis-tcp", "push.redis-tcp again", "tcp.raw", "tcp.raw again"]
    for each in seen.timed:
        assert each.outcome["status"] == "pass", each.outcome
        assert list(each.connects) == [0, 1]
        assert list(each.transactions) == [0, 1, 2]
        assert all(took_s > 0 for took_s in (*each.connects.values(), *each.transactions.values()))
    assert (seen.ended, seen.connects, seen.transactions) == ("whole", 2, 3)
    assert told[0] == ("starting", 0, 4)
    assert [each for each in told if each[0] != "starting"] == [
        *(("connecting", 1, 2), ("connecting", 2, 2)),
        *(("warming up", 1, 1),),
        *(("measuring", 1, 3), ("measuring", 2, 3), ("measuring", 3, 3)),
    ]
    with psycopg.connect(lab.environment["DATABASE_URL"]) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'txrepro%bench0%'")
        assert left.fetchall() == []


def test_what_cannot_be_timed_says_why_and_the_others_are(design: Design) -> None:
    stranger = Member(Entry("go.pgx", "", DATABASE, ("no-such-program",), takes_turns=False))
    unset = {name: value for name, value in design.request.variables.items() if name != "UPSTASH_REDIS_URL"}
    request = replace(design.request, variables=unset)

    seen = measure(replace(design, members=[*design.members, stranger], request=request), lambda *_told: None)

    found = {each.member.name: each for each in seen.timed}
    assert found["go.pgx"].outcome["reason"] == NO_TURNS
    assert found["push.redis-tcp"].outcome["reason"] == "UPSTASH_REDIS_URL is not set"
    assert len(found["tcp.raw"].transactions) == 3


def test_a_deadline_that_has_passed_times_nothing_and_blames_nobody(design: Design) -> None:
    seen = measure(replace(design, began=time.monotonic() - 120), lambda *_told: None)

    assert {each.outcome["status"] for each in seen.timed} == {"skip"}
    assert "the deadline of 60 s passed before its turn" in str(seen.timed[0].outcome["reason"])
    assert not any(each.transactions for each in seen.timed)


def test_controls_are_beside_those_that_were_asked_for() -> None:
    variables = {"DATABASE_URL": "x"}

    found = members(matching(["ws.neon", "push.*"]), variables)

    assert [each.name for each in found] == [
        "tcp.raw",
        *("ws.neon", "push.redis-tcp", "push.upstash-rest"),
        "tcp.raw again",
    ]
    assert [each.is_baseline for each in found] == [True, False, True, False, False]
