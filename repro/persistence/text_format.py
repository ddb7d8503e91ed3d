"""Values as Postgres writes and reads them in text: for the drivers that have no library to do it."""

from __future__ import annotations

from collections.abc import Sequence

from repro.persistence.steps import Parameter, Value

# pg_type.dat: bool, int8, int2, int4
_BOOL = 16
_INTEGERS = frozenset({20, 21, 23})


def to_text(parameter: Parameter) -> str | None:
    """A parameter in text format; None is NULL.

    Raises:
        ValueError: if it holds a NUL character, which no text of Postgres can.
    """
    if parameter is None:
        return None
    if isinstance(parameter, bool):
        return "true" if parameter else "false"
    if isinstance(parameter, int):
        return str(parameter)
    text = parameter if isinstance(parameter, str) else array_literal(parameter)
    if "\0" in text:
        raise ValueError("a text holds a NUL character, which Postgres cannot store")
    return text


def array_literal(elements: Sequence[str]) -> str:
    """A one-dimensional array of texts, each quoted, so that braces, commas and ``NULL`` are text."""
    escaped = [each.replace("\\", "\\\\").replace('"', '\\"') for each in elements]
    return '{"' + '","'.join(escaped) + '"}' if escaped else "{}"


def from_text(text: str | None, type_oid: int) -> Value:
    """A column's value from its text, by the OID of its type; a type not known here stays text."""
    if text is None:
        return None
    if type_oid == _BOOL:
        return text == "t"
    return int(text) if type_oid in _INTEGERS else text
