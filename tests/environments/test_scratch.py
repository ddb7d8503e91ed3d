"""Temporary folders in a cache: gone with their maker, however it ended, and nobody else's."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from repro.environments.scratch import scratch

MAKER = """
import sys
from pathlib import Path
from repro.environments.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "node_modules").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def maker(cache: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(cache)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_maker_has_left_goes_at_the_next_use_and_a_living_one_s_stays(tmp_path: Path) -> None:
    killed, left = maker(tmp_path)
    living, used = maker(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.exists()

    with scratch(tmp_path) as folder:
        assert sorted(tmp_path.iterdir()) == sorted([folder, used])
        assert (used / "node_modules").is_dir()

    living.communicate("")
    assert living.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_complete_and_what_is_another_s_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "packages-1").mkdir()
    (cache / "tmp-link").symlink_to(elsewhere)
    (cache / "tmp-file").touch()
    with scratch(cache):
        pass
    assert {each.name for each in cache.iterdir()} == {"packages-1", "tmp-link", "tmp-file"}
    assert elsewhere.is_dir()


def test_many_at_a_time_keep_their_folders(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    kept: list[bool] = []

    def use() -> None:
        together.wait()
        for _ in range(20):
            with scratch(tmp_path) as folder:
                kept.append(folder.is_dir())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept == [True] * 160
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError), scratch(tmp_path):
        pass


def test_where_folders_have_no_locks_nothing_is_swept_and_all_else_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp-of-somebody").mkdir()

    def as_on_nfs(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", as_on_nfs)
    with scratch(tmp_path) as folder:
        assert folder.is_dir()

    assert not folder.exists()
    assert (tmp_path / "tmp-of-somebody").exists()
