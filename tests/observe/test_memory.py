"""How much memory a process and its children hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from repro.observe.memory import used

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

MEBIBYTE = 1 << 20
HOLDING = "held = b'x' * (64 << 20); print(flush=True); input()"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.mark.parametrize("script", [[HOLDING], [PARENT, HOLDING]], ids=["itself", "its child"])
def test_what_a_process_or_its_child_holds_is_counted(script: list[str]) -> None:
    command = [sys.executable, "-c", *script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert 64 * MEBIBYTE < used(process.pid) < 200 * MEBIBYTE
        process.communicate(b"\n")

    assert used(process.pid) == 0
