"""What the times of all say of each."""

from __future__ import annotations

from typing import Any

import pytest

from repro.bench.budget import Budget
from tests.bench.conftest import MakeDocument, MakeTimed

PACE = [1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.3, 1.0, 0.95, 1.05] * 3
"""Seconds of thirty rounds: the machine is not steady."""

SLOWER = [2 * each for each in PACE]
LIKE_IT = [each * (1.04 if number % 2 else 0.96) for number, each in enumerate(PACE)]


def by_name(document: Any) -> dict[str, Any]:
    return {each["name"]: each for each in document["probes"]}


def test_a_probe_has_its_median_its_interval_and_its_slow_times(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    times = [number / 1000 for number in range(1, 101)]

    (found,) = make_document(make_timed("tcp.raw", times, connects=[0.01, 0.03, 0.02]))["probes"]

    effect, connect = found["effect"], found["connect"]
    assert effect is not None
    assert (effect["count"], effect["median_ms"], effect["p95_ms"]) == (100, 50.5, 95)
    assert effect["interval_ms"] == [40, 61]
    assert effect["samples_ms"][:2] == [1, 2]
    assert connect is not None
    assert (connect["median_ms"], connect["interval_ms"], connect["p95_ms"]) == (20, None, None)


def test_the_others_are_held_against_the_baseline_of_their_work(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    found = by_name(
        make_document(
            make_timed("tcp.raw", PACE),
            make_timed("tcp.asyncpg", SLOWER),
            make_timed("push.redis-tcp", [each / 10 for each in PACE]),
            make_timed("push.upstash-rest", [each / 2 for each in PACE]),
        )
    )

    assert found["tcp.asyncpg"]["ratio"] == {"value": 2.0, "interval": [2.0, 2.0], "rounds": 30}
    assert found["push.upstash-rest"]["ratio"]["value"] == 5.0
    assert [found[name]["place"] for name in ("tcp.raw", "tcp.asyncpg", "push.redis-tcp")] == [1, 2, 1]
    assert [name for name, each in found.items() if each["baseline"]] == ["tcp.raw", "push.redis-tcp"]


def test_those_that_cannot_be_told_apart_share_a_place_and_are_named(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    document = make_document(
        make_timed("tcp.raw", PACE),
        make_timed("tcp.psycopg", LIKE_IT),
        make_timed("ws.neon", SLOWER),
    )

    places = {each["name"]: each["place"] for each in document["probes"]}
    assert places == {"tcp.raw": 1, "tcp.psycopg": 1, "ws.neon": 3}
    assert [set(each["probes"]) for each in document["alike"]] == [{"tcp.raw", "tcp.psycopg"}]


def test_what_the_baseline_differs_from_itself_is_no_difference(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    little = [1.05 * each for each in PACE]
    twin = make_timed("tcp.raw", [1.08 * each for each in PACE], control=True)
    rivals = (make_timed("tcp.raw", PACE), make_timed("tcp.psycopg", little))

    alone, held = make_document(*rivals), make_document(*rivals, twin)

    assert by_name(alone)["tcp.psycopg"]["place"] == 2
    assert by_name(held)["tcp.psycopg"]["place"] == 1
    assert held["controls"][0]["ratio"] == {"value": 1.08, "interval": [1.08, 1.08], "rounds": 30}
    assert [each["name"] for each in held["probes"]] == ["tcp.raw", "tcp.psycopg"]


def test_without_its_baseline_a_probe_has_times_and_no_ratio(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    failed = make_timed("tcp.raw", status="crash", reason="the process was ended by SIGSEGV")

    found = by_name(make_document(failed, make_timed("tcp.asyncpg", PACE)))

    assert found["tcp.asyncpg"]["ratio"] is None
    assert found["tcp.asyncpg"]["place"] == 1
    assert found["tcp.raw"]["place"] is None


@pytest.mark.parametrize(("status", "operation"), [("fail", "commit"), ("timeout", None)])
def test_where_it_failed_is_told_only_where_the_probe_says_it(
    make_timed: MakeTimed, make_document: MakeDocument, status: str, operation: str | None
) -> None:
    error = {
        "failure": "connection_reset",
        "operation": "commit",
        "message": "wrapped",
        "chain": [{"message": "wrapped"}, {"message": "reset by peer"}],
    }
    failed = make_timed("tcp.raw", PACE[:3], status=status, error=error, failed_at="transact")

    (found,) = make_document(failed)["probes"]

    assert found["error"] == {
        "during": "transact",
        "operation": operation,
        "failure": "connection_reset",
        "message": "reset by peer",
    }
    assert found["effect"] is not None
    assert found["effect"]["count"] == 3


def test_budgets_are_judged_by_ratio_and_by_time(make_timed: MakeTimed, make_document: MakeDocument) -> None:
    document = make_document(
        make_timed("tcp.raw", PACE),
        make_timed("tcp.asyncpg", SLOWER),
        make_timed("tcp.psycopg", LIKE_IT),
        make_timed("ws.neon", status="skip", reason="no"),
        budgets=[
            Budget("tcp.*", 1.5, "ratio"),
            Budget("tcp.raw", 5000, "ms"),
            Budget("tcp.psycopg", 1.0, "ratio"),
            Budget("ws.neon", 9, "ratio"),
        ],
    )

    assert [(each["probe"], each["unit"], each["verdict"]) for each in document["budgets"]] == [
        ("tcp.asyncpg", "ratio", "exceeded"),
        ("tcp.psycopg", "ratio", "kept"),
        ("tcp.raw", "ms", "kept"),
        ("tcp.psycopg", "ratio", "unclear"),
        ("ws.neon", "ratio", "not_measured"),
    ]
