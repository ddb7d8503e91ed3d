"""One bisection: which versions there are, what each does, and what to paste into an issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from repro.document import FAILING, Outcome
from repro.environments.pins import Cell, Pin
from repro.report.escape import cell, code
from repro.versions.bisect import Answer, EndIsWrong, Found, search
from repro.versions.trial import signature

Finds = Literal["broken", "fixed"]
Seen = Sequence[Mapping[str, Outcome]]
"""The repetitions of a trial, each with its outcomes by probe."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for.

    Args:
        probe: whose outcome counts.
        control: a probe that must pass for a trial to count; None where there is none.
        finds: the first version that is broken, or the first that is fixed.
        says: a text that the failure must hold; None where any failure alike counts.
    """

    probe: str
    control: str | None
    finds: Finds = "broken"
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One trial, as it is shown.

    Args:
        version: what was tried.
        answer: what it said.
        because: why, in a few words.
    """

    version: str
    answer: Answer
    because: str


class Bisection:
    """Asks versions of one package one question.

    Args:
        question: the question.
        versions: in their order, the two ends included.
        tried: runs probe and control with one version; a text is why it could not be installed.
        told: is told each trial as it ends.
        worded: makes a text of a driver or a server fit to be told: without secrets and names.
    """

    def __init__(
        self,
        question: Question,
        versions: Sequence[str],
        tried: Callable[[str], Seen | str],
        told: Callable[[Step], None],
        worded: Callable[[str], str] = str,
    ) -> None:
        self.question = question
        self.versions = versions
        self._tried = tried
        self._told = told
        self._worded = worded
        self._wanted: str | None = None
        self.steps: dict[str, Step] = {}

    def run(self) -> Found:
        """Search. The bad end is asked first: its failure is what makes another one the same.

        Raises:
            EndIsWrong: an end is not what it should be; where it is the bad one, the good one is not tried.
        """
        last = len(self.versions) - 1
        bad_is_new = self.question.finds == "broken"
        bad_end = last if bad_is_new else 0
        answers = {bad_end: self._ask(bad_end)}
        if answers[bad_end] != ("new" if bad_is_new else "old"):
            raise EndIsWrong("the newer end" if bad_is_new else "the older end")
        return search(len(self.versions), lambda number: answers.get(number) or self._ask(number))

    @property
    def failure(self) -> str:
        """What the bad end fails with."""
        return self._worded(self.question.says or self._wanted or "")

    def _ask(self, number: int) -> Answer:
        version = self.versions[number]
        seen = self._tried(version)
        state, because = ("unknown", seen) if isinstance(seen, str) else self._judged(seen)
        answer = self._answer(state)
        self.steps[version] = Step(version, answer, self._worded(because))
        self._told(self.steps[version])
        return answer

    def _answer(self, state: str) -> Answer:
        if state == "unknown":
            return "unknown"
        bad_is_new = self.question.finds == "broken"
        return "new" if (state == "bad") == bad_is_new else "old"

    def _judged(self, seen: Seen) -> tuple[str, str]:
        control = self.question.control
        if control is not None:
            broken = [each[control] for each in seen if each[control]["status"] != "pass"]
            if broken:
                return "unknown", f"the control {control} is {broken[0]['status']}"
        outcomes = [each[self.question.probe] for each in seen]
        failed = [each for each in outcomes if each["status"] in FAILING]
        if not failed:
            passed = all(each["status"] == "pass" for each in outcomes)
            return ("good", "pass") if passed else ("unknown", outcomes[0]["reason"] or "skipped")
        return self._judged_failures(failed, len(outcomes))

    def _judged_failures(self, failed: Sequence[Outcome], runs: int) -> tuple[str, str]:
        """One failure alike is enough: what fails only sometimes is broken, and its proportion is told."""
        often = "" if len(failed) == runs else f", {len(failed)} of {runs} times"
        says = self.question.says
        if says is not None:
            holding = [each for each in failed if _holds(each, says)]
            return (
                ("bad", f"says so{often}")
                if holding
                else ("good", f"{signature(failed[0])}, not in these words")
            )
        found = signature(failed[0])
        if self._wanted is None:
            self._wanted = found
        if any(signature(each) == self._wanted for each in failed):
            return "bad", f"{found}{often}"
        return "unknown", f"another failure: {found}"


def _holds(outcome: Outcome, text: str) -> bool:
    error = outcome["error"]
    return error is not None and any(text in link["message"] for link in error["chain"])


def cell_of(pin: Pin, version: str, beside: Sequence[Pin]) -> Cell:
    """The cell of one trial: the package at a version, and what is pinned beside it.

    Args:
        pin: the package.
        version: of it, exactly.
        beside: other pins, the same in each trial.
    """
    return Cell(
        (Pin(pin.ecosystem, pin.name, f"=={version}" if pin.ecosystem == "pypi" else version), *beside)
    )


def block(package: str, found: Found, bisection: Bisection, command: str) -> str:
    """What to paste into an issue, as Markdown: the range, the first version, what changed, how to repeat it.

    Args:
        package: its name.
        found: what the search came to.
        bisection: the search that is over.
        command: how anybody can repeat it.
    """
    question, versions = bisection.question, bisection.versions
    old, new = versions[found.last_old], versions[found.first_new]
    verb = "breaks" if question.finds == "broken" else "is repaired"
    first = (
        f"**{package} {new}** is the first version with which `{question.probe}` {verb}."
        if found.is_exact
        else f"`{question.probe}` {verb} between **{package} {old}** and **{new}**; "
        f"{len(found.unknown)} versions between them say nothing."
    )
    steps = [bisection.steps[each] for each in versions if each in bisection.steps]
    return "\n".join(
        [
            first,
            "",
            f"- searched: {versions[0]} to {versions[-1]}, {len(versions)} versions, {found.trials} tried",
            f"- last version before: {old}",
            f"- the failure: {code(bisection.failure)}",
            f"- control: {question.control or 'none'}",
            f"- to repeat it: {code(command)}",
            "",
            "| version | | |",
            "|---|---|---|",
            *(
                f"| {step.version} | {word(step.answer, question.finds)} | {cell(step.because)} |"
                for step in steps
            ),
            "",
        ]
    )


def word(answer: Answer, finds: Finds) -> str:
    """What a version is, in the words of bisecting: good, bad or skip."""
    if answer == "unknown":
        return "skip"
    return "bad" if (answer == "new") == (finds == "broken") else "good"
