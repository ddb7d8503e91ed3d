"""The filter program: which system calls are handed to us. All others cost one comparison.

Classic BPF over ``struct seccomp_data``: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import struct

from repro.trace.kernel import abi

_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K

_NUMBER, _ARCH, _SECOND_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 24, 32
"""Offsets in ``struct seccomp_data``; of an argument its low half, both machines being little-endian."""


def program(machine: abi.Machine) -> bytes:
    """``connect``, ``sendmmsg`` (how glibc's resolver asks), and ``getsockopt`` of ``SO_ERROR`` alone."""
    return b"".join(
        (
            _load(_ARCH),
            _if_equal(machine.audit_arch, otherwise=9),
            _load(_NUMBER),
            _if_equal(machine.connect, then=6),
            _if_equal(machine.sendmmsg, then=5),
            _if_equal(machine.getsockopt, otherwise=5),
            _load(_SECOND_ARGUMENT),
            _if_equal(abi.SOL_SOCKET, otherwise=3),
            _load(_THIRD_ARGUMENT),
            _if_equal(abi.SO_ERROR, otherwise=1),
            _return(abi.RET_USER_NOTIF),
            _return(abi.RET_ALLOW),
        )
    )


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, 0, 0, offset)


def _if_equal(value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Jump over so many instructions."""
    return _instruction(_IF_EQUAL, then, otherwise, value)


def _return(verdict: int) -> bytes:
    return _instruction(_RETURN, 0, 0, verdict)


def _instruction(code: int, then: int, otherwise: int, operand: int) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, operand)
