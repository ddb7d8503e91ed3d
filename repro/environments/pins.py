"""What a cell is made of: packages, each at a version, a range, or an end of what there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Ecosystem = Literal["pypi", "npm", "python"]

_NPM = "npm:"
_PYTHON = "python"
_NAME = re.compile(r"(?:@[a-z0-9._~-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[a-z0-9,_-]+\])?")
_VERSION = re.compile(r"[0-9A-Za-z.+!-]+")
_RANGE = re.compile(r"[<>=!~^*0-9A-Za-z., +|-]+")
_OF_PYPI = re.compile(r"[<>=!~^ ]*v?[0-9*]")
"""How a version there begins; npm has names for some."""

_ENDS = frozenset({"latest", "oldest"})
_WHOLE = 3
"""So many numbers name one version; fewer name the newest of a series."""


class BadPin(ValueError):  # noqa: N818 - it says what is wrong
    """A package or a version that cannot be asked for; the message is one line without a source."""


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One package at what is wanted of it.

    Args:
        ecosystem: where it comes from; ``python`` is the interpreter itself.
        name: as its registry has it, extras included.
        wanted: a version, a series such as ``3.2``, a range such as ``>=3.1,<3.3``, ``latest`` or ``oldest``.
    """

    ecosystem: Ecosystem
    name: str
    wanted: str

    def __str__(self) -> str:
        prefix = _NPM if self.ecosystem == "npm" else ""
        return f"{prefix}{self.name}={self.wanted}"

    @property
    def requirement(self) -> str:
        """It for uv or npm; without a version where the newest or oldest is wanted."""
        if self.wanted in _ENDS:
            return f"{self.name}@{self.wanted}" if self.ecosystem == "npm" else self.name
        if self.ecosystem == "npm":
            return f"{self.name}@{self.wanted}"
        if not _VERSION.fullmatch(self.wanted):
            return f"{self.name}{self.wanted}"
        numbers = self.wanted.split(".")
        series = len(numbers) < _WHOLE and all(each.isdecimal() for each in numbers)
        return f"{self.name}=={self.wanted}{'.*' if series else ''}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a matrix.

    Args:
        pins: in the order in which they were asked for; none is what is installed.
    """

    pins: tuple[Pin, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.pins)) or "as installed"

    def of(self, ecosystem: Ecosystem) -> tuple[Pin, ...]:
        """Its packages of one registry."""
        return tuple(pin for pin in self.pins if pin.ecosystem == ecosystem)


def pins_of(name: str, versions: Iterable[str]) -> list[Pin]:
    """The pins of one package at each of some versions.

    Args:
        name: ``psycopg``, ``npm:drizzle-orm``, or ``python``.
        versions: what is wanted of it.

    Raises:
        BadPin: the name or a version is none.
    """
    ecosystem: Ecosystem = "npm" if name.startswith(_NPM) else "python" if name == _PYTHON else "pypi"
    bare = name.removeprefix(_NPM)
    if not _NAME.fullmatch(bare):
        raise BadPin(f"{_shown(name)} is no name of a package")
    found = [Pin(ecosystem, bare, version.strip()) for version in versions]
    for pin in found:
        if not pin.wanted or not (_RANGE.fullmatch(pin.wanted) or pin.wanted in _ENDS):
            raise BadPin(f"{_shown(pin.wanted)} is no version of {name}")
        if ecosystem == "pypi" and not (_OF_PYPI.match(pin.wanted) or pin.wanted in _ENDS):
            raise BadPin(f"{_shown(pin.wanted)} is no version of {name}")
        if ecosystem == "npm" and pin.wanted == "oldest":
            raise BadPin(f"oldest is for Python packages; name a version of {name}")
        if ecosystem == "python" and pin.wanted in _ENDS:
            raise BadPin("name a version of python, such as 3.12")
    return found


def _shown(text: str) -> str:
    """What was typed, fit to be said again: a URL may hold a password."""
    return "that" if "://" in text else repr(text[:80])


def parse(text: str) -> list[Pin]:
    """The pins of ``NAME=VERSION,VERSION``. A range that holds commas stands alone: ``NAME=>=3.1,<3.3``.

    Raises:
        BadPin: it has not that shape.
    """
    name, sign, versions = text.partition("=")
    if not sign or not versions:
        raise BadPin(f"{_shown(text)} is not NAME=VERSION,VERSION")
    is_range = versions[0] in "<>=!~^"
    return pins_of(name, [versions] if is_range else versions.split(","))


def product(axes: Mapping[str, Iterable[Pin]] | Iterable[Iterable[Pin]]) -> list[Cell]:
    """Every combination of one pin of each axis, the last axis turning fastest."""
    cells: list[tuple[Pin, ...]] = [()]
    for axis in axes.values() if isinstance(axes, Mapping) else axes:
        pins = list(axis)
        cells = [(*cell, pin) for cell in cells for pin in pins]
    return [Cell(cell) for cell in cells]
