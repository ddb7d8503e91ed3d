"""What the error of a driver or a transport says about what took effect: the one place that translates."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

from repro.persistence.carrier import Server
from repro.persistence.errors import NotApplied, OutcomeUnknown, PersistenceError, Unreachable, sqlstate_of
from repro.persistence.steps import Begin, Commit, Execute

T = TypeVar("T")
StepT = TypeVar("StepT")
AnswerT = TypeVar("AnswerT")

NOT_PROVED = "NOTPROVED"
"""Our own code, answered by the push script where the fallback's database is not known to be the same."""

_UNDECIDED = ("08", "40003", "57P", "58", "XX")
"""SQLSTATEs, or classes of them, after which a COMMIT may have taken effect: the connection was lost, the
server was stopped, or it failed itself. Some drivers make them up for a connection that ended under them."""

_MEANING = {
    "3F000": "the schema is not there: apply what `python -m repro.persistence` prints",
    "42P01": "the tables are not there: apply what `python -m repro.persistence` prints",
    "42501": "the database's role may not use the tables",
    "25001": "a transaction is open on this connection already: call it outside of it",
    "25006": "the database is read-only",
    "55P03": "another transaction holds what it needs",
    "NOPERM": "the queue refuses the push script: give a user or a token that may run EVAL, SET and RPUSH; a "
    "plain RPUSH is no replacement, it queues doubles",
    "READONLY": "the queue is a replica that cannot be written",
    "MASTERDOWN": "the queue is a replica that has lost its primary",
    "LOADING": "the queue has just started and still reads its data",
    "28P01": "the database refuses the password",
    "3D000": "the database server has no database of that name",
    "53300": "the database server has no connection left",
    "WRONGTYPE": "the queue's key holds something else than a list",
    "OOM": "the queue's memory is full",
    "WRONGPASS": "the queue refuses the password or the token",
    "NOAUTH": "the queue wants a password",
    NOT_PROVED: "the fallback has not proved to be the same database as the queue",
}


class Telling(Protocol):
    """What is asked of a carrier when one of its steps has failed."""

    server: Server
    not_sent: tuple[type[BaseException], ...]
    not_reached: tuple[type[BaseException], ...]


def translated(
    generator: Generator[StepT, AnswerT, T],
    carrier: Telling,
    following: Callable[[], StepT] | None = None,
) -> Generator[StepT, AnswerT, T]:
    """The same transaction or conversation; foreign errors reach it, and leave it, translated.

    Args:
        generator: the one to run.
        carrier: what carries it out; it knows which errors prove that nothing was sent.
        following: gives the step to begin with, of a generator that was begun already.

    Raises:
        NotApplied: from an error that leaves nothing behind.
        OutcomeUnknown: from one that may.
    """
    try:
        step = next(generator) if following is None else following()
        while True:
            try:
                answer = yield step
            except Exception as error:  # noqa: BLE001 - it is translated, whatever it is
                step = generator.throw(judged(error, step, carrier))
            else:
                step = generator.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        generator.close()


def judged(error: Exception, step: object, carrier: Telling) -> PersistenceError:
    """What an error means that came at a step: what precedes COMMIT is rolled back, whoever ends it."""
    verdict = _verdict(error, step, carrier)
    verdict.__cause__ = error
    return verdict


def _verdict(error: Exception, step: object, carrier: Telling) -> PersistenceError:
    if isinstance(error, carrier.not_reached):
        return not_connected(error, carrier.server)
    if isinstance(step, Begin | Execute) or isinstance(error, carrier.not_sent) or _refused(error):
        return refusal(error, carrier.server)
    what = "COMMIT" if isinstance(step, Commit) else f"a command to {carrier.server.name}"
    kind = type(error).__name__
    return OutcomeUnknown(f"the answer to {what} was lost, so that it may have been applied: {kind}")


def refusal(error: BaseException, server: Server) -> NotApplied:
    """The `NotApplied` of an error that leaves nothing behind."""
    code = server.code_of(error)
    name = type(error).__name__
    detail = name if code is None else f"{name} {code}"
    meaning = _MEANING.get(code or "") or f"{server.name} {'said no' if code else 'did not answer'}"
    return NotApplied(f"nothing was applied: {meaning} ({detail})", code=code)


def not_connected(error: Exception, server: Server) -> NotApplied:
    """What an error means by which no connection came about: the server said no, or nobody was reached."""
    if server.code_of(error) is not None:
        return refusal(error, server)
    return Unreachable(
        f"nothing was applied: no connection to {server.name} could be made: {type(error).__name__}"
    )


def _refused(error: Exception) -> bool:
    """Whether the database itself said no."""
    state = sqlstate_of(error)
    return state is not None and not state.startswith(_UNDECIDED)
