"""Commands that run under the kernel's eyes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repro.events import Event
from repro.trace.kernel import KernelSource, View
from repro.trace.kernel.supervisor import Detour


@dataclass
class Watched:
    """A command that has ended: its exit code, what it said, and what the kernel saw."""

    code: int
    output: str
    view: View
    events: list[tuple[int, Event]] = field(default_factory=list)

    @property
    def connects(self) -> list[Event]:
        return [event for _, event in self.events if event.op == "connect"]

    @property
    def attempts(self) -> list[tuple[str, str | None, str | None]]:
        return [(str(event.peer), event.failure, event.errno) for event in self.connects]


def watched(argv: Sequence[str], *, detour: Detour | None = None, timeout_s: float = 60) -> Watched:
    """Run a command to its end under the kernel's eyes."""
    events: list[tuple[int, Event]] = []
    source = KernelSource(lambda process, event: events.append((process, event)), detour=detour)
    with subprocess.Popen(
        source.command(argv),
        pass_fds=source.descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        source.watch()
        try:
            output, _ = process.communicate(timeout=timeout_s)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
    source.wait(timeout_s)
    view = source.view()
    source.stop()
    return Watched(process.returncode, output, view, events)


def python(code: str) -> list[str]:
    """A command that runs a text of Python."""
    return [sys.executable, "-c", code]


@pytest.fixture
def both_families(tmp_path: Path) -> Callable[[Sequence[str]], list[str]]:
    """Makes a command for which ``localhost`` is ``::1`` and ``127.0.0.1``, in a namespace of its own."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n::1 localhost\n")
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
    if subprocess.run([*unshare, "sh", "-c", script, "sh", hosts, "true"], check=False).returncode:
        pytest.skip("no mount namespace is allowed here")
    return lambda argv: [*unshare, "sh", "-c", script, "sh", str(hosts), *argv]
