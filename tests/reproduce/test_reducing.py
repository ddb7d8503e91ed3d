"""ddmin: what it leaves is interesting, and nothing more can be left out of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.reproduce.reducing import NotInteresting, Reduction


def everything(_part: int) -> bool:
    return True


def counting(judge: Callable[[tuple[int, ...]], bool], asked: list[tuple[int, ...]]) -> Callable[..., bool]:
    def ask(tried: tuple[int, ...]) -> bool:
        asked.append(tried)
        return judge(tried)

    return ask


@given(st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
def test_exactly_what_is_needed_is_left_in_order_and_each_input_is_asked_once(
    given_: tuple[int, set[int]],
) -> None:
    size, needed = given_
    asked: list[tuple[int, ...]] = []
    reduction = Reduction(range(size), counting(lambda tried: needed <= set(tried), asked))

    reduction.check()
    reduction.run([everything])

    assert reduction.best == tuple(sorted(needed))
    assert len(asked) == len(set(asked)) == reduction.trials


@given(st.sets(st.frozensets(st.integers(0, 7), min_size=1), min_size=1, max_size=4))
def test_no_single_part_can_be_left_out_of_what_remains(enough: set[frozenset[int]]) -> None:
    """Interesting is what holds one of several sets and an even number of parts more: no monotone matter."""

    def judge(tried: tuple[int, ...]) -> bool:
        return any(each <= set(tried) and (len(tried) - len(each)) % 2 == 0 for each in enough)

    whole = tuple(range(8))
    if not judge(whole):
        return
    reduction = Reduction(whole, judge)
    reduction.check()
    reduction.run([everything])

    assert judge(reduction.best)
    for part in reduction.best:
        assert not judge(tuple(each for each in reduction.best if each != part))


def test_kinds_are_left_out_in_their_order_and_again_where_another_made_room() -> None:
    # 1 needs 12: it can only be left out once the other kind is reduced
    def judge(tried: tuple[int, ...]) -> bool:
        return 11 in tried and (1 in tried or 12 not in tried)

    reduction = Reduction((1, 2, 11, 12), judge)
    reduction.run([lambda part: part < 10, lambda part: part >= 10])

    assert reduction.best == (11,)


def test_a_whole_that_does_not_do_it_is_refused() -> None:
    with pytest.raises(NotInteresting):
        Reduction((1, 2), lambda _tried: False).check()


def test_the_best_so_far_is_there_when_it_is_ended_early() -> None:
    left = iter(range(4))

    def judge(tried: tuple[int, ...]) -> bool:
        if next(left, None) is None:
            raise TimeoutError
        return 1 in tried

    reduction = Reduction(range(16), judge)
    reduction.check()
    with pytest.raises(TimeoutError):
        reduction.run([everything])

    assert 1 in reduction.best
    assert len(reduction.best) < 16


def test_something_smaller_is_taken_only_if_it_does_it() -> None:
    reduction = Reduction((1, 2, 3), lambda tried: 9 in tried or 1 in tried)

    assert not reduction.offer([8])
    assert reduction.offer([9])
    assert reduction.best == (9,)
