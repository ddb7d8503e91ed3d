"""Replaces attributes of classes, modules and objects, and puts every one back exactly as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Patches:
    """The replaced attributes, in the order in which they were replaced."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []
        self._afterwards: list[Callable[[], None]] = []

    def on_undo(self, action: Callable[[], None]) -> None:
        """Do something more once the originals are back."""
        self._afterwards.append(action)

    def wrap(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute by what ``make`` returns for it.

        Args:
            owner: the class, module or object.
            name: the attribute, its own or inherited.
            make: is given the original as ``getattr`` finds it.

        Raises:
            AttributeError: when there is no such attribute; nothing is replaced.
        """
        replacement = make(getattr(owner, name))
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, replacement)
        self._done.append((owner, name, before, replacement))

    def undo(self) -> None:
        """Put back the originals, the latest first.

        Where somebody has put a replacement of his own over ours, his stays: taking it away would be his
        surprise, and ours below it is silent once the recorder is closed.
        """
        while self._done:
            owner, name, before, replacement = self._done.pop()
            if vars(owner).get(name, _ABSENT) is not replacement:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        while self._afterwards:
            self._afterwards.pop()()
