"""One probe as it runs: its stages and events, a readable line or a JSON line each, on standard output."""

from __future__ import annotations

import argparse
import dataclasses
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from repro import plain_json
from repro.cli import errors, output, selection, session, target, terminal, wording
from repro.cli.errors import plain
from repro.cli.terminal import Symbols
from repro.document import Outcome, Stage
from repro.lab.errors import LabError
from repro.observe.run import observe
from repro.probe.secrets import redactor_for

_NOT_SHOWN = frozenset({"seq", "t0", "t", "src", "op", "conn", "pid", "peer", "failure", "errno"})
_LONGEST_LINE = 400


def probe(arguments: argparse.Namespace) -> int:
    """Run one probe and show its lines.

    Raises:
        UsageError: there is no such probe, or the target cannot be used.
        CannotTest: the lab does not start.
    """
    entry = selection.named(arguments.name)
    aimed = target.resolve(os.environ, wanted=arguments.target, env_file=arguments.env_file)
    plan = session.plan_of(arguments, aimed, [])
    node = session.node_packages() if entry.is_node else {}
    plan = dataclasses.replace(plan, entries=(entry,), inherited=node)
    session.say_target(aimed)
    redactor = redactor_for(aimed.variables, os.environ, secrets.token_hex(16))

    def write(text: str) -> None:
        output.write(redactor.text(text))  # a probe that is not of the kit, or its log, may hold a secret

    symbols = terminal.of(sys.stdout, os.environ).symbols
    readable = ReadableLines(symbols, write, messages=arguments.messages)
    watcher = JsonLines(write) if arguments.json else readable
    try:
        seen = observe(plan, watcher)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    return errors.INTERRUPTED if seen.interrupted else _exit_code(seen.outcomes[0])


def _exit_code(outcome: Outcome) -> int:
    return {"pass": errors.OK, "skip": errors.COULD_NOT_TEST}.get(outcome["status"], errors.FINDING)


class JsonLines:
    """Hands on the lines of the probe protocol; the outcome is the one that the run takes it for.

    Args:
        write: where they go.
    """

    def __init__(self, write: Callable[[str], None] = output.write) -> None:
        self._write = write

    def lab(self, text: str) -> None:
        """Say the lab's state to people."""
        errors.tell(f"lab     {plain(text)}")

    def planned(self, probes: Sequence[str], share_s: float) -> None:
        """Nothing to say."""

    def started(self, probe: str) -> None:
        """Nothing to say."""

    def stage(self, probe: str, stage: Stage) -> None:
        """Nothing to say: its line came."""

    def line(self, probe: str, kind: str, body: Mapping[str, Any]) -> None:  # noqa: ARG002 - only one runs
        """Hand a line on."""
        if kind != "outcome":
            self._say(kind, body)

    def proving(self, cause: str) -> None:
        """Nothing to say: nothing is proved here."""

    def stopping(self, text: str) -> None:
        """Say it to people."""
        errors.tell(text)

    def finished(self, outcome: Outcome) -> None:
        """Hand on the outcome, which a probe that crashed did not say itself."""
        self._say("outcome", outcome)

    def _say(self, kind: str, body: Mapping[str, Any]) -> None:
        self._write(plain_json.dumps({"line": kind, **body}, default=str) + "\n")


class ReadableLines(JsonLines):
    """The same for people.

    Args:
        symbols: the marks.
        write: where they go.
        messages: show each message too, not only their number and those that tell of a failure.
    """

    def __init__(
        self, symbols: Symbols, write: Callable[[str], None] = output.write, *, messages: bool = False
    ) -> None:
        super().__init__(write)
        self._symbols = symbols
        self._messages = messages
        self._hidden = 0

    def line(self, probe: str, kind: str, body: Mapping[str, Any]) -> None:
        """Show a line."""
        if kind == "hello":
            self._show(f"{probe}: {wording.driver(body.get('driver'))} over {body.get('transport')}")
        elif kind == "predicted":
            for endpoint in body.get("predicted", ()):
                self._show(f"{'':9}  will dial {endpoint.get('url')}")
        elif kind == "event":
            if self._messages or body.get("failure") or not body.get("sender"):
                self._show(event_line(body))
            else:
                self._hidden += 1
        elif kind == "stage" and body.get("status") != "running":
            self._show(self._stage_line(body))

    def finished(self, outcome: Outcome) -> None:
        """Show what it came to."""
        error = outcome["error"]
        if error is not None:
            where = error["address"] or "no address"
            self._show(f"{self._symbols.failed} {error['failure']} at {error['operation']}, {where}")
            for link in error["chain"] or [
                {"type": error["type"], "message": error["message"], "code": None}
            ]:
                self._show(f"  {link['type']}: {link['message']}")
        for line in outcome.get("log", ()):
            self._show(f"  stderr  {line}")
        if self._hidden:
            self._show(f"{'':9}  {wording.counted(self._hidden, 'message')} not shown: --messages shows them")
        self._show(_result(outcome))

    def _stage_line(self, stage: Mapping[str, Any]) -> str:
        marks = {"pass": self._symbols.passed, "fail": self._symbols.failed}
        mark = marks.get(str(stage["status"]), self._symbols.skipped)
        if stage["status"] in {"skip", "not_applicable"}:
            return f"{'':9}  {mark} {stage['name']} {str(stage['status']).replace('_', ' ')}"
        failure = f" {stage['failure']}" if stage.get("failure") else ""
        return f"{_moment(stage)}  {mark} {stage['name']}{failure}  {_length(stage)}"

    def _show(self, line: str) -> None:
        indented = len(line) - len(line.lstrip())
        text = wording.shortened(plain_keeping_spaces(line.lstrip()), _LONGEST_LINE, self._symbols.ellipsis)
        self._write(" " * indented + text + "\n")


def plain_keeping_spaces(line: str) -> str:
    """Foreign text as data, with the columns of this module kept."""
    return "  ".join(plain(part) for part in line.split("  ") if part.strip())


def event_line(event: Mapping[str, Any]) -> str:
    """One event: when, what, with whom, how it went, how long it took."""
    fields = " ".join(
        f"{name}={_value(value)}"
        for name, value in event.items()
        if name not in _NOT_SHOWN and value is not None
    )
    how = " ".join(str(event[name]) for name in ("failure", "errno") if event.get(name))
    parts = [_moment(event), f"  {event['op']:<14}", _peer(event.get("peer")), how, fields, _length(event)]
    return "  ".join(part for part in parts if part)


def _peer(peer: Mapping[str, Any] | None) -> str:
    if peer is None:
        return ""
    if peer.get("port") is None:
        return str(peer["address"])
    address = f"[{peer['address']}]" if ":" in str(peer["address"]) else peer["address"]
    return f"{address}:{peer['port']}"


def _value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _moment(record: Mapping[str, Any]) -> str:
    return f"{record['t0']:7.3f} s"


def _length(record: Mapping[str, Any]) -> str:
    """How long it took; empty for what takes no time."""
    return wording.duration((record["t"] - record["t0"]) * 1000) if record["t"] > record["t0"] else ""


def _result(outcome: Outcome) -> str:
    reason = f": {outcome['reason']}" if outcome["reason"] else ""
    if outcome["status"] == "skip":
        return f"skip{reason}"
    atomicity = outcome["atomicity"]["status"].replace("_", " ")
    spent = wording.duration(outcome["duration_ms"])
    return f"{outcome['status']}{reason} in {spent}; applied: {outcome['applied']}; atomicity: {atomicity}"
