"""What a probe is asked to do: a JSON document on standard input; the environment when it is run by hand.

The request comes on standard input so that no secret stands in the arguments or the environment of a
process list.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.persistence.settings import Settings

REQUEST_SCHEMA = "txrepro/request/1"
RUN_VARIABLE = "TXREPRO_RUN"
"""Set in a probe's environment by whoever will send it a request, however late."""

PARENT_VARIABLE = "TXREPRO_PARENT"
"""The process id of whoever started a probe: it ends when that process does."""

BY_HAND_WAIT_S = 2.0
"""How long a probe without that variable waits for a request on a pipe, before it reads the environment."""

Endpoint = Mapping[str, Any]


def judged(variables: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """A target's settings; libpq's own variables stand in for what its URL leaves out.

    Args:
        variables: the target's settings, under their environment names.
        environ: the process's environment; of it only ``PG*`` counts here.

    Raises:
        SettingsError: a value is of no use to any driver.
    """
    libpq = {name: value for name, value in environ.items() if name.startswith("PG")}
    return Settings.from_environment({**libpq, **variables})


class RequestError(ValueError):
    """The document on standard input is no request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What one probe is asked to do.

    Args:
        run_id: names the run; part of every name that the probe makes.
        variables: the target's settings under their environment names, such as ``DATABASE_URL``.
        environment: variables to set in the probe's own process first, such as ``SSL_CERT_FILE``.
        commit: write into a schema of the run's own and drop it; otherwise leave nothing durable behind.
        origin: the run's start, in seconds of the monotonic clock.
        jobs: how many jobs the transaction writes.
        salt: hexadecimal; makes a secret's token the same in everything that the run writes.
        turns: lines with turns will follow on standard input; see `repro.probe.turns`.
        remove: do nothing but remove what an earlier process of this probe made in this run.
    """

    run_id: str
    variables: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    commit: bool = False
    origin: float = field(default_factory=time.monotonic)
    jobs: int = 3
    salt: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    turns: bool = False
    remove: bool = False

    @property
    def settings(self) -> Settings:
        """The target, each value judged for its kind.

        Raises:
            SettingsError: a value is of no use to any driver.
        """
        return judged(self.variables, os.environ)

    @property
    def database_url(self) -> str:
        """The database's URL; a database probe is only tried where there is one."""
        return self.settings.require_database()

    @property
    def redis_url(self) -> str:
        """The queue's URL; a probe over Redis TCP is only tried where there is one."""
        return _present(self.settings.redis_url)

    @property
    def rest(self) -> tuple[str, str]:
        """The queue's REST URL and its token; a probe over REST is only tried where both are."""
        return _present(self.settings.rest_url), _present(self.settings.rest_token)

    def as_json(self) -> str:
        """The request as the document that `parse` reads."""
        return json.dumps(
            {
                "schema": REQUEST_SCHEMA,
                "run_id": self.run_id,
                "variables": dict(self.variables),
                "environment": dict(self.environment),
                "commit": self.commit,
                "origin": self.origin,
                "jobs": self.jobs,
                "salt": self.salt,
                "turns": self.turns,
                "remove": self.remove,
            }
        )


def _present(value: str | None) -> str:
    assert value is not None, "the probe is skipped where this is not set"  # noqa: S101
    return value


def parse(text: str) -> Request:
    """Read a request document.

    Raises:
        RequestError: it is not JSON, or not a request of this version.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RequestError("standard input holds no JSON document") from error
    if not isinstance(document, dict) or document.get("schema") != REQUEST_SCHEMA:
        raise RequestError(f"standard input holds no {REQUEST_SCHEMA} document")
    try:
        return Request(
            run_id=str(document["run_id"]),
            variables={str(name): str(value) for name, value in document["variables"].items()},
            environment={str(name): str(value) for name, value in document.get("environment", {}).items()},
            commit=document.get("commit") is True,
            origin=float(document.get("origin") or time.monotonic()),
            jobs=int(document.get("jobs", 3)),
            salt=bytes.fromhex(document.get("salt") or secrets.token_hex(16)).hex(),
            turns=document.get("turns") is True,
            remove=document.get("remove") is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(f"the request is incomplete: {type(error).__name__} {error}") from error


def from_environment(environ: Mapping[str, str]) -> Request:
    """The request of a probe that is run by hand: the environment's target, nothing durable left behind."""
    return Request(run_id=f"hand-{uuid.uuid4().hex[:8]}", variables=dict(environ))


def receive() -> Request:
    """The request from standard input, or the environment's where none is sent.

    Raises:
        RequestError: something was sent that is no request.
    """
    text = _standard_input()
    return parse(text) if text.strip() else from_environment(os.environ)


def _standard_input() -> str:
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    if RUN_VARIABLE not in os.environ and not _readable_within(BY_HAND_WAIT_S):
        return ""
    first = sys.stdin.readline()
    return first if _is_whole(first) else first + sys.stdin.read()


def _is_whole(line: str) -> bool:
    """Whether a line is a document by itself: what comes after it, perhaps much later, are turns."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _readable_within(seconds: float) -> bool:
    try:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
    except (OSError, ValueError):  # an ordinary file is always ready; some descriptors cannot be waited for
        return True
    return bool(ready)
