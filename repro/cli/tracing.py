"""A program under the kernel's eyes and a tap, its events shown as they come and written at the end."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro import plain_json
from repro.cli import errors, wording
from repro.cli.asked import Asked, asked_of_us
from repro.document import visibility
from repro.events import Event
from repro.probe.secrets import redactor_for
from repro.redaction import Redactor
from repro.trace.formats.fields import Connection
from repro.trace.formats.node_debug import node_debug
from repro.trace.formats.ooni import netevents
from repro.trace.formats.otel import attributes
from repro.trace.formats.pcapng import pcapng
from repro.trace.formats.timeline import line_of, opened
from repro.trace.kernel import KernelSource, View
from repro.trace.tap import Tap

if TYPE_CHECKING:
    from repro.trace.tap.termination import Termination

MOST_EVENTS = 1_000_000
"""Events kept for the files; what comes later is shown, and counted."""

Line = dict[str, Any]


def trace(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    """Run a program to its end, and answer with its exit code.

    Raises:
        CannotTest: this is no Linux, or the program cannot be started.
        OutputError: a file cannot be written.
    """
    if not sys.platform.startswith("linux"):
        raise errors.CannotTest("repro trace needs the Linux kernel; probes are traced by hooks everywhere")
    for path in _paths(arguments):
        _check_writable(path)
    redactor = redactor_for({}, os.environ, secrets.token_hex(16))
    events = Events(_shower(arguments), redactor, kept=bool(_paths(arguments)))
    with asked_of_us() as asked:
        code = _traced(arguments, words, events, asked)
    _say_end(code, events)
    _write_files(arguments, events)
    return 128 - code if code < 0 else code


def _traced(arguments: argparse.Namespace, words: Sequence[str], events: Events, asked: Asked) -> int:
    termination = _termination() if arguments.tls else None
    tap = None if arguments.no_tap else Tap(events.tell, termination=termination)
    source = KernelSource(events.tell, detour=None if tap is None else tap.detour)
    try:
        return _run(source, words, {} if termination is None else termination.environment(), events, asked)
    finally:
        source.stop()
        if tap is not None:
            tap.close()
        if termination is not None:
            termination.close()


def _termination() -> Termination:
    try:
        from repro.trace.tap.termination import Termination  # noqa: PLC0415 - needs a package of the lab's extra
    except ImportError as error:
        raise errors.UsageError("--tls needs trustme; install txrepro[lab]") from error
    return Termination()


class Events:
    """The events of one program: shown at once, kept for the files.

    Args:
        show: is given each line.
        redactor: knows the secrets of our environment, which the program inherits.
        kept: whether they are needed for files.
    """

    def __init__(self, show: Callable[[Line], None], redactor: Redactor, *, kept: bool) -> None:
        self._kept = kept
        self._show = show
        self._redactor = redactor
        self._lock = threading.Lock()
        self.origin = time.monotonic()
        self.wall_offset_s = time.time() - self.origin
        self.started_at = datetime.now(UTC)
        self.lines: list[Line] = []
        self.count = 0
        self.connects = 0
        self.failed = 0

    @property
    def redactor(self) -> Redactor:
        """What knows the secrets."""
        return self._redactor

    def tell(self, process: int, event: Event) -> None:
        """Take an event, from any thread."""
        with self._lock:
            self.count += 1
            line: Line = self._redactor.value(event.as_json(seq=self.count, pid=process, origin=self.origin))
            if event.op == "connect":
                self.connects += 1
                self.failed += event.failure is not None
            if self._kept and len(self.lines) < MOST_EVENTS:
                self.lines.append(line)
            self._show(line)

    def head(self, view: View, words: Sequence[str]) -> None:
        """Say what can be seen."""
        line: Line = {
            **visibility.record(
                run_id="trace",
                probe=Path(words[0]).name,
                sources=["kernel", "tap"],
                cannot_see=["what lookups were answered", "Unix sockets", "datagrams"],
                wall_clock_origin=self.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            ),
            "kernel": view.source or "none",
            "kernel.reason": view.reason,
            "kernel.lost": view.lost,
        }
        with self._lock:
            self.lines.insert(0, line)


def _run(
    source: KernelSource, words: Sequence[str], changes: Mapping[str, str], events: Events, asked: Asked
) -> int:
    try:
        with asked.left_to_others():
            process = subprocess.Popen(
                source.command(words), pass_fds=source.descriptors, env={**os.environ, **changes}
            )
    except OSError as error:
        raise errors.CannotTest(f"the launcher cannot be started: {error.strerror}") from error
    source.watch()
    view = source.view()
    events.head(view, words)
    _say_view(view)
    code = asked.handed_on_until_the_end(process)
    asked.patient_with(source)
    return code


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


def _say_end(code: int, events: Events) -> None:
    tail = (
        f"{wording.counted(events.connects, 'connect')}, {events.failed} failed"
        if events.connects
        else "no connects"
    )
    ended = f"ended by {_signal_name(-code)}" if code < 0 else f"exit code {code}"
    errors.tell(f"trace   {ended}; {tail}, {wording.counted(events.count, 'event')}")


def _say_view(view: View) -> None:
    if view.source == "seccomp" and view.reason is None:
        return
    how = f"by {view.source}: connects only, no lookups and no messages" if view.source else "nothing"
    errors.tell(f"trace   seen is {how} ({view.reason})")


class _Readable:
    """Lines for people: the process and the connection are told once there is more than one."""

    def __init__(self) -> None:
        self._processes: set[int] = set()
        self._connections: set[Connection] = set()

    def line(self, line: Line) -> str:
        """One event."""
        if line["pid"] is not None:
            self._processes.add(line["pid"])
        if (connection := opened(line)) is not None:
            self._connections.add(connection)
        return line_of(line, pid=len(self._processes) > 1, conn=len(self._connections) > 1)


def _shower(arguments: argparse.Namespace) -> Callable[[Line], None]:
    if arguments.quiet:
        return lambda _: None
    readable = _Readable()
    forms: dict[str, Callable[[Line], list[str]]] = {
        "timeline": lambda line: [readable.line(line)],
        "json": lambda line: [json.dumps(line, separators=(",", ":"))],
        "node": lambda line: list(node_debug([line])),
    }
    as_text = forms[arguments.format]

    def show(line: Line) -> None:
        with suppress(OSError, ValueError, AttributeError):  # closed, full, or not there
            sys.stderr.write("".join(f"{text}\n" for text in as_text(line)))
            sys.stderr.flush()

    return show


def _paths(arguments: argparse.Namespace) -> list[Path]:
    return [
        path for path in (arguments.out, arguments.pcapng, arguments.otel, arguments.ooni) if path is not None
    ]


def _check_writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise errors.UsageError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise errors.UsageError(f"{path} is a folder; give a file")
    try:
        path.open("ab").close()
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _write_files(arguments: argparse.Namespace, events: Events) -> None:
    lines = events.lines
    if arguments.out is not None:
        texts = (plain_json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        _write(arguments.out, "".join(texts).encode("utf-8", "backslashreplace"), events.redactor)
    if arguments.pcapng is not None:
        data = b"".join(pcapng(lines, wall_offset_s=events.wall_offset_s + events.origin))
        _write(arguments.pcapng, data, events.redactor)
    if arguments.otel is not None:
        texts = (plain_json.dumps(attributes(line)) + "\n" for line in lines)
        _write(arguments.otel, "".join(texts).encode("utf-8", "backslashreplace"), events.redactor)
    if arguments.ooni is not None:
        text = plain_json.dumps(netevents(lines), indent=1)
        _write(arguments.ooni, text.encode("utf-8", "backslashreplace"), events.redactor)


def _write(path: Path, data: bytes, redactor: Redactor) -> None:
    """Write a file, after a last look for secrets.

    Raises:
        SecretFound: one would have been written; a bug.
        UsageError: the file cannot be written.
    """
    redactor.check(data, path.name)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be written: {error.strerror}") from error
    errors.tell(f"trace   {path}")
