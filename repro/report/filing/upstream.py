"""The projects that a report can be for: where they want it, and in what form. Each is a file of data."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).with_name("upstreams")

Channel = Literal["issue", "discussion", "none"]
Style = Literal["form", "markdown", "bullets", "bold"]


class UnknownUpstream(ValueError):  # noqa: N818 - it says what happened
    """There is no upstream of that name; the message is one line with the choices."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One question of an upstream.

    Args:
        text: the heading, exactly; empty for an answer without one.
        slots: what fills it, of `repro.report.filing.slots.SLOTS`; none where only a person knows.
        required: whether it must not stay empty.
        checkboxes: what a person is to confirm.
        field: the id of the form's field, which a link can fill; empty where it has none.
        package: whose version is asked for, such as ``pypi:asyncpg``.
        hint: what a person is asked to fill in where the run does not know.
    """

    text: str = ""
    slots: Sequence[str] = ()
    required: bool = False
    checkboxes: Sequence[str] = ()
    field: str = ""
    package: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A project, and how it wants to be told.

    Args:
        name: what a person types.
        repository: on GitHub, as ``owner/name``.
        packages: what it publishes, as ``npm:pg``.
        channel: where a report goes first.
        reason: why there, in words.
        style: how its headings are written: a ``form`` of GitHub's, ``markdown`` headings, ``bullets`` or
            ``bold`` words with the answer behind them.
        headings: in order.
        template: the name of its template's file, for the link; empty where it has none.
        title: what titles begin with.
        labels: those of its template.
        category: of its discussions.
        security: where vulnerabilities are told, in private.
        instead: the upstream to go to where the channel is none.
        notes: what a person must know before they file.
    """

    name: str
    repository: str
    packages: Sequence[str]
    channel: Channel
    reason: str
    style: Style
    headings: Sequence[Heading]
    security: str
    template: str = ""
    title: str = ""
    labels: Sequence[str] = ()
    category: str = ""
    instead: str = ""
    notes: Sequence[str] = ()


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all upstreams, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@functools.cache
def load(name: str) -> Upstream:
    """An upstream by its name.

    Raises:
        UnknownUpstream: there is none of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name.casefold(), names(), n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UnknownUpstream(f"no such upstream; {meant}there are {', '.join(names())}")
    return _upstream(name, tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")))


def _upstream(name: str, told: Mapping[str, Any]) -> Upstream:
    rest = {key: value for key, value in told.items() if key != "heading"}
    return Upstream(name=name, headings=tuple(Heading(**each) for each in told["heading"]), **rest)


def of_package(package: str) -> Upstream | None:
    """The upstream that publishes a package, such as ``npm:pg``; None where it is not known."""
    wanted = package.casefold()
    every = map(load, names())
    return next((each for each in every if wanted in map(str.casefold, each.packages)), None)
