"""Temporary folders in a cache, and the removal of those whose maker was killed.

A folder is in use while its maker holds the lock on it. The kernel drops the lock with the process, so that
what a killed installation has left is told from what another one is at work in. Folders are made, locked and
swept under the lock on the cache itself: none is seen before its maker holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "tmp"


@contextlib.contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """A folder in a cache that goes with the block; those of killed processes go before it.

    Args:
        cache: a folder that is there.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.ExitStack() as held:
        with _locked(cache):
            _sweep(cache)
            folder = held.enter_context(
                tempfile.TemporaryDirectory(dir=cache, prefix=PREFIX, ignore_cleanup_errors=True)
            )
            held.enter_context(_locked(Path(folder)))
        yield Path(folder)


@contextlib.contextmanager
def _locked(folder: Path, flags: int = 0) -> Iterator[None]:
    """Hold the lock on a folder, where its file system has locks on folders; NFS has none (flock(2)).

    Raises:
        OSError: it is no folder of ours; or, with ``LOCK_NB``, it cannot be had now.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | flags)
        except OSError:
            if flags:  # whether somebody is at work in it cannot be known
                raise
        yield
    finally:
        os.close(descriptor)


def _sweep(cache: Path) -> None:
    for folder in cache.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), _locked(folder, fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
