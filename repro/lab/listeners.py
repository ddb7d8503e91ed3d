"""The addresses of ``localhost``, and one port number on all of them.

Clients are given the name ``localhost`` and take whichever of its addresses they like first, so a server that
listens on one of two is refused by some of them. That is a fault to be diagnosed in a user's set-up, not in
the lab.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable

from repro.lab.errors import LabError

_ATTEMPTS = 20
_BACKLOG = 512
_ACCEPTS_S = 1.0
# Linux lets a second socket with SO_REUSEADDR bind a port whose first one does not listen; others do not.
_CAN_BE_HELD = sys.platform == "linux"


def localhost_addresses() -> tuple[str, ...]:
    """The loopback addresses that ``localhost`` resolves to and that this machine has, as literals, in order.

    Raises:
        LabError: ``localhost`` does not lead to this machine.
    """
    try:
        answers = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise LabError(f"'localhost' does not resolve on this machine: {error.strerror}") from error
    literals = dict.fromkeys(str(answer[4][0]) for answer in answers)
    addresses = tuple(literal for literal in literals if _is_loopback(literal) and _exists(literal))
    if not addresses:
        raise LabError(f"'localhost' has no loopback address on this machine, only {', '.join(literals)}")
    return addresses


class Port:
    """One port number, the lab's own on several addresses, whether or not a server listens on it now.

    Where the system allows, sockets that are bound and never listen hold the number, so that nobody else
    takes it between its choice and the server's start, or while the server is down.
    """

    def __init__(self, addresses: tuple[str, ...], held: list[socket.socket]) -> None:
        self.addresses = addresses
        self.number: int = held[0].getsockname()[1]
        self._held = held

    @classmethod
    def reserve(cls, addresses: Iterable[str]) -> Port:
        """Have the system choose a number that is free on every address.

        Raises:
            LabError: no number was found, or an address cannot be bound.
        """
        addresses = tuple(addresses)
        for _ in range(_ATTEMPTS):
            held = _bind_all(addresses)
            if held is not None:
                return cls(addresses, held)
        raise LabError(f"no port that is free on all of {', '.join(addresses)} was found")

    @property
    def endpoint(self) -> tuple[str, int]:
        """The first address and the number: what the lab itself dials."""
        return self.addresses[0], self.number

    def give_way(self) -> None:
        """Let go of the number where holding it would keep the server from binding it."""
        if not _CAN_BE_HELD:
            self.close()

    def listen(self) -> list[socket.socket]:
        """New listening sockets, one an address; the caller closes them.

        Raises:
            OSError: somebody else has taken the number.
        """
        self.give_way()
        with contextlib.ExitStack() as undo:
            listening = [undo.enter_context(_bind(address, self.number)) for address in self.addresses]
            for listener in listening:
                listener.listen(_BACKLOG)
            undo.pop_all()
        return listening

    def close(self) -> None:
        """Give the number up."""
        _close_all(self._held)
        self._held = []


def _bind_all(addresses: tuple[str, ...]) -> list[socket.socket] | None:
    """One socket an address, all with the number that the first was given; None if that is taken."""
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            bound.append(_bind(address, bound[0].getsockname()[1] if bound else 0))
    except OSError as error:
        _close_all(bound)
        if error.errno == errno.EADDRINUSE:
            return None
        raise LabError(f"{address} cannot be bound: {error.strerror}") from error
    return bound


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it reads IPPROTO_TCP. Without it an
    # answer that goes out in two writes waits 40 ms for the client's delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def _close_all(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _is_loopback(literal: str) -> bool:
    return ipaddress.ip_address(literal).is_loopback


def _exists(address: str) -> bool:
    """An address in the hosts file need not be on an interface, such as ``::1`` where IPv6 is off."""
    try:
        _bind(address, 0).close()
    except OSError:
        return False
    return True


def is_free(number: int) -> bool:
    """Whether every address of ``localhost`` refuses a port."""
    for address in localhost_addresses():
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
            tried.settimeout(_ACCEPTS_S)
            if tried.connect_ex((address, number)) != errno.ECONNREFUSED:
                return False
    return True
