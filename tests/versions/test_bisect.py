"""The search, against one that asks everything; and the order of versions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.versions.bisect import Answer, EndIsWrong, search
from repro.versions.releases import in_order, in_semver_order


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Answer], int]:
    """Versions that turn once, some of them saying nothing; and where they turn."""
    count = draw(st.integers(2, 60))
    turn = draw(st.integers(1, count - 1))
    known: list[Answer] = ["old" if number < turn else "new" for number in range(count)]
    silent = draw(st.sets(st.integers(1, count - 2))) if count > 2 else set()
    return ["unknown" if number in silent else each for number, each in enumerate(known)], turn


@given(histories())
def test_the_smallest_range_that_is_known(history: tuple[list[Answer], int]) -> None:
    answers, turn = history
    asked: list[int] = []

    def ask(number: int) -> Answer:
        asked.append(number)
        return answers[number]

    found = search(len(answers), ask)

    last_old = max(number for number in range(turn) if answers[number] == "old")
    first_new = min(number for number in range(turn, len(answers)) if answers[number] == "new")
    assert (found.last_old, found.first_new) == (last_old, first_new)
    assert found.is_exact == (first_new - last_old == 1)
    assert len(asked) == len(set(asked)) == found.trials


@given(st.integers(2, 500).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count - 1))))
def test_few_are_asked_where_all_answer(sizes: tuple[int, int]) -> None:
    count, turn = sizes
    found = search(count, lambda number: "old" if number < turn else "new")
    assert found.first_new == turn
    assert found.trials <= 2 + math.ceil(math.log2(count))


@pytest.mark.parametrize(
    ("answers", "end"),
    [(["new", "new"], "older"), (["old", "old"], "newer"), (["unknown", "new"], "older")],
)
def test_an_end_that_is_not_what_it_should_be(answers: list[Answer], end: str) -> None:
    with pytest.raises(EndIsWrong, match=end):
        search(len(answers), lambda number: answers[number])


def test_the_order_of_pythons_versions() -> None:
    assert in_order(["3.10", "3.9.1", "3.10rc1", "nonsense", "3.9"]) == ["3.9", "3.9.1", "3.10rc1", "3.10"]


@pytest.mark.parametrize(
    ("pre", "expected"),
    [
        (False, ["0.9.0", "0.10.0", "1.0.0"]),
        (True, ["0.9.0", "0.10.0", "1.0.0-beta.2", "1.0.0-rc.1", "1.0.0-rc.2", "1.0.0-rc.10-abc", "1.0.0"]),
    ],
)
def test_the_order_of_nodes_versions(expected: list[str], *, pre: bool) -> None:
    listed = ["1.0.0", "0.10.0", "1.0.0-rc.10-abc", "1.0.0-rc.2", "1.0.0-rc.1", "0.9.0", "1.0.0-beta.2", "x"]
    assert in_semver_order(listed, pre=pre) == expected
