"""What every probe says of its driver, and what one run of it finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

from repro.persistence.endpoints import Endpoint
from repro.persistence.settings import Settings
from repro.probe.conversation import Conversation
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.stages import StageName


@dataclass(slots=True)
class Trial(ABC):
    """One run of a probe; afterwards it holds what was found.

    Args:
        request: what was asked.
        recorder: is told the stages.
        atomicity: as in the run document.
        versions: what was learnt of versions while it ran.
        notes: what the reader should know.
        has_written: whether it has been through its effect once, whatever failed later.
    """

    request: Request
    recorder: Recorder
    atomicity: dict[str, Any] = field(default_factory=lambda: atomicity("not_checked"))
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    has_written: bool = False

    @property
    @abstractmethod
    def leavings(self) -> str | None:
        """What stays behind where it cannot be cleaned up, and how to remove it by hand; None for nothing."""

    def tell_leavings(self) -> None:
        """Tell, before they are made, what stays behind if the process is ended from here on."""
        if self.leavings:
            self.recorder.makes(self.leavings)

    @abstractmethod
    def converse(self) -> Conversation:
        """The whole probe, from opening what it probes to the judgement of the effect."""

    @abstractmethod
    def take_over(self) -> Conversation:
        """Open what is probed, and own what an earlier process of this run may have made, for `clean_up`."""

    @abstractmethod
    def clean_up(self) -> Conversation:
        """Remove what was made; safe to run after any failure."""


class RepeatableTrial(Trial):
    """A trial whose effect can be had again and again on one connection; see `repro.probe.turns`."""

    __slots__ = ()

    probe: Probe

    @property
    @abstractmethod
    def at(self) -> StageName:
        """The stage that the effect, asked for last, has come to."""

    @abstractmethod
    def first(self) -> Conversation:
        """Open what is probed and have the effect once, its stages told."""

    @abstractmethod
    def greeting(self) -> Generator[Any, Any, Any]:
        """The smallest exchange with the server, which has no effect."""

    @abstractmethod
    def again(self, number: int) -> Generator[Any, Any, Any]:
        """The effect alone, once more.

        Args:
            number: of the turn; each writes something of its own.
        """

    @abstractmethod
    def undo(self, number: int) -> Conversation:
        """Take away at once what would be in the way of the turns to come."""


@dataclass(frozen=True, slots=True)
class Probe(ABC):
    """What a script says of its driver.

    Args:
        name: the probe's name, such as ``tcp.psycopg``.
        transport: ``tcp``, ``http`` or ``websocket``.
        package: the distribution whose version is the driver's version; None where there is none.
        uses: the module of `repro.persistence` to load before the request arrives.
        predict: the endpoints that will be dialled for this target, known without any packet.
        connect: opens the driver or the transport; called with that module and the request.
        versions: further versions worth reporting, by name, such as libpq's.
        notes: what the reader should know of what was opened, such as a parameter that had to be removed.
        asynchronous: whether it is awaited, ``connect`` included.
        missing: why its driver is not there, or None; for drivers that are no distribution of Python's.
        driver: the driver's name and version, where ``package`` cannot tell them.
    """

    name: str
    transport: str
    package: str | None
    uses: str
    predict: Callable[[Request], Sequence[Endpoint]]
    connect: Callable[[ModuleType, Request], Any]
    versions: Callable[[], dict[str, str]] = dict
    notes: Callable[[Any], list[str]] = lambda _opened: []
    asynchronous: bool = False
    missing: Callable[[], str | None] = lambda: None
    driver: Callable[[], dict[str, str | None]] | None = None

    writing: ClassVar[StageName]
    """The stage at which the effect is applied."""

    @property
    def batch(self) -> bool:
        """Whether everything goes in one request, which the server answers as a whole."""
        return self.transport == "http"

    @property
    def tunnelled(self) -> bool:
        """Whether the driver reaches the target through a hop of its own inside this machine."""
        return self.transport == "websocket"

    @property
    @abstractmethod
    def stages(self) -> tuple[StageName, ...]:
        """The stages this probe goes through, in order of time."""

    @abstractmethod
    def not_configured(self, settings: Settings) -> str | None:
        """Why it cannot run on a target, or None."""

    @abstractmethod
    def trial(self, request: Request, recorder: Recorder) -> Trial:
        """One run of it."""


def atomicity(status: str, *, backends: Sequence[int] = (), xids: Sequence[str] = ()) -> dict[str, Any]:
    """The ``atomicity`` of an outcome."""
    return {"status": status, "backends": list(backends), "xids": list(xids), "detail": {}}
