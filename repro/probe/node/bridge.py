"""A Node process that carries out what is asked of its driver, one request after the other."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from repro import hooks
from repro.probe.node.errors import error_of, unsettled
from repro.probe.node.events import Preload

_LEAVE_S = 3.0
_SETTLE_S = 1.0
"""Seconds that a promise has after an exception that nobody caught, which ends an application at once."""

_LOG_BYTES = 16_384

_SETTINGS = (
    *("DATABASE_URL", "POSTGRES_URL", "POSTGRES_URL_NON_POOLING", "NEON_FETCH_ENDPOINT", "NEON_WS_PROXY"),
    *("UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
)
"""What a script may be told. It comes on standard input, so that it stands in no environment."""


MOST_EVENTS = 100_000
"""Events handed on of one process; a driver that reconnects without end must not fill the memory."""


class NodeEnded(Exception):  # noqa: N818 - it says what happened
    """The Node process ended before it answered; the message has its last words."""


class Bridge:
    """One script, its process, and the line between.

    Args:
        folder: where the scripts and their packages are.
        script: the script's name.
        variables: the target's settings, under their environment names.
        said: is told each line that a program in the script prints.
    """

    def __init__(
        self,
        folder: Path,
        script: str,
        variables: Mapping[str, str],
        *,
        said: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._heard = said
        self._numbers = itertools.count(1)
        self._events = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with this
        reading, writing = os.pipe()
        self._answers = os.fdopen(reading, "rb")
        try:
            self._process = subprocess.Popen(
                ["node", "--require", str(folder / "trace.cjs"), str(folder / script)],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(writing,),
                env=_environment(writing),
            )
        finally:
            os.close(writing)
        self._preload = Preload(self._process.pid)
        self._variables = {name: variables[name] for name in _SETTINGS if variables.get(name)}

    def open(self) -> None:
        """Have the driver made and opened."""
        self.ask("open", variables=self._variables)

    def ask(self, what: str, **given: Any) -> Any:
        """Ask, and wait for the answer; what happens meanwhile on the network is told as it comes.

        Raises:
            NodeError: what the script raised, or what nobody in it caught; the process is over then.
            NodeEnded: if the process has ended.
        """
        number = next(self._numbers)
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(json.dumps({"id": number, "ask": what, **given}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise NodeEnded(self._how_it_ended()) from error
        for line in self._answers:
            told = json.loads(line)
            if told.get("id") == number:
                if "error" in told:
                    raise error_of(told["error"])
                return told["answer"]
            if "uncaught" in told:
                raise self._uncaught(told["uncaught"], number)
            self._tell(told)
        raise NodeEnded(self._how_it_ended())

    def _uncaught(self, link: Mapping[str, Any], number: int) -> BaseException:
        """What nobody caught; it stands below another error where the promise then never settles."""
        deadline = threading.Timer(_SETTLE_S, self.kill)
        deadline.start()
        try:
            for line in self._answers:  # which end with the process
                told = json.loads(line)
                if told.get("id") == number:
                    return error_of(link)
                self._tell(told)
            return unsettled(link, _SETTLE_S)
        finally:
            deadline.cancel()
            self.kill()

    def _tell(self, line: Mapping[str, Any]) -> None:
        """Hand on what the preload says; an answer that comes late is nobody's."""
        if "id" in line or "uncaught" in line:
            return
        if "said" in line:
            self._heard(str(line["said"]))
            return
        for event in self._preload.events(line):
            self._events += 1
            if self._events <= MOST_EVENTS:
                hooks.tell(event)

    def close(self) -> None:
        """End the process. Safe to repeat."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for line in self._answers:  # what it said last
            with suppress(ValueError, KeyError):
                self._tell(json.loads(line))
        self._answers.close()
        sys.stderr.write(self._said())
        self._log.close()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_S)
        words = [line for line in self._said().splitlines() if re.match(r"\w*Error\b", line.strip())]
        why = f": {words[-1].strip()}" if words else ""
        return f"the Node process ended by itself, with {self._process.returncode}{why}"

    def _said(self) -> str:
        """What the script and its driver wrote, its end."""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG_BYTES))
        return self._log.read().decode("utf-8", "replace")


def _environment(channel: int) -> dict[str, str]:
    """What the process inherits: everything but the settings, which it is told; and where it is to answer."""
    kept = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    return {**kept, "REPRO_CHANNEL": str(channel)}
