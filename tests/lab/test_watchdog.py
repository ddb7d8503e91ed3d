from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.lab.errors import LabError
from repro.lab.guard import Guard
from repro.lab.watchdog import Charge, Ward, listen

STUBBORN = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""

DYING_LAB = """
import os, signal, subprocess, sys
from pathlib import Path
from repro.lab.guard import Guard
guard = Guard.start()
folder = Path(sys.argv[1])
guard.folder(folder)
child = subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=subprocess.DEVNULL)
guard.process(child.pid, signal.SIGTERM)
print(child.pid, guard.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

Eventually = Callable[[Callable[[], bool]], bool]


def pidfd_of(process: subprocess.Popen[bytes]) -> int | None:
    return os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None


def test_what_a_killed_lab_leaves_is_ended_and_removed(
    tmp_path: Path, eventually: Eventually, is_running: Callable[[int], bool]
) -> None:
    folder = tmp_path / "lab"
    (folder / "data").mkdir(parents=True)
    source = str(Path(__file__).parents[2])
    lab = subprocess.run(
        [sys.executable, "-c", DYING_LAB, str(folder)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"PYTHONPATH": source},
    )
    assert lab.returncode == -signal.SIGKILL
    child, watchdog = map(int, lab.stdout.split())
    assert eventually(lambda: not is_running(child) and not folder.exists())
    assert eventually(lambda: not is_running(watchdog))


def test_a_dismissed_watchdog_touches_nothing(tmp_path: Path) -> None:
    guard = Guard.start()
    guard.folder(tmp_path)
    guard.dismiss()
    assert tmp_path.exists()
    with pytest.raises(LabError, match="watchdog has ended"):
        guard.folder(tmp_path)


def test_a_process_that_ignores_signals_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.lab.watchdog._GRACE_S", 0.05)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        charge = Charge()
        charge.wards[process.pid] = Ward(process.pid, signal.SIGTERM, pidfd_of(process))
        charge.clean_up()
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no pidfds here")
def test_a_number_that_another_process_got_is_not_hit() -> None:
    """The pidfd is of a process that has ended, the number that of a living one, as after its reuse."""
    with subprocess.Popen(["true"]) as ended, subprocess.Popen(["sleep", "60"]) as living:
        pidfd = os.pidfd_open(ended.pid)
        ended.wait(10)
        charge = Charge()
        charge.wards[living.pid] = Ward(living.pid, signal.SIGKILL, pidfd)
        charge.clean_up()
        assert living.poll() is None
        living.kill()
        assert living.wait(10) == -signal.SIGKILL
        charge.wards[living.pid].close()


def test_messages_are_followed_in_pieces_and_to_the_end() -> None:
    ours, theirs = socket.socketpair()
    charge = Charge()
    lines = b"".join(
        json.dumps(message).encode() + b"\n"
        for message in (
            {"process": 1, "signal": 15},
            {"process": 2, "signal": 2},
            {"ended": 1},
            {"folder": "/f"},
        )
    )
    with ours, theirs:
        for start in range(0, len(lines), 7):
            ours.sendall(lines[start : start + 7])
        ours.shutdown(socket.SHUT_WR)
        assert listen(theirs, charge) is False
    assert (list(charge.wards), charge.folders) == ([2], ["/f"])


def test_done_is_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"done": true}\n')
        assert listen(theirs, Charge()) is True
