"""Puts the filter in place, then becomes the program.

It is run by its path with ``python -I -S`` and imports nothing of ours. It is a process of its own because a
filter cannot be put on a child between fork and exec of a parent that has threads. Its arguments: a socket's
descriptor, then the command. What is said on the socket, in this order:

1. the tracer: one JSON object; ``seccomp`` (the number of that call), ``program`` (the filter, in
   hexadecimal), ``instead`` (words to put before the command where the filter is refused), ``unused``
   (descriptors that are needed only then)
2. the launcher: ``ok`` with the listener's descriptor, or the refusal as ``-`` and an errno
3. the tracer: ``go``. Without it the tracer is gone, and so the program is not started.
"""

from __future__ import annotations

import array
import ctypes
import json
import os
import signal
import socket
import struct
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32
_EINVAL = 22


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def main() -> None:
    """Do as the module says; leaves with 127 where the command cannot be run."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    command = sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    order = json.loads(channel.recv(65536))
    listener = _listener(libc, order["seccomp"], bytes.fromhex(order["program"]))
    if listener < 0:
        channel.send(b"-%d" % -listener)
        command = [*order["instead"], *command]
    else:
        channel.sendmsg([b"ok"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
        for descriptor in (listener, *order["unused"]):
            os.close(descriptor)
    if channel.recv(2) != b"go":
        sys.exit(127)
    channel.close()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a program would inherit that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - to become this command is what it is for
    except OSError as error:
        sys.stderr.write(f"repro: cannot run {command[0]!r}: {error.strerror}\n")
        sys.exit(126 if isinstance(error, PermissionError) else 127)


def _listener(libc: ctypes.CDLL, seccomp: int, program: bytes) -> int:
    """Put the filter in place; answers with the listener's descriptor, or with a negated errno."""
    if not seccomp:
        return -38  # ENOSYS: the tracer does not know this machine
    code = ctypes.create_string_buffer(program, len(program))
    argument = _Program(len(program) // struct.calcsize("=HBBI"), ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return -ctypes.get_errno()
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):  # the first one since Linux 5.19
        listener = int(libc.syscall(seccomp, _SET_MODE_FILTER, flags, ctypes.byref(argument)))
        if listener >= 0 or ctypes.get_errno() != _EINVAL:
            break
    return listener if listener >= 0 else -ctypes.get_errno()


if __name__ == "__main__":
    main()
