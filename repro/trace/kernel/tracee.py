"""What can be asked of a traced process: its memory, its sockets, its threads' process.

A traced process is our descendant, so that this needs no privilege. Every question may come too late: the
process has gone on, or is gone. Then it is an `OSError`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from pathlib import Path

from repro.events import Peer
from repro.trace.kernel import abi

_FAMILIES = {socket.AF_INET: (4, 8), socket.AF_INET6: (8, 24)}
"""Where the address stands in ``struct sockaddr_in`` and ``sockaddr_in6``."""

_END_OF_MEMORY = 1 << 63

libc = ctypes.CDLL(None, use_errno=True)


def process_of(thread: int) -> int:
    """The process that a thread belongs to."""
    with Path(f"/proc/{thread}/status").open(encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("Tgid:"):
                return int(line.split()[1])
    raise ProcessLookupError(thread)


def read_memory(thread: int, address: int, length: int) -> bytes:
    """Bytes of its memory."""
    if not address < _END_OF_MEMORY:
        raise OSError(errno.EFAULT, "no address of a program")
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(length)


def read_number(thread: int, address: int, size: int) -> int:
    """An unsigned number of its memory.

    Raises:
        OSError: there is none: the pointer is a bad one.
    """
    data = read_memory(thread, address, size)
    if len(data) < size:
        raise OSError(errno.EFAULT, "short read")
    return int.from_bytes(data, "little")


def has_signal(thread: int) -> bool:
    """Whether a signal waits to be delivered to a thread: not blocked, and not ignored."""
    masks: dict[str, int] = {}
    try:
        with Path(f"/proc/{thread}/status").open(encoding="ascii", errors="replace") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in {"SigPnd", "ShdPnd", "SigBlk", "SigIgn"}:
                    masks[name] = int(value, 16)
    except OSError:
        return False
    waiting = masks.get("SigPnd", 0) | masks.get("ShdPnd", 0)
    return bool(waiting & ~masks.get("SigBlk", 0) & ~masks.get("SigIgn", 0))


def same_network(process: int) -> bool:
    """Whether a process is in our network namespace."""
    try:
        return Path(f"/proc/{process}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        return False


def write_memory(thread: int, address: int, data: bytes) -> None:
    """Write into its memory."""
    with Path(f"/proc/{thread}/mem").open("r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(data)


def socket_name(process: int, descriptor: int) -> str | None:
    """A name that tells one socket from another one under the same descriptor; None where it is gone."""
    try:
        return str(Path(f"/proc/{process}/fd/{descriptor}").readlink())
    except OSError:
        return None


def borrow(machine: abi.Machine, process: int, descriptor: int) -> socket.socket:
    """A descriptor of ours for its socket. While it is open the socket is not closed: close it soon.

    Raises:
        OSError: as `pidfd_getfd(2)`; some containers deny it (EPERM).
    """
    handle = _called(machine.pidfd_open, process, 0)
    try:
        borrowed = _called(machine.pidfd_getfd, handle, descriptor, 0)
    finally:
        os.close(handle)
    try:
        return socket.socket(fileno=borrowed)
    except OSError:  # it is no socket
        os.close(borrowed)
        raise


def _called(number: int, *arguments: int) -> int:
    result = int(libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def connect(descriptor: int, address: bytes) -> int:
    """``connect(2)`` with an address as the program gave it; answers with the errno, 0 for success."""
    return ctypes.get_errno() if libc.connect(descriptor, address, len(address)) < 0 else 0


def tcp_state(sock: socket.socket) -> int:
    """The state in ``struct tcp_info``, such as `abi.TCP_SYN_SENT`."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def peer_in(address: bytes) -> Peer | None:
    """The internet address and port in a ``struct sockaddr``; None for any other family, or half of one."""
    if len(address) < 2:
        return None
    (family,) = struct.unpack_from("=H", address)
    begin, end = _FAMILIES.get(family, (0, 0))
    if not end or len(address) < end:
        return None
    (port,) = struct.unpack_from(">H", address, 2)
    return Peer(socket.inet_ntop(family, address[begin:end]), port)
