"""The lab's folders: where they are put, and how those of a lab that died are found.

A folder is alive while its lab holds the lock on its pid file. The kernel drops the lock with the process, so
a pid that was given to another process meanwhile deceives nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from repro.lab.account import reachable_by_others
from repro.lab.errors import LabError

PREFIX = "txrepro-lab-"
_PID_FILE = "lab.pid"
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder below it
_ENOUGH_MEMORY_BYTES = 256 << 20
_UNLOCKED_FOLDER_IS_STALE_AFTER_S = 600.0


class LabFolder:
    """A folder that is the lab's own and goes with it.

    Everybody may enter it, because a server of another account lives below and a client reads the CA in it;
    what is secret is kept in files and folders of mode 0600 and 0700.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, parent: Path) -> LabFolder:
        """Make a folder below ``parent`` and mark it as alive.

        Raises:
            LabError: ``parent`` cannot be written.
        """
        try:
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        except OSError as error:
            raise LabError(f"the lab cannot make its folder in {parent}: {error.strerror}") from error
        lock = os.open(path / _PID_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, f"{os.getpid()}\n".encode())
        path.chmod(0o755)
        return cls(path, lock)

    def remove(self) -> None:
        """Remove the folder with all that is in it. May be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def data_parent(*, shared: bool) -> Path:
    """Where data goes: memory if there is enough of it (twice as fast as a disk), else a temporary folder.

    Args:
        shared: an account other than the lab's own must get there.

    Raises:
        LabError: no folder will do.
    """
    memory = [_MEMORY] if _has_room(_MEMORY) else []
    return _first_usable([*memory, *_temporary_folders()], shared=shared)


def program_parent(*, shared: bool) -> Path:
    """Where copies of programs go: never memory, which containers mount without the right to execute."""
    return _first_usable(_temporary_folders(), shared=shared)


def sweep() -> None:
    """Remove the folders of labs that died without cleaning up, and of this user only."""
    for parent in {_MEMORY, *_temporary_folders()}:
        with contextlib.suppress(OSError):
            _sweep_folders(entry for entry in parent.iterdir() if entry.name.startswith(PREFIX))


def _sweep_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid == os.geteuid() and folder.is_dir() and not folder.is_symlink():
                _remove_if_dead(folder, age_s=time.time() - status.st_mtime)


def _remove_if_dead(folder: Path, *, age_s: float) -> None:
    try:
        lock = os.open(folder / _PID_FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if age_s > _UNLOCKED_FOLDER_IS_STALE_AFTER_S:  # younger: its lab may be about to lock it
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _temporary_folders() -> list[Path]:
    names = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - mkdtemp makes the folder below it
    return list(dict.fromkeys(Path(name).resolve() for name in names))


def _first_usable(folders: list[Path], *, shared: bool) -> Path:
    for folder in folders:
        if (
            folder.is_dir()
            and os.access(folder, os.W_OK | os.X_OK)
            and (not shared or reachable_by_others(folder))
        ):
            return folder
    raise LabError(f"no folder for the lab's data: tried {', '.join(map(str, folders))}; set TMPDIR to one")


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free > _ENOUGH_MEMORY_BYTES
    except OSError:
        return False
