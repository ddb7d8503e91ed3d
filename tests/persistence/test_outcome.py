"""What an error says of what took effect, and in which words."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from repro.persistence.carrier import DATABASE, Server
from repro.persistence.errors import NotApplied, OutcomeUnknown, PersistenceError, Unreachable
from repro.persistence.outcome import judged, not_connected, refusal, translated
from repro.persistence.queue import Command
from repro.persistence.steps import Begin, Commit, Execute


class Carrier:
    """One that dials with a step, as HTTP does."""

    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = (ConnectionRefusedError, ConnectionAbortedError)
    not_reached: tuple[type[BaseException], ...] = (ConnectionRefusedError,)


PUSH = Command(("EVAL",))


class ServerError(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("secret words of the server")
        self.sqlstate = sqlstate


class WrapperError(Exception):
    """As SQLAlchemy's, with the driver's error below."""


def wrapped(error: Exception) -> Exception:
    wrapper = WrapperError("wrapped")
    wrapper.__cause__ = error
    return wrapper


@pytest.mark.parametrize(
    ("at", "error", "told"),
    [
        (Begin(), EOFError(), NotApplied),
        (Execute(""), EOFError(), NotApplied),
        (Execute(""), ServerError("23505"), NotApplied),
        (Commit(), EOFError(), OutcomeUnknown),
        (Commit(), TimeoutError(), OutcomeUnknown),
        (Commit(), ServerError(None), OutcomeUnknown),
        (Commit(), ServerError("40001"), NotApplied),
        (Commit(), wrapped(ServerError("40001")), NotApplied),
        (Commit(), wrapped(ServerError("08006")), OutcomeUnknown),
        (Commit(), ServerError("40003"), OutcomeUnknown),
        (Commit(), ServerError("57P01"), OutcomeUnknown),
        (Commit(), ServerError("XX000"), OutcomeUnknown),
        (Commit(), ConnectionRefusedError(), Unreachable),
        (PUSH, ConnectionRefusedError(), Unreachable),
        (PUSH, ConnectionAbortedError(), NotApplied),
        (PUSH, ConnectionResetError(), OutcomeUnknown),
        (PUSH, TimeoutError(), OutcomeUnknown),
    ],
)
def test_the_error_says_whether_it_may_have_been_applied(
    at: object, error: Exception, told: type[Exception]
) -> None:
    verdict = judged(error, at, Carrier())
    assert type(verdict) is told
    assert "secret" not in str(verdict)


def test_what_a_code_means_is_said_and_the_servers_words_are_not() -> None:
    missing = refusal(ServerError("42P01"), DATABASE)
    assert (missing.code, "python -m repro.persistence" in str(missing)) == ("42P01", True)
    no_scripts = refusal(ValueError("secret"), Server("the queue", lambda _: "NOPERM"))
    assert "EVAL" in str(no_scripts)
    assert "a plain RPUSH is no replacement" in str(no_scripts)
    assert (
        str(refusal(ServerError("23505"), DATABASE))
        == "nothing was applied: the database said no (ServerError 23505)"
    )
    assert str(refusal(EOFError(), DATABASE)) == "nothing was applied: the database did not answer (EOFError)"


def test_a_server_that_refuses_a_login_was_reached() -> None:
    assert isinstance(not_connected(OSError(), DATABASE), Unreachable)
    assert not isinstance(not_connected(ServerError("28P01"), DATABASE), Unreachable)


def told() -> Generator[Any, Any, PersistenceError]:
    try:
        yield Commit()
    except PersistenceError as error:
        return error
    raise AssertionError


def test_the_generator_is_told_the_translated_error_and_its_cause() -> None:
    generator = translated(told(), Carrier())
    next(generator)
    foreign = EOFError()
    with pytest.raises(StopIteration) as done:
        generator.throw(foreign)
    assert isinstance(done.value.value, OutcomeUnknown)
    assert done.value.value.__cause__ is foreign


def test_an_interruption_is_not_translated() -> None:
    generator = translated(told(), Carrier())
    next(generator)
    with pytest.raises(KeyboardInterrupt):
        generator.throw(KeyboardInterrupt)
