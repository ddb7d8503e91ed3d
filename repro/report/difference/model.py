"""What differs between two runs, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.document import RunDocument

Line = Mapping[str, Any]
"""A trace line."""

MOST_EVENTS = 20_000
"""Events of a trace that are compared: where two runs part, they mostly do so early."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, as it was read.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name; a probe may be missing. They are read twice.
    """

    document: RunDocument
    events: Mapping[str, Iterable[Line]]


@dataclass(frozen=True, slots=True)
class Row:
    """A fact of both runs.

    Args:
        name: what it is called.
        a: what the first run says; empty for nothing.
        b: what the second one says.
        same: they mean the same. The texts may differ all the same, as by a port that the system chose.
    """

    name: str
    a: str
    b: str
    same: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Facts of one kind."""

    title: str
    rows: Sequence[Row]

    @property
    def differing(self) -> Sequence[Row]:
        """Those in which the runs differ."""
        return [row for row in self.rows if not row.same]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One run's side of a parting.

    Args:
        seq: the number of its first event in the trace; None where nothing more happened there.
        events: what happened from there on, in words.
    """

    seq: int | None
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Parting:
    """The first event in which two traces differ.

    Args:
        where: on which connection, in words.
        before: the last events that both have in common, in words.
        a: what the first run did then.
        b: what the second one did.
        further: other places of the probe's traces in which they differ.
    """

    where: str
    before: Sequence[str]
    a: Stretch
    b: Stretch
    further: int


@dataclass(frozen=True, slots=True)
class ProbeDifference:
    """A probe that both runs have.

    Args:
        name: its name.
        rows: what it came to.
        parting: where its traces part; None where they do not, or one of them is missing.
        remarks: what a reader must know beside, a sentence each; they are no differences.
    """

    name: str
    rows: Sequence[Row]
    parting: Parting | None
    remarks: Sequence[str]

    @property
    def same(self) -> bool:
        """Whether it did the same and came to the same."""
        return self.parting is None and all(row.same for row in self.rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """All that two runs have in common and not in common, the most telling first.

    Args:
        a: the first run's id, and when it began.
        b: the second one's.
        results: sections on what came of it: the verdict, the probes, the findings.
        probes: each probe that both runs have, those that part before the others.
        facts: sections on what it was run with: versions, environment, variables, target, transaction.
        remarks: what a reader must know beside, a sentence each; they are no differences.
    """

    a: str
    b: str
    results: Sequence[Section]
    probes: Sequence[ProbeDifference]
    facts: Sequence[Section]
    remarks: Sequence[str]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        sections = all(not section.differing for section in self._sections())
        return sections and all(probe.same for probe in self.probes)

    def _sections(self) -> Iterator[Section]:
        yield from self.results
        yield from self.facts
