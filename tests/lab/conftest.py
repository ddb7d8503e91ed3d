"""What the lab's own tests share: certificates, a watchdog, and the end of processes."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repro.lab.certificates import TlsFiles, issue
from repro.lab.guard import Guard


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """Certificate files for ``localhost`` and ``127.0.0.1``."""
    return issue(["127.0.0.1"]).write(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def trusting(tls_files: TlsFiles) -> ssl.SSLContext:
    """A client's context that trusts those certificates."""
    return ssl.create_default_context(cafile=str(tls_files.ca))


@pytest.fixture
def guard() -> Iterator[Guard]:
    """A watchdog, dismissed at the end."""
    running = Guard.start()
    yield running
    running.dismiss()


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Poll a condition until it holds or twenty seconds have passed."""

    def poll(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return poll


@pytest.fixture(scope="session")
def is_running() -> Callable[[int], bool]:
    """Whether a process runs: one that has ended and was not reaped yet does not."""

    def runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except ProcessLookupError:
            return False
        except FileNotFoundError:
            return not Path("/proc/self").exists()

    return runs
