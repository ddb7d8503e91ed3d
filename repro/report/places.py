"""Where in a run a text stands: ``probes[3].error.message``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Places:
    """Where something stands, and how often: the first few places by name, of the others their number.

    Args:
        most: places that are named.
    """

    most: int
    times: int = 0
    named: dict[str, int] = field(default_factory=dict)
    more: int = 0
    _last: str = ""

    def add(self, place: str) -> None:
        """It stands there too; the same place again follows at once."""
        self.times += 1
        if place in self.named:
            self.named[place] += 1
        elif len(self.named) < self.most:
            self.named[place] = 1
        elif place != self._last:
            self.more += 1
            self._last = place


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
