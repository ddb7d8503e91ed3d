"""The two ends of a connection as addresses and ports, invented where no source saw them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from repro.events import Peer
from repro.trace.formats.fields import Address, Line, literal, local, operation, peer
from repro.trace.formats.packets import End

_FIRST_PORT = 49152
"""The dynamic ports begin here (RFC 6335, 6)."""

_CLIENTS = {4: ipaddress.ip_address("192.0.2.1"), 6: ipaddress.ip_address("2001:db8::1")}
_LOOPBACK = {4: ipaddress.ip_address("127.0.0.1"), 6: ipaddress.ip_address("::1")}
_SERVER = ipaddress.ip_address("192.0.2.2")
_RESOLVER = End(ipaddress.ip_address("192.0.2.53"), 53)
"""Addresses for documentation (RFC 5737, RFC 3849)."""

_PORTS = {"pg": 5432, "redis": 6379, "tls": 443, "http": 80, "ws": 80}


class Ends:
    """Gives each connection its ends; no two connections of a file have the same ones."""

    def __init__(self) -> None:
        self._taken: set[tuple[End, End]] = set()

    def of(self, lines: Sequence[Line], number: int) -> tuple[End, End, str]:
        """The client's end, the server's end, and what of them was invented, in words.

        Args:
            lines: those of one connection, from its first on.
            number: the connection's; its invented port follows from it.
        """
        told = next((found for line in lines if (found := peer(line)) is not None), None)
        server, invented = _server(told, lines)
        near = next((found for line in lines if (found := local(line)) is not None), None)
        address = None if near is None else literal(near.address)
        if (
            near is not None
            and near.port
            and address is not None
            and address.version == server.address.version
        ):
            client = End(address, near.port)
            self._taken.add((client, server))
        else:
            client = self._free(_near(server.address), server, number)
            invented = [*invented, "client's address and port"]
        return client, server, f"{' and '.join(invented)} invented" if invented else ""

    def _free(self, address: Address, server: End, number: int) -> End:
        """The connection's port, or the next one that is free."""
        room = 0x10000 - _FIRST_PORT
        for step in range(room):
            client = End(address, _FIRST_PORT + (number + step) % room)
            if (client, server) not in self._taken:
                break
        self._taken.add((client, server))
        return client


def resolver(line: Line) -> tuple[End, End, str]:
    """The ends of a lookup; the client's port is the resolver library's secret and always invented."""
    told = peer(line)
    address = None if told is None else literal(told.address)
    server = _RESOLVER if told is None or address is None else End(address, told.port or 53)
    words = "resolver, client's address and port invented" if address is None else "client's port invented"
    return End(_near(server.address), _FIRST_PORT), server, words


def _server(told: Peer | None, lines: Sequence[Line]) -> tuple[End, list[str]]:
    address = None if told is None else literal(told.address)
    port = None if told is None else told.port
    invented = []
    if address is None:
        address = _SERVER if told is None or port is not None else _LOOPBACK[4]
        invented.append("server's address")
    if port is None:
        families = (operation(line).partition(".")[0] for line in lines)
        port = next((_PORTS[family] for family in families if family in _PORTS), 5432)
        invented.append("server's port")
    return End(address, port), invented


def _near(server: Address) -> Address:
    return (_LOOPBACK if server.is_loopback else _CLIENTS)[server.version]
