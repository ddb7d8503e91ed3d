"""What is kept of a long trace."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, cast

import pytest

from repro.document import RunDocument
from repro.document.excerpt import LEAST_LINES, MOST_LINES, Line, excerpt, excerpts, missing, places


def line(seq: int, **fields: Any) -> Line:
    return {"seq": seq, "op": "pg.msg", "failure": None, "peer": None, **fields}


def lines(count: int, changes: dict[int, dict[str, Any]] | None = None) -> Iterator[Line]:
    return (line(seq, **(changes or {}).get(seq, {})) for seq in range(count))


def seqs(found: Any) -> list[int]:
    return [each["seq"] for each in found]


def test_a_short_trace_is_whole() -> None:
    found = excerpt(lines(50), (), 100)

    assert seqs(found) == list(range(50))
    assert (missing(found), list(places(found))) == (0, list(range(50)))


def test_a_long_one_has_its_begin_its_end_and_some_of_everything_between() -> None:
    found = excerpt(lines(100_000), (), 100)

    assert seqs(found)[:25] == list(range(25))
    assert seqs(found)[-25:] == list(range(99_975, 100_000))
    assert max(b - a for a, b in itertools.pairwise(seqs(found))) <= 100_000 // 12
    assert len(found) <= 100
    assert missing(found) == 100_000 - len(found)
    assert list(places(found)) == seqs(found)


@pytest.mark.parametrize(
    "fields",
    [
        {"failure": "eof"},
        {"op": "note"},
        {"op": "connect", "peer": {"address": "127.0.0.1", "port": 443}},
    ],
)
def test_what_says_most_is_kept_wherever_it_is(fields: dict[str, Any]) -> None:
    assert 54_321 in seqs(excerpt(lines(100_000, {54_321: fields}), (), 100))


def test_evidence_is_kept() -> None:
    assert 54_321 in seqs(excerpt(lines(100_000), {54_321, None}, 100))


def test_of_very_many_failures_the_first_and_the_last_are_kept() -> None:
    found = excerpt((line(seq, failure="eof", op="connect", peer=seq) for seq in range(100_000)), (), 120)

    assert len(found) < 1_200
    assert {0, 9, 99_999} <= set(seqs(found))


def test_the_last_attempt_for_each_address_is_kept() -> None:
    tried = [line(seq, op="connect", peer={"address": "::1", "port": seq % 3}) for seq in range(10_000)]

    assert {9_997, 9_998, 9_999} <= set(seqs(excerpt(tried, (), 100)))


def test_all_traces_of_a_run_share_the_room() -> None:
    document = cast("RunDocument", {"findings": [{"evidence": [{"probe": "p7", "seq": 999, "text": ""}]}]})

    found = excerpts({f"p{number}": lines(2_000) for number in range(100)}, document)

    assert sum(map(len, found.values())) <= max(MOST_LINES, 101 * LEAST_LINES)
    assert [name for name, kept in found.items() if 999 in seqs(kept)] == ["p7"]
