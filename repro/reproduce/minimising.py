"""From the whole case to the smallest program that fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from repro.diagnose.undiagnosed import Identity
from repro.document import Outcome
from repro.reproduce.bench import Bench, Interrupted, OutOfTime
from repro.reproduce.case import (
    KINDS,
    OBSERVED,
    SMALLEST_BODIES,
    SMALLEST_COMMANDS,
    Case,
    Kind,
    Part,
    at_once,
    having,
)
from repro.reproduce.checking import REPETITIONS, Checked, checked
from repro.reproduce.place import Place, stand_in_for
from repro.reproduce.program import Program
from repro.reproduce.reducing import NotInteresting, Reduction
from repro.reproduce.sameness import failure_of, shown

Tell = Callable[[str], None]

CONFIRMATIONS = 5
"""How often transactions at once must fail in the same way: what a race decides may go well a few times."""


INTERRUPTION = "an interruption"


class FailsOtherwise(ValueError):  # noqa: N818 - it says what is wrong
    """The whole program does not fail as the probe did; the message says how it does."""


@dataclass(frozen=True, slots=True)
class Minimised:
    """What a reduction came to.

    Args:
        program: the smallest that is known.
        outcome: what it comes to.
        trials: how many programs were tried.
        stopped: why it ended early; empty where no part can be left out any more.
    """

    program: Program
    outcome: Outcome
    trials: int
    stopped: str = ""


class _Search:
    """The trials of one reduction.

    Args:
        bench: where programs are tried.
        template: a program whose case and place are replaced.
        wanted: how every one of them must fail.
        tell: is told of each trial.
    """

    def __init__(self, bench: Bench, template: Program, wanted: Identity, tell: Tell) -> None:
        self.program = template
        self.outcome: Outcome | None = None
        self.last: Identity | None = None
        self.trials = 0
        self._bench = bench
        self._wanted = wanted
        self._tell = tell

    def fails(self, place: Place, case: Case) -> bool:
        """Whether a program fails as wanted; the last that does is kept."""
        return self.always_fails(place, case, times=1)

    def always_fails(self, place: Place, case: Case, *, times: int = CONFIRMATIONS) -> bool:
        """Whether a program fails as wanted so many times; the last that does is kept."""
        tried = replace(self.program, case=case, place=place)
        outcome: Outcome | None = None
        for _ in range(times):
            began = time.monotonic()
            outcome = self._bench.tried(tried)
            self.trials += 1
            self.last = failure_of(outcome)
            same = self.last == self._wanted
            self._tell(f"{len(case):>3} parts  {_how(self.last, same=same)}")
            if not same:
                return False
        self.program, self.outcome = tried, outcome
        self._bench.keep(REPETITIONS * (time.monotonic() - began))
        return True


def _how(found: Identity | None, *, same: bool) -> str:
    if same:
        return "fails in the same way"
    return "passes" if found is None else f"fails otherwise: {shown(found)}"


def minimise(bench: Bench, whole: Program, wanted: Identity, tell: Tell) -> Minimised:
    """Reduce a program until nothing can be left out of it any more.

    Args:
        bench: where programs are tried.
        whole: with everything that the probe did.
        wanted: how the probe failed, and every program must.
        tell: is told of each trial.

    Raises:
        FailsOtherwise: the whole program does not fail like that.
        OutOfTime: the deadline left no time for the whole program.
        Interrupted: somebody stopped it before the whole program was tried.
    """
    search = _Search(bench, whole, wanted, tell)
    reduction = Reduction(whole.case, partial(search.fails, whole.place))
    try:
        reduction.check()
    except NotInteresting as error:
        how = "passes" if search.last is None else f"fails with {shown(search.last)}"
        raise FailsOtherwise(f"the whole program {how}, and the probe failed with {shown(wanted)}") from error
    stopped = ""
    try:
        _without_settings(reduction)
        _simplified(reduction)
        reduction.run([partial(_is_of, kind) for kind in KINDS])
        _fewer_at_once(search)
        _stood_in(search, wanted, whole.causes)
    except OutOfTime:
        stopped = "the deadline"
    except (Interrupted, KeyboardInterrupt):
        stopped = INTERRUPTION
    assert search.outcome is not None  # noqa: S101 - the whole program was kept at least
    return Minimised(search.program, search.outcome, search.trials, stopped)


def _is_of(kind: Kind, part: Part) -> bool:
    return part.kind == kind


def _without_settings(reduction: Reduction[Part]) -> None:
    """Leave out every option and variable, which matter seldom: one trial in the place of one for each."""
    case = reduction.best
    if not reduction.offer([part for part in case if part.kind in {"statement", "concurrency"}]):
        reduction.offer([part for part in case if part.kind != "variable"])


def _simplified(reduction: Reduction[Part]) -> None:
    """Put the shortest statements in the place of the production ones, where those are not what fails."""
    case = reduction.best
    if reduction.offer(_without_statements(case)):
        return
    for body in SMALLEST_BODIES if having(case, "transaction") else ():
        kept = [part for part in case if part.role not in {"setup", "insert", "observe"}]
        after = max(number for number, part in enumerate(kept) if part.role == "transaction") + 1
        observed = [OBSERVED] if having(case, "observe") else []
        if reduction.offer([*kept[:after], *body, *observed, *kept[after:]]):
            return
    for command in SMALLEST_COMMANDS if having(case, "command") else ():
        if reduction.offer([command, *_without_statements(case)]):
            return


def _without_statements(case: Iterable[Part]) -> list[Part]:
    return [part for part in case if part.kind != "statement"]


def _fewer_at_once(search: _Search) -> None:
    """As few transactions at once as always fail, from two on."""
    case, place = search.program.case, search.program.place
    for count in range(2, at_once(case)):
        if search.always_fails(place, _with_count(case, count)):
            return


def _with_count(case: Case, count: int) -> Case:
    return tuple(
        replace(part, name=f"{count} transactions at once", text=str(count))
        if part.role == "at_once"
        else part
        for part in case
    )


def _stood_in(search: _Search, wanted: Identity, causes: Sequence[str]) -> None:
    """Let something in the program itself stand in for the target, where that fails in the same way.

    Nothing more is left out afterwards: only the target can tell what is needed.
    """
    case, place = search.program.case, search.program.place
    stand_in = stand_in_for(wanted.failure, causes)
    if stand_in is None or having(case, "transaction", "command", "login"):
        return
    if wanted.port is not None:
        place = replace(place, keeps_its_port=True, host="localhost")
    search.fails(replace(place, stand_in=stand_in), case)


def proved(bench: Bench, found: Minimised, most_at_once: int) -> tuple[Minimised, Checked]:
    """Run the program by itself several times; more transactions at once where that does not always fail.

    Args:
        bench: where.
        found: the smallest program.
        most_at_once: how many transactions at once the whole program had.
    """
    result = checked(bench, found.program, found.outcome)
    count = at_once(found.program.case)
    while not result.every_time and 1 < count < most_at_once and bench.left_s > 0:
        count = min(2 * count, most_at_once)
        program = replace(found.program, case=_with_count(found.program.case, count))
        again = checked(bench, program, found.outcome)
        if again.runs and again.failed * result.runs >= result.failed * again.runs:
            found, result = replace(found, program=program), again
    return found, result


def counted(case: Case) -> Mapping[Kind, int]:
    """How many parts of each kind a case has."""
    return {kind: sum(part.kind == kind for part in case) for kind in KINDS}
