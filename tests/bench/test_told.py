"""What a bench says in words."""

from __future__ import annotations

from typing import Any, cast

import pytest

from repro.bench import told
from repro.bench.budget import Budget
from repro.bench.document import BenchDocument
from tests.bench.conftest import MakeDocument, MakeTimed

PACE = [1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.3] * 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0421, "0.042 ms"),
        (0.9994, "0.999 ms"),
        (0.9996, "1.00 ms"),
        (3.418, "3.42 ms"),
        (9.996, "10.0 ms"),
        (34.18, "34.2 ms"),
        (341.8, "342 ms"),
        (999.6, "1.00 s"),
        (3418, "3.42 s"),
    ],
)
def test_a_time_has_three_figures(value: float, text: str) -> None:
    assert told.milliseconds(value) == text


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ([], []),
        (["ab"], ["ab"]),
        (["ab", "bc", "ac"], ["abc"]),
        (["ab", "bc"], ["ab", "bc"]),
        (["ab", "bc", "ac", "cd", "bd"], ["abc", "bcd"]),
        (["ac"], []),
        (["cd", "ab"], ["ab", "cd"]),
    ],
)
def test_a_group_has_only_names_of_which_each_two_are_alike(pairs: list[str], groups: list[str]) -> None:
    document = cast("BenchDocument", {"alike": [{"probes": list(each)} for each in pairs]})

    assert told.groups(document, "abcd") == [list(each) for each in groups]


def test_noise_and_what_cannot_be_told_apart_are_said(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    document = make_document(
        make_timed("tcp.raw", PACE),
        make_timed("tcp.psycopg", PACE[1:] + PACE[:1]),
        make_timed("tcp.raw", [1.2 * each for each in PACE], control=True),
        commit=False,
    )

    noise, alike, tables = told.notes(document, "transaction")

    assert noise.startswith(
        "Noise: tcp.raw held against itself takes 1.20 (1.20 to 1.20) times as long; this"
    )
    assert alike == "Cannot be told apart: tcp.raw and tcp.psycopg."
    assert "--commit" in tables
    assert list(told.notes(document, "push")) == []


def test_a_missing_baseline_is_said(make_timed: MakeTimed, make_document: MakeDocument) -> None:
    notes = list(told.notes(make_document(make_timed("push.upstash-rest", PACE)), "push"))

    assert notes == ["push.redis-tcp was not timed, so there is nothing to hold the others against."]


def test_probes_stand_by_place_and_median(make_timed: MakeTimed, make_document: MakeDocument) -> None:
    document = make_document(
        make_timed("ws.neon", [3 * each for each in PACE]),
        make_timed("tcp.raw", PACE),
        make_timed("tcp.asyncpg", connects=[0.1]),
        make_timed("tcp.psycopg", status="skip"),
    )

    assert [each["name"] for each in told.by_time(document, "transaction")] == [
        "tcp.raw",
        "ws.neon",
        "tcp.asyncpg",
    ]


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Budget("ws.neon", 1.5, "ratio"), "exceeded: 2.00 (2.00 to 2.00), and the limit is 1.50"),
        (Budget("ws.neon", 2.5, "ratio"), "kept: 2.00 (2.00 to 2.00) of 2.50"),
        (
            Budget("ws.neon", 2000, "ms"),
            "too close to say: 2.00 s (1.80 s to 2.40 s), and the limit is 2.00 s",
        ),
        (Budget("tcp.psycopg", 2, "ratio"), "not measured: the limit is 2.00"),
    ],
)
def test_a_budget_is_told(
    make_timed: MakeTimed, make_document: MakeDocument, limit: Budget, text: str
) -> None:
    timed = (
        make_timed("tcp.raw", PACE),
        make_timed("ws.neon", [2 * each for each in PACE]),
        make_timed("tcp.psycopg", status="skip"),
    )

    (record,) = make_document(*timed, budgets=[limit])["budgets"]

    assert told.budget(record).startswith(text)


def test_how_it_was_measured_tells_the_rounds_that_were_done(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    document: Any = make_document(make_timed("tcp.raw", PACE), ended="deadline")
    document["method"]["transactions"] = {"asked": 100, "done": 21}

    text = told.method(document)

    assert text.startswith("10 connects and 21 of 100 repetitions of each on a warm connection")
    assert "seed 7" in text
    assert text.endswith("the deadline came first")


def test_what_goes_through_the_labs_gateways_is_said(
    make_timed: MakeTimed, make_document: MakeDocument
) -> None:
    timed = (make_timed("tcp.raw", PACE), make_timed("http.neon", PACE, transport="http"))

    in_the_lab, elsewhere = make_document(*timed), make_document(*timed, target={"kind": "env"})

    said = "Through the lab's own gateways, whose pace is no service's: http.neon."
    assert said in told.notes(in_the_lab, "transaction")
    assert said not in told.notes(elsewhere, "transaction")
