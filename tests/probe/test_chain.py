"""The whole chain of an error, outermost first."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.probe.chain import MAX_LINKS, MAX_MESSAGE, code_of, link_of, links, walk


def caused(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


def test_wrappers_are_walked_to_the_refused_connection() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    error = caused(RuntimeError("Failed query: begin"), caused(ValueError("fetch failed"), refused))

    assert [link["type"] for link in links(error)] == ["RuntimeError", "ValueError", "ConnectionRefusedError"]
    assert links(error)[-1]["code"] == "ECONNREFUSED"


@pytest.mark.parametrize("suppressed", [False, True])
def test_the_context_counts_even_where_it_is_suppressed(suppressed: bool) -> None:
    error = RuntimeError("second")
    error.__context__ = ValueError("first")
    error.__suppress_context__ = suppressed

    assert [link["message"] for link in links(error)] == ["second", "first"]


def test_members_of_a_group_follow_it() -> None:
    group = ExceptionGroup(
        "all attempts", [OSError(errno.ECONNREFUSED, "a"), OSError(errno.ENETUNREACH, "b")]
    )

    assert [link["code"] for link in links(group)] == [None, "ECONNREFUSED", "ENETUNREACH"]


def test_a_cycle_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    assert len(links(first)) == 2


@given(st.integers(1, 200))
def test_a_chain_without_end_is_cut(length: int) -> None:
    error: BaseException = ValueError("last")
    for index in range(length):
        error = caused(ValueError(str(index)), error)

    assert len(list(walk(error))) == min(length + 1, MAX_LINKS)


def test_a_sqlstate_is_the_code() -> None:
    class ServerError(Exception):
        sqlstate = "23505"

    assert code_of(ServerError()) == "23505"


def test_an_error_that_cannot_be_printed_is_reported_all_the_same() -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError

    assert link_of(Mute())["message"] == ""


def test_a_long_message_is_cut() -> None:
    assert len(link_of(ValueError("x" * 100_000))["message"]) < 3000


def test_a_secret_on_the_cut_leaves_no_half() -> None:
    secret = "correct-horse-battery"
    error = ValueError("x" * (MAX_MESSAGE - 5) + secret)

    assert "corre" not in link_of(error, lambda text: text.replace(secret, "[redacted]"))["message"]
