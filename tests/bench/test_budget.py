"""What a driver may take."""

from __future__ import annotations

import pytest

from repro.bench.budget import BadBudget, Budget, judge, parse


@pytest.mark.parametrize(
    ("text", "budgets"),
    [
        ("tcp.asyncpg=1.5", [Budget("tcp.asyncpg", 1.5, "ratio")]),
        ("tcp.*=2x", [Budget("tcp.*", 2, "ratio")]),
        ("tcp.raw=20ms", [Budget("tcp.raw", 20, "ms")]),
        ("ws.neon=0.5s", [Budget("ws.neon", 500, "ms")]),
        ("a=1, b=2ms", [Budget("a", 1, "ratio"), Budget("b", 2, "ms")]),
    ],
)
def test_a_budget_is_a_ratio_or_a_time(text: str, budgets: list[Budget]) -> None:
    assert parse(text) == budgets


@pytest.mark.parametrize(
    "text", ["", ",", "tcp.asyncpg", "=2", "a=", "a=0", "a=-1", "a=nan", "a=1h", "a=1e9", "a=2;b"]
)
def test_anything_else_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(BadBudget, match=r"give NAME=LIMIT, such as"):
        parse(text)


@pytest.mark.parametrize(
    ("found", "interval", "verdict"),
    [
        (1.2, (1.1, 1.3), "kept"),
        (1.4, (1.3, 1.5), "kept"),
        (1.45, (1.3, 1.6), "unclear"),
        (1.55, (1.5, 1.6), "unclear"),
        (1.9, (1.8, 2.0), "exceeded"),
        (1.6, None, "exceeded"),
        (1.5, None, "kept"),
        (None, None, "not_measured"),
    ],
)
def test_it_is_exceeded_only_where_that_is_sure(
    found: float | None, interval: tuple[float, float] | None, verdict: str
) -> None:
    assert judge(1.5, found, interval) == verdict
