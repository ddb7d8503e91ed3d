"""Numbers and layouts of the kernel that Python has no names for.

Sources: ``asm/unistd.h`` of both machines, ``linux/seccomp.h``, ``linux/filter.h``, ``linux/audit.h``,
``asm-generic/socket.h``, ``netinet/tcp.h``.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """The numbers that differ between machines: the audit architecture and the system calls."""

    audit_arch: int
    seccomp: int
    connect: int
    getsockopt: int
    sendmmsg: int
    pidfd_open: int
    pidfd_getfd: int


_MACHINES = {
    "x86_64": Machine(0xC000003E, 317, 42, 55, 307, 434, 438),
    "aarch64": Machine(0xC00000B7, 277, 203, 209, 269, 434, 438),
}


def this_machine() -> Machine | None:
    """The numbers of the machine we are on; None for one that is not known."""
    return _MACHINES.get(platform.machine())


PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8

SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32
"""Since Linux 5.19: once we have a notification, only a fatal signal ends the caller's wait for us."""

ERESTARTSYS = 512
"""What a call answers inside the kernel when a signal has come: it is begun again, or ends with EINTR."""

RET_ALLOW = 0x7FFF0000
RET_USER_NOTIF = 0x7FC00000

IOCTL_NOTIF_RECV = 0xC0502100
IOCTL_NOTIF_SEND = 0xC0182101
IOCTL_NOTIF_ID_VALID = 0x40082102
NOTIF_CONTINUE = 1
"""The flag of an answer that lets the kernel carry the call out as if nobody had asked."""

NOTIFICATION = struct.Struct("=QIIiIQ6Q")
"""``struct seccomp_notif``: id, pid (of the thread), flags; then nr, arch, ip and six arguments."""

ANSWER = struct.Struct("=QqiI")
"""``struct seccomp_notif_resp``: id, value, negated errno, flags."""

SOL_SOCKET, SO_ERROR = 1, 4

TCP_ESTABLISHED, TCP_SYN_SENT = 1, 2
"""States in the first byte of ``struct tcp_info``."""

MMSGHDR_BYTES = 64
"""``struct mmsghdr`` on 64-bit machines."""
