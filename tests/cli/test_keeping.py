"""``repro lab up``: a lab for other programs, for as long as somebody wants it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from repro.cli import dotenv, keeping

READY_S = 60


@contextmanager
def up(*flags: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "repro", "lab", "up", *flags]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def first_bytes(process: subprocess.Popen[bytes]) -> bytes:
    """What it prints when it is ready; it is written at once."""
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 65536)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_environment_runs_until_it_is_told_and_leaves_nothing(number: signal.Signals) -> None:
    with up() as process:
        environment = {entry.name: entry.value for entry in dotenv.parse(first_bytes(process).decode())}
        certificate = environment["SSL_CERT_FILE"]
        assert os.path.exists(certificate)  # noqa: PTH110 - a string of the environment

        process.send_signal(number)
        rest, errors = process.communicate(timeout=READY_S)

    assert process.returncode == 0
    assert rest == b""
    assert errors.decode().splitlines()[-1] == "lab     stopped"
    assert not os.path.exists(certificate)  # noqa: PTH110
    assert {"DATABASE_URL", "POSTGRES_URL", "UPSTASH_REDIS_URL", "NEON_WS_PROXY"} <= set(environment)
    assert not any(value.encode() in errors for value in environment.values())


def test_with_json_the_environment_is_one_object() -> None:
    with up("--json") as process:
        environment = json.loads(first_bytes(process))

    assert environment["DATABASE_URL"].startswith("postgresql://")


def test_the_lines_are_assignments() -> None:
    text = keeping.as_lines({"A": "x", "B": "a b"})

    assert text == "A=x\nB='a b'\n"
