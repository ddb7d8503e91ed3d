"""``repro lab gateway``: the serverless protocols before a database of one's own, until somebody ends it."""

from __future__ import annotations

import argparse
import os
import queue
import signal

from repro.cli import errors, keeping, output, target
from repro.diagnose.urls import is_of_this_machine
from repro.lab.errors import LabError
from repro.lab.gateway_before import gateway_before
from repro.persistence.dsn import Url, parse_url

_POSTGRES_PORT = 5432


def run(arguments: argparse.Namespace) -> int:
    """Start it, print where drivers find it, and keep it.

    Raises:
        UsageError: no database is set, or it is not on this machine.
        CannotTest: it does not start.
    """
    host, port = _database(target.resolve(os.environ, env_file=arguments.env_file))
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    try:
        with gateway_before(host, port) as found:
            keeping.hear(signals, signal.SIGINT, signal.SIGTERM)
            errors.tell(f"gateway before {host}:{port}; Ctrl-C stops it")
            output.write(keeping.as_json(found) if arguments.json else keeping.as_lines(found))
            signals.get()
    except LabError as error:
        raise errors.CannotTest(f"the gateway: {error}") from error
    errors.tell("gateway stopped")
    return errors.OK


def _database(aimed: target.Target) -> tuple[str, int]:
    """Host and port of the database, which must be here: the gateway dials it without TLS.

    Raises:
        UsageError: there is none, or it is elsewhere.
    """
    name = next((each for each in ("DATABASE_URL", "POSTGRES_URL") if each in aimed.variables), None)
    if name is None:
        raise errors.UsageError("lab gateway: set DATABASE_URL, or name an --env-file that has it")
    url: Url = parse_url(aimed.variables[name])
    if not is_of_this_machine(url.host):
        raise errors.UsageError(
            f"{aimed.sources[name]}: the gateway dials without TLS, so the host must be localhost"
        )
    return url.host, url.port or _POSTGRES_PORT
