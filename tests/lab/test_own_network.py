"""A network of a process's own has a loopback, and none of the ports of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

PROGRAM = """
import os, socket, sys
from repro.lab.own_network import enter
before = os.geteuid(), os.getegid()
try:
    enter()
except OSError as error:
    sys.exit(f"not allowed: {error}")
assert (os.geteuid(), os.getegid()) == before
port = int(sys.argv[1])
with socket.socket() as tried:
    assert tried.connect_ex(("127.0.0.1", port)), "what listens outside is reached"
with socket.create_server(("127.0.0.1", port)) as ours, socket.create_connection(ours.getsockname()):
    print("free, and reached")
"""


def test_a_port_that_is_taken_on_the_machine_is_free_in_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        if "not allowed" in done.stderr:
            pytest.skip(done.stderr.strip())
        assert (done.stdout, done.returncode) == ("free, and reached\n", 0), done.stderr
        with socket.create_connection(taken.getsockname()):
            pass  # this process has stayed where it was
