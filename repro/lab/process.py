"""The handle on a lab, which runs in a process of its own."""

from __future__ import annotations

import contextlib
import os
import select
import site
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import repro
from repro.lab.errors import LabError
from repro.lab.messages import LabConfig, Ready, ServerInfo, read_answer

__all__ = ["Lab", "LabError"]

_STOP_S = 20.0
_KEPT_VARIABLES = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP"}
    | {"VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
)


class Lab:
    """A lab that was started. Its methods may be called from any thread.

    ``environment``, ``servers``, ``plain`` and ``read_only_token`` are there once `wait_ready` has returned.
    """

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self._received = b""
        self._ready: Ready | None = None
        self._reading = threading.Lock()
        self._stopping = threading.Lock()

    @classmethod
    def launch(cls, *, postgres_bindir: Path | None = None, redis_server: Path | None = None) -> Lab:
        """Start a lab and return at once.

        The lab ends with `stop`, or when this process ends, however it ends.

        Args:
            postgres_bindir: a folder with ``postgres`` and ``initdb``, instead of the installed wheel's.
            redis_server: a Redis or Valkey server program, instead of the installed wheel's.

        Raises:
            LabError: the process cannot be started.
        """
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - the lab's for as long as it runs
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "repro.lab"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        except OSError as error:
            errors.close()
            raise LabError(f"the lab cannot be started: {error}") from error
        lab = cls(process, errors)
        lab._configure(LabConfig(_absolute(postgres_bindir), _absolute(redis_server)))
        return lab

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until every server of the lab answers.

        Args:
            timeout_s: how long to wait, in seconds. The lab goes on starting when it has passed.

        Raises:
            LabError: it cannot start (the message says why and what to do), was stopped, or took longer.
        """
        deadline = time.monotonic() + timeout_s
        with self._reading:
            if self._ready is not None:
                return
            answer = self._read_answer(deadline, timeout_s)
            if "error" in answer:
                raise LabError(answer["error"])
            self._ready = cast("Ready", answer)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a client finds the lab: URLs, endpoints, token, CA file."""
        return dict(self._answer["environment"])

    @property
    def plain(self) -> dict[str, str]:
        """The same endpoints without TLS, as far as they differ."""
        return dict(self._answer["plain"])

    @property
    def servers(self) -> list[ServerInfo]:
        """Name, version, process id and ports of each server."""
        return list(self._answer["servers"])

    @property
    def read_only_token(self) -> str:
        """The bearer token of the Upstash gateway that may only read."""
        return self._answer["read_only_token"]

    @property
    def pids(self) -> list[int]:
        """Every process of the lab, those without a port included."""
        return sorted(
            {self._answer["pid"], self._answer["watchdog_pid"], *(server["pid"] for server in self.servers)}
        )

    def ended(self) -> list[str]:
        """The servers that have ended by themselves; ``lab`` where its own process has. Returns at once."""
        if self._process.poll() is not None:
            return ["lab"]
        return [server["name"] for server in self.servers if not _runs(server["pid"])]

    @property
    def folders(self) -> list[Path]:
        """The folders that the lab uses and removes."""
        return [Path(folder) for folder in self._answer["folders"]]

    def stop(self) -> None:
        """End the lab and wait for its end. May be called twice, and at any time.

        A lab that does not end by itself is killed; its watchdog then ends the servers.
        """
        with self._stopping:
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            with self._reading:  # whoever waits for the lab has seen the end of its output by now
                if self._process.stdout is not None:
                    self._process.stdout.close()
                self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _answer(self) -> Ready:
        if self._ready is None:
            raise LabError("the lab is not ready: wait for it first")
        return self._ready

    def _configure(self, config: LabConfig) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended already: wait_ready says why
                self._process.stdin.write(config.as_line())
                self._process.stdin.flush()

    def _read_answer(self, deadline: float, timeout_s: float) -> dict[str, Any]:
        output = self._process.stdout
        if output is None or output.closed:
            raise LabError("the lab was stopped")
        while b"\n" not in self._received:
            readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise LabError(f"the lab was not ready after {timeout_s:g} s")
            data = os.read(output.fileno(), 65536)
            if not data:
                raise LabError(f"the lab ended before it was ready: {self._last_error()}")
            self._received += data
        return read_answer(self._received)

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().split("\n")
        return lines[-1].strip() or "it said nothing"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's, so it is there
        return True
    return True


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _environment() -> dict[str, str]:
    """The lab's environment: no secret of the user's, and no setting of libpq, OpenSSL or a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_VARIABLES or name.startswith("PYTHON")
    }
    source = Path(repro.__file__).resolve().parent.parent
    if str(source) not in {
        *site.getsitepackages(),
        site.getusersitepackages(),
    }:  # a checkout: the child looks there too
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(source), kept.get("PYTHONPATH")]))
    return kept
