"""What the lines of one probe add up to, whether or not it lived to say its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from repro.document import Outcome, Stage
from repro.document.schema import validate_event, validate_part
from repro.events import Event
from repro.observe.catalog import Entry
from repro.observe.kernel_view import head
from repro.observe.trail import FIRST, LAST, Trail
from repro.probe import network
from repro.probe.operation import operation_of
from repro.probe.outcome import applied, ended
from repro.probe.recorder import StageRecord
from repro.probe.trial import atomicity
from repro.stages import STAGES
from repro.trace.kernel import View
from repro.trace.merge import merged


@dataclass(slots=True)
class Collected:
    """The lines of one probe so far.

    Args:
        entry: which probe it is.
    """

    entry: Entry
    hello: dict[str, Any] = field(default_factory=dict)
    predicted: list[Any] = field(default_factory=list)
    stages: dict[str, StageRecord] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)
    with_the_kernel: list[dict[str, Any]] | None = None
    asked: float | None = None
    makes: str | None = None
    removable: bool = False
    error: dict[str, Any] | None = None
    said: dict[str, Any] | None = None

    def take(self, line: bytes) -> tuple[str, dict[str, Any]] | None:
        """Take one line of the protocol; what is none of it is passed over.

        Returns:
            The kind of the line and its body, or None.

        Raises:
            InvalidDocument: a probe without the kit has said a line that is of another shape.
        """
        try:
            body = json.loads(line)
            kind = body.pop("line")
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not self.entry.is_python:
            self._hold(kind, body)
        try:
            self._keep(kind, body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return kind, body

    def _hold(self, kind: str, body: dict[str, Any]) -> None:
        """Hold a line against what will be made of it."""
        if kind == "hello":
            validate_part("outcome", replace(self, hello=body).blank("pass"), "hello")
            validate_part("operation[]", body.get("stages", []), "hello: stages")
        elif kind == "predicted":
            validate_part("outcome", {**self.blank("pass"), "predicted": body.get("predicted")}, "predicted")
        elif kind == "stage":
            ended = "pass" if body.get("status") == "running" else body.get("status")
            validate_part("stage", {**body, "status": ended}, "stage")
        elif kind == "event":
            validate_event(body)
        elif kind == "error":
            validate_part("error", body, "error")
        elif kind == "outcome":
            validate_part("outcome", replace(self, said=body).outcome(), "outcome")

    def _keep(self, kind: str, body: dict[str, Any]) -> None:
        if kind == "hello":
            self.hello = body
        elif kind == "predicted":
            self.predicted = body["predicted"]
        elif kind == "stage":
            self.stages[body["name"]] = cast("StageRecord", body)
        elif kind == "event":
            self.trail.take(body)
        elif kind == "makes":
            self.makes, self.removable = str(body["what"]), body.get("removable") is True
        elif kind == "error":
            self.error = body
        elif kind == "outcome":
            self.said = body

    def see_with_the_kernel(self, view: View, lines: list[dict[str, Any]], *, whole: bool = True) -> None:
        """Put what the kernel saw beside what the probe said of itself: one line for each fact.

        Args:
            view: what the kernel could see.
            lines: what it saw.
            whole: nothing of these lines was left out.
        """
        self.with_the_kernel = [
            head(view),
            *merged(self.trail.lines(), lines, whole=whole and not self.trail.left_out),
        ]

    def outcome(self) -> Outcome:
        """The outcome that the probe said; what it left out of it is what its lines said before."""
        assert self.said is not None  # noqa: S101 - asked only then
        told = {"predicted": self.predicted, "stages": self._told()}
        settled: dict[str, Any] = {"name": self.entry.name, "events": self._trace_file()}
        if self.trail.left_out:
            settled["notes"] = [*self.said.get("notes", ()), *self._not_kept()]
        return cast("Outcome", {**self.blank("crash"), **told, **self.said, **settled})

    def _told(self) -> list[StageRecord]:
        """The stages whose end it told, in the order of the document."""
        ended = [stage for stage in self.stages.values() if stage["status"] != "running"]
        return [stage for name in STAGES for stage in ended if stage["name"] == name]

    def skipped(self, reason: str) -> Outcome:
        """The outcome of a probe that did not run."""
        return cast("Outcome", {**self.blank("skip"), "reason": reason, "events": None})

    def interrupted(self, why: str) -> Outcome:
        """The outcome of a probe that was stopped early: nothing is claimed, what was seen is kept.

        One that had said its outcome already keeps it.

        Args:
            why: what stopped it.
        """
        if self.said is not None:
            return self.outcome()
        self._see_the_network()
        running = self.running()
        where = f"during {running}" if running else "before its first statement"
        stages = [
            {**stage, "status": "skip"} if stage["status"] == "running" else stage
            for stage in self.stages.values()
        ]
        found = {
            **self.blank("skip"),
            "reason": f"{why}: stopped {where}",
            "predicted": self.predicted,
            "stages": [stage for name in STAGES for stage in stages if stage["name"] == name],
            "applied": "unknown" if running in {"commit", "push"} else "no",
            "events": self._trace_file(),
            "notes": [*self.left_behind(), *self._not_kept()],
        }
        return cast("Outcome", found)

    def ended_by(self, status: str, failure: str, reason: str, *, now: float, log: list[str]) -> Outcome:
        """The outcome of a probe that said none.

        Args:
            status: ``timeout`` or ``crash``.
            failure: the failure class.
            reason: what ended it.
            now: seconds since the run's start.
            log: the last lines of its standard error.
        """
        error = self.error or self._error(failure, reason)
        self._see_the_network()
        expected = self.expected
        writing = "commit" if "commit" in expected else "push"
        found = {
            **self.blank(status if self.error is None else "fail"),
            "reason": reason,
            "predicted": self.predicted,
            "stages": ended(self.stages, expected, error, now),
            "error": error,
            "applied": applied(self.stages, error, writing),
            "events": self._trace_file(),
            "notes": [*self.left_behind(), *self._not_kept()],
            "duration_ms": round((now - (self.asked or now)) * 1000, 3),
            "log": log,
        }
        return cast("Outcome", found)

    def _error(self, failure: str, reason: str) -> dict[str, Any]:
        events = [Event.from_json(line) for line in self.events]
        operation = operation_of(
            failure,
            None,
            running=self.running(),
            stages=self.stages,
            expected=self.expected,
            events=events,
            batch=self._transport() == "http",
        )
        return {
            "failure": failure,
            "operation": operation,
            "type": "repro.observe.Deadline" if failure == "timeout" else "repro.observe.Crash",
            "message": reason,
            "sqlstate": None,
            "errno": None,
            "address": network.last_address(events),
            "chain": [],
        }

    def _not_kept(self) -> list[str]:
        if not self.trail.left_out:
            return []
        kept = f"the first {FIRST:,} events and the last {LAST:,}"
        return [f"its trace holds {kept}; {self.trail.left_out:,} between them are not kept"]

    @property
    def to_remove(self) -> bool:
        """Whether it was ended before it could clean up, and can be asked to remove what it made."""
        return self.said is None and self.removable and bool(self.left_behind())

    def removed(self) -> None:
        """What it made has been removed since."""
        self.makes = None

    def left_behind(self) -> list[str]:
        """What may be left on the target, and how to remove it; nothing where it has cleaned up."""
        cleaned = "cleanup" in self.stages and self.stages["cleanup"]["status"] == "pass"
        return [f"left behind, perhaps: {self.makes}"] if self.makes and not cleaned else []

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its trace lines, with what the kernel saw once it has ended."""
        return self.trail.lines() if self.with_the_kernel is None else self.with_the_kernel

    @property
    def expected(self) -> list[str]:
        """The stages that the probe goes through; before it says so, all there are."""
        return list(self.hello.get("stages", STAGES))

    def _see_the_network(self) -> None:
        """Add the network's stages that the events tell of and that nobody had told yet."""
        events = [Event.from_json(line) for line in self.events]
        for stage in network.stages(events, self._transport(), lambda moment: moment):
            self.stages.setdefault(stage["name"], stage)

    def _transport(self) -> str:
        return str(self.hello.get("transport", "tcp"))

    def running(self) -> str | None:
        """The stage that was under way at the last line."""
        return next(
            (name for name, stage in reversed(self.stages.items()) if stage["status"] == "running"), None
        )

    def _trace_file(self) -> str | None:
        return f"trace/{self.entry.name}.jsonl" if self.hello else None

    def blank(self, status: str) -> dict[str, Any]:
        """Every key of the contract, with nothing known."""
        return {
            "name": self.entry.name,
            "driver": self.hello.get("driver", {"name": None, "version": None}),
            "transport": self.hello.get("transport"),
            "predicted": [],
            "status": status,
            "reason": None,
            "duration_ms": 0.0,
            "stages": [],
            "error": None,
            "atomicity": atomicity("not_checked" if "commit" in self.expected else "not_applicable"),
            "applied": "no",
            "events": None,
            "versions": self.hello.get("versions", {}),
            "notes": [],
        }


def as_stage(body: Mapping[str, Any]) -> Stage:
    """A stage line's body as the document's stage."""
    return cast("Stage", dict(body))
