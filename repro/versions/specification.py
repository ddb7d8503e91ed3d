"""What a matrix consists of: axes whose products are cells, and rows that were picked by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.environments.pins import BadPin, Cell, Pin, parse, pins_of, product

TABLE = "tool.txrepro.matrix"
_KEYS = frozenset({"with", "rows", "only", "node", "repeat"})


class BadSpecification(ValueError):  # noqa: N818 - it says what is wrong
    """A matrix that cannot be made; the message is one line that names the key."""


@dataclass(frozen=True, slots=True)
class Specification:
    """A matrix.

    Args:
        cells: its cells, each once.
        only: the probes, as globs; none is all.
        node: the Node probes too.
        repeat: how often each cell is tried.
    """

    cells: tuple[Cell, ...]
    only: tuple[str, ...] = ()
    node: bool = False
    repeat: int = 1


def of_flags(values: Sequence[str]) -> list[Cell]:
    """The product of ``--with NAME=V,V`` flags; the same package in two of them is one axis.

    Raises:
        BadSpecification: a value has not that shape.
    """
    axes: dict[str, list[Pin]] = {}
    for value in values:
        try:
            pins = parse(value)
        except BadPin as error:
            raise BadSpecification(f"--with: {error}") from error
        axes.setdefault(pins[0].name, []).extend(pins)
    return product(axes)


def of_file(path: Path) -> Specification:
    """The matrix of a TOML file, from its table ``[tool.txrepro.matrix]``.

    Args:
        path: such as ``pyproject.toml``.

    Raises:
        BadSpecification: there is no such table, or something in it is none.
        OSError: the file cannot be read.
    """
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSpecification(f"it is no TOML: {error}") from error
    table = whole.get("tool", {}).get("txrepro", {}).get("matrix")
    if not isinstance(table, Mapping):
        raise BadSpecification(f"it has no table [{TABLE}]")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise BadSpecification(f"{TABLE}.{unknown[0]} is not known; the keys are {', '.join(sorted(_KEYS))}")
    cells = [*_product(table.get("with", {})), *_rows(table.get("rows", []))]
    if not cells:
        raise BadSpecification(f"[{TABLE}] names no cell: give it `with` or `rows`")
    return Specification(
        tuple(dict.fromkeys(cells)),
        tuple(_texts(table.get("only", []), "only")),
        _one(table.get("node", False), bool, "node"),
        _one(table.get("repeat", 1), int, "repeat"),
    )


def _product(axes: object) -> list[Cell]:
    if not isinstance(axes, Mapping):
        raise BadSpecification(f"{TABLE}.with must be a table of NAME = [versions]")
    return (
        product([_pins(name, _texts(wanted, f"with.{name}")) for name, wanted in axes.items()])
        if axes
        else []
    )


def _rows(rows: object) -> list[Cell]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise BadSpecification(f"{TABLE}.rows must be tables of NAME = version")
    return [Cell(tuple(_pins(name, [str(wanted)])[0] for name, wanted in row.items())) for row in rows]


def _pins(name: str, versions: Sequence[str]) -> list[Pin]:
    try:
        return pins_of(name, versions)
    except BadPin as error:
        raise BadSpecification(f"{TABLE}: {error}") from error


def _texts(value: object, key: str) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        if found == []:
            return []
        raise BadSpecification(f"{TABLE}.{key} must be a text, or an array of texts")
    return found


def _one(value: Any, kind: type[Any], key: str) -> Any:
    if type(value) is not kind or (kind is int and value < 1):
        raise BadSpecification(
            f"{TABLE}.{key} must be {'true or false' if kind is bool else 'a number from 1'}"
        )
    return value


def shard(cells: Sequence[Cell], number: int, of: int) -> list[Cell]:
    """The part of the cells that one of several jobs tries; together they try each once.

    Args:
        cells: all of them.
        number: which part, from 1.
        of: how many parts.
    """
    return list(cells[number - 1 :: of])
