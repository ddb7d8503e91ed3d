from __future__ import annotations

from typing import Any

from repro.report.matrix import render, tally


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_probe_against_every_stage_that_one_of_them_has(origin: Any) -> None:
    head, rule, *body = rows(render(origin.document["probes"]))

    assert head[:5] == ["probe", "result", "time", "resolve", "connect"]
    assert "upgrade" in head
    assert {len(row) for row in (head, rule, *body)} == {len(head)}
    assert [row[0] for row in body] == [f"`{probe['name']}`" for probe in origin.document["probes"]]


def test_a_failing_probe_shows_where(origin: Any) -> None:
    head, _, *body = rows(render(origin.document["probes"]))
    (row,) = [row for row in body if row[0] == "`ws.neon`"]
    marks = dict(zip(head, row, strict=True))

    assert marks["result"] == "**failed**"
    assert (marks["resolve"], marks["connect"], marks["tls"], marks["push"]) == ("✓", "**✗**", "·", "")


def test_stages_that_nobody_has_are_left_out(mishaps: Any) -> None:
    head, *_ = rows(render(mishaps.document["probes"]))

    assert "upgrade" not in head


def test_every_end_has_a_word(mishaps: Any) -> None:
    _, _, *body = rows(render(mishaps.document["probes"]))

    assert [row[1] for row in body] == [
        "passed", "**timed out**", "**crashed**", "**failed**", "passed", "skipped", "skipped",
    ]  # fmt: skip
    assert body[-1][2] == ""


def test_the_counts_in_words(mishaps: Any, healthy: Any) -> None:
    assert tally(mishaps.document["probes"]) == "2 passed, 3 failed, 2 skipped"
    assert tally(healthy.document["probes"]) == "7 passed"
    assert tally([]) == "none ran"
