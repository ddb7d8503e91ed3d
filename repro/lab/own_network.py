"""A network of this process's own, on which every port is free (Linux).

A network namespace needs no rights on most systems: who is not root gets it inside a user namespace in which
nothing else changes, so that what they start is still theirs.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x1000_0000, 0x4000_0000  # unshare(2)
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # netdevice(7)
_INTERFACE = struct.Struct("16sH22x")
"""``struct ifreq`` with the flags of an interface."""


def enter() -> None:
    """Move this process, and whatever it starts from now on, to a network with a loopback and nothing else.

    Raises:
        OSError: the system does not allow it, or this process has threads and is not root.
    """
    if sys.platform != "linux":
        raise OSError("only Linux has network namespaces")
    user, group = os.geteuid(), os.getegid()
    _unshare(_NEW_NETWORK if user == 0 else _NEW_NETWORK | _NEW_USER)
    if user != 0:
        _stay(user, group)
    _loopback_up()


def _unshare(what: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(what):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _stay(user: int, group: int) -> None:
    """Be in the user namespace who one was outside it: Postgres does not run as root."""
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")  # asked for before a group is mapped: user_namespaces(7)
    (own / "uid_map").write_text(f"{user} {user} 1")
    (own / "gid_map").write_text(f"{group} {group} 1")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _GET_FLAGS, _INTERFACE.pack(b"lo", 0))
        name, flags = _INTERFACE.unpack(answer)
        fcntl.ioctl(any_socket, _SET_FLAGS, _INTERFACE.pack(name, flags | _UP))
