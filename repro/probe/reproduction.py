"""A stand-alone program in the place of a probe: run as it is, judged like any probe.

The program knows nothing of the kit. It prints a word after each thing that worked (``opened``, ``begun``,
``inserted``, ``committed``, ``pushed``), and lets the driver's error escape; here the words become stages, so
that its failure is classified as that of the probe it stands for.
"""

from __future__ import annotations

import io
import json
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from repro.persistence.settings import Settings
from repro.probe import network
from repro.probe.chain import walk
from repro.probe.conversation import Conversation
from repro.probe.node.bridge import Bridge
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.probe.trial import Probe, Trial
from repro.stages import StageName

PROGRAM = "TXREPRO_PROGRAM"
"""The variable with what is run, as JSON: its ``path``, the ``probe`` it stands for with ``transport`` and
``effect``, what it ``loads`` before the time begins, and the folder of ``node``'s scripts."""

NOT_ATOMIC = "NotAtomic"
"""The name of the exception by which a program says that a transaction came apart."""

NODE_SCRIPT = "reproduction.mjs"

_AFTER: Mapping[str, StageName] = {
    "begun": "begin",
    "inserted": "insert",
    "committed": "commit",
    "pushed": "push",
}
"""The stage that each word ends."""

_OPENED = "opened"

_STAGES: Mapping[str, Sequence[StageName]] = {
    "commit": ("begin", "insert", "commit", "read_back", "atomicity", "cleanup"),
    "push": ("push", "read_back", "cleanup"),
}
"""The stages after the network's own, by the one that applies the effect."""


@dataclass(frozen=True, slots=True)
class ReproductionProbe(Probe):
    """A program in the place of a probe; its arguments are those of `Probe`.

    Args:
        path: the program.
        effect: the stage that applies the effect of the probe it stands for: ``commit`` or ``push``.
        node: the folder of the Node probes' scripts, for a program in JavaScript.
    """

    writing: ClassVar[StageName] = "commit"

    path: Path = Path()
    effect: str = "commit"
    node: Path | None = None

    @property
    def stages(self) -> tuple[StageName, ...]:
        """Those of the probe it stands for."""
        return (*network.STAGES_OF_TRANSPORT[self.transport], *_STAGES[self.effect])

    def not_configured(self, settings: Settings) -> str | None:  # noqa: ARG002 - it says itself what it misses
        """It is always tried."""
        return None

    def trial(self, request: Request, recorder: Recorder) -> ReproductionTrial:
        """One run of it."""
        return ReproductionTrial(request, recorder, probe=self)


@dataclass(slots=True, kw_only=True)
class ReproductionTrial(Trial):
    """One run of a program; its arguments are those of `Trial`.

    Args:
        probe: which one.
    """

    probe: ReproductionProbe

    @property
    def leavings(self) -> str | None:
        """Nothing: a program makes temporary tables only, and removes its keys."""
        return None

    def converse(self) -> Conversation:
        """Run the program to its end, or to its error."""
        if self.probe.batch:
            self.recorder.begin(self.probe.effect)  # as the probe does: it sends everything at once
        try:
            self._in_node(self.probe.node) if self.probe.node else self._in_python()
        except Exception as error:
            if any(type(each).__name__ == NOT_ATOMIC for each in walk(error)):
                self.recorder.begin("atomicity")
                raise CheckFailed("not_atomic", str(error)) from None
            raise
        yield from ()

    def take_over(self) -> Conversation:
        """Nothing was left."""
        yield from ()

    def clean_up(self) -> Conversation:
        """Nothing is left."""
        yield from ()

    def _in_python(self) -> None:
        os.environ.update(self.request.variables)
        with redirect_stdout(_Words(self._heard)):
            runpy.run_path(str(self.probe.path), run_name="__main__")

    def _in_node(self, folder: Path) -> None:
        bridge = Bridge(folder, NODE_SCRIPT, self.request.variables, said=self._heard)
        try:
            bridge.open()
            bridge.ask("run", program=str(self.probe.path))
        finally:
            bridge.close()

    def _heard(self, word: str) -> None:
        """Something worked."""
        if word == _OPENED:
            network.note_opened(self.recorder, self.probe.transport)
        elif word in _AFTER:
            self.recorder.end(_AFTER[word])


class _Words(io.TextIOBase):
    """Standard output of a program: each whole line is heard at once, and said again to standard error."""

    def __init__(self, heard: Any) -> None:
        self._heard = heard
        self._rest = ""

    def write(self, text: str, /) -> int:
        """Take a piece of output."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            sys.stderr.write(f"{line}\n")
            self._heard(line.strip())
        return len(text)


def asked() -> ReproductionProbe:
    """The program that the environment names.

    Raises:
        KeyError: it names none.
    """
    told = json.loads(os.environ[PROGRAM])
    return ReproductionProbe(
        name=told["probe"],
        transport=told["transport"],
        package=told.get("package"),
        uses=told.get("loads") or "json",
        predict=lambda _request: [],
        connect=lambda _module, _request: None,
        path=Path(told["path"]),
        effect=told["effect"],
        node=Path(told["node"]) if told.get("node") else None,
    )
