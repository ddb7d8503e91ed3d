"""Probes and causes of other packages, by entry point; docs/plugins.md has a template of each.

A package declares them in its ``pyproject.toml``::

    [project.entry-points."txrepro.probes"]
    "go.pgx" = "my_probes:PGX"        # a `Probe`

    [project.entry-points."txrepro.causes"]
    mine = "my_causes:CAUSES"         # a `repro.diagnose.cause.Cause`, or a sequence of them

This module is public: what it holds stays as it is within a major version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

PROBES = "txrepro.probes"
CAUSES = "txrepro.causes"


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe of another package: a program that speaks the probe protocol, in any language.

    Args:
        name: what a person calls it, such as ``go.pgx``; no probe of that name may be there yet.
        command: the program and its arguments; the request comes on standard input.
        needs: the variables of which one must be set for it to run, such as ``("DATABASE_URL",)``.
        takes_turns: it can be asked to repeat itself, as ``repro bench`` does; see docs/probe-protocol.md.
    """

    name: str
    command: Sequence[str]
    needs: Sequence[str]
    takes_turns: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry point that cannot be used.

    Args:
        name: of the entry point.
        package: that declares it.
        why: it cannot be used, on one line.
    """

    name: str
    package: str
    why: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.name} of the package {self.package} cannot be used: {self.why}; mend or uninstall it"


def loaded(group: str) -> tuple[tuple[str, object], ...]:
    """What the entry points of a group hold, each with its entry point's name; broken ones are left out.

    Args:
        group: `PROBES` or `CAUSES`.
    """
    return tuple(each for each in _declared(group) if not isinstance(each, Broken))


def broken(group: str) -> tuple[Broken, ...]:
    """The entry points of a group that cannot be loaded."""
    return tuple(each for each in _declared(group) if isinstance(each, Broken))


@cache
def _declared(group: str) -> tuple[tuple[str, object] | Broken, ...]:
    """Looked up and loaded once: a package that cannot be loaded may take its time to say so."""
    return tuple(_every(group))


def _every(group: str) -> Iterator[tuple[str, object] | Broken]:
    for point in sorted(entry_points(group=group), key=lambda each: each.name):
        try:
            yield point.name, point.load()
        except Exception as error:  # noqa: BLE001 - whatever a package of somebody else's raises
            yield Broken(point.name, _package(point), f"{type(error).__name__} {error}".split("\n", 1)[0])


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"
