"""Puts the filter in place, then becomes the program.

It is run by its path with ``python -I -S`` and imports nothing of ours. It is a process of its own because a
filter cannot be put on a child between fork and exec of a parent that has threads. Its arguments: a socket's
descriptor, then the command. What is said on the socket, in this order:

1. the tracer: one JSON object; ``seccomp`` (the number of that call), ``program`` (the filter, in
   hexadecimal), ``instead`` (words to put before the command where the filter is refused), ``unused``
   (descriptors that are needed only then)
2. the launcher: ``ok`` with the listener's descriptor, or the refusal as ``-`` and an errno
3. the tracer: ``go``. Without it the tracer is gone, and so the program is not started.

Without anybody to answer them, the program's connects would fail once the tracer is gone (ENOSYS). So a
keeper stays: a process that belongs to nobody, waits for the tracer's end, and lets through whatever is asked
after it.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32
_IOCTL_RECV, _IOCTL_SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
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
    to_keeper = _keeper(channel)  # before the filter: whoever is under it keeps it alive
    listener = _listener(libc, order["seccomp"], bytes.fromhex(order["program"]))
    if listener < 0:
        channel.send(b"-%d" % -listener)
        command = [*order["instead"], *command]
    else:
        descriptor = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))]
        to_keeper.sendmsg([b"x"], descriptor)
        channel.sendmsg([b"ok"], descriptor)
        for each in (listener, *order["unused"]):
            os.close(each)
    to_keeper.close()
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


def _keeper(channel: socket.socket) -> socket.socket:
    """Start the keeper, as nobody's child; what is answered takes the listener to it."""
    ours, its = socket.socketpair()
    middle = os.fork()
    if middle:
        its.close()
        os.waitpid(middle, 0)
        return ours
    if os.fork():
        os._exit(0)
    ours.close()
    with contextlib.suppress(BaseException):
        _keep(channel, its)
    os._exit(0)


def _keep(channel: socket.socket, source: socket.socket) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):  # they are the program's
        signal.signal(number, signal.SIG_IGN)
    _, ancillary, _, _ = source.recvmsg(1, socket.CMSG_SPACE(4))
    if not ancillary:
        return  # the filter was refused
    (listener,) = array.array("i", ancillary[0][2])
    for descriptor in range(3):  # whoever reads the program's output waits for its end, and not for ours
        os.close(descriptor)
    poll = select.poll()
    poll.register(listener, 0)  # its end alone: what is asked is the tracer's
    poll.register(channel, select.POLLRDHUP)
    while channel.fileno() not in (ended := dict(poll.poll())):
        if listener in ended:
            return
    poll.unregister(channel)
    poll.modify(listener, select.POLLIN)
    while poll.poll()[0][1] & select.POLLIN:
        notification = bytearray(80)
        with contextlib.suppress(OSError):  # who asked is gone already
            fcntl.ioctl(listener, _IOCTL_RECV, notification, True)  # noqa: FBT003 - fcntl's own flag
            (identity,) = struct.unpack_from("=Q", notification)
            fcntl.ioctl(listener, _IOCTL_SEND, struct.pack("=QqiI", identity, 0, 0, _CONTINUE))


if __name__ == "__main__":
    try:
        main()
    except ConnectionError:  # the tracer is gone
        sys.exit(127)
