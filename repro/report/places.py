"""Where in a run a text stands: ``probes[3].error.message``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """A text of a document, with its place.

    Args:
        path: how to get there, as ``probes[3].error.message``.
        key: what it is the value of, the nearest one; empty for a text that is a key itself.
        text: as it stands there.
    """

    path: str
    key: str
    text: str


def texts(value: Any, path: str = "", key: str = "") -> Iterator[Placed]:
    """Every text in JSON data, keys too, in their order.

    Args:
        value: the data.
        path: where it stands.
        key: what it is the value of.
    """
    if isinstance(value, str):
        yield Placed(path, key, value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            below = joined(path, str(name))
            yield Placed(f"the name of {below}", "", str(name))
            yield from texts(each, below, str(name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from texts(each, f"{path}[{index}]", key)


def joined(path: str, name: str) -> str:
    """The path of a member; a name that is no plain word is put in quotes."""
    if not path:
        return name
    return f"{path}.{name}" if _PLAIN.fullmatch(name) else f"{path}[{name!r}]"
