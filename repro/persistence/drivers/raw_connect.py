"""How the raw driver gets a connected stream: each address in turn, and TLS as libpq's ``sslmode`` says."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repro.persistence.drivers.raw_protocol import SSL_REQUEST, RawProtocolError
from repro.persistence.dsn import HostPort

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class Tls:
    """What the URL says about TLS.

    Args:
        mode: one of `SSL_MODES`; ``allow`` is taken as ``prefer``.
        root_certificates: a file, ``system``, or None. Verification without one takes the system's
            authorities, as libpq does for ``system`` only.

    Raises:
        ValueError: if the mode is none of them.
    """

    mode: str = "prefer"
    root_certificates: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in SSL_MODES:
            raise ValueError("invalid sslmode value in the URL, or in PGSSLMODE")

    @property
    def required(self) -> bool:
        """Whether a server without TLS is refused."""
        return self.mode in {"require", "verify-ca", "verify-full"}

    def context(self) -> ssl.SSLContext:
        """The checks that libpq makes: none under ``require`` without a root certificate."""
        context = ssl.create_default_context(cafile=self._file())
        verified = self.mode.startswith("verify") or (self.mode == "require" and self.root_certificates)
        context.check_hostname = self.mode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
        return context

    def _file(self) -> str | None:
        return None if self.root_certificates == "system" else self.root_certificates


def open_stream(hosts: Sequence[HostPort], tls: Tls, *, connect_s: float) -> socket.socket:
    """Connect to the first address that answers, and secure the stream.

    Args:
        hosts: tried in order, each with all its addresses, as libpq does.
        tls: whether and how.
        connect_s: seconds for each address.

    Raises:
        OSError: if the only address failed, or a lookup did.
        ExceptionGroup: if there were several and all failed.
        ssl.SSLError: if TLS failed.
        RawProtocolError: if the server has no TLS and it is required, or answers with something else.
    """
    stream, host = _connected(hosts, connect_s)
    try:
        return _secured(stream, host, tls)
    except BaseException:
        stream.close()
        raise


def _connected(hosts: Sequence[HostPort], connect_s: float) -> tuple[socket.socket, str]:
    errors: list[OSError] = []
    for each in hosts:
        try:
            for address in _addresses(each):
                try:
                    return _dial(address, connect_s), each.host
                except OSError as error:
                    errors.append(error)
        except socket.gaierror as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise ExceptionGroup("no address accepted the connection", errors)


Address = tuple[socket.AddressFamily, str | tuple[Any, ...]]


def _addresses(each: HostPort) -> Iterator[Address]:
    port = each.port or 5432
    if each.host.startswith("/"):
        yield socket.AF_UNIX, f"{each.host}/.s.PGSQL.{port}"
        return
    for family, _, _, _, address in socket.getaddrinfo(each.host, port, type=socket.SOCK_STREAM):
        yield family, address


def _dial(address: Address, connect_s: float) -> socket.socket:
    family, where = address
    stream = socket.socket(family, socket.SOCK_STREAM)
    try:
        stream.settimeout(connect_s)
        stream.connect(where)
    except BaseException:
        stream.close()
        raise
    if family != socket.AF_UNIX:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def _secured(stream: socket.socket, host: str, tls: Tls) -> socket.socket:
    if tls.mode == "disable" or host.startswith("/"):  # libpq uses no TLS over a Unix socket
        return stream
    stream.sendall(SSL_REQUEST)
    answer = stream.recv(1)  # one byte and no more: what follows it is TLS
    if answer == b"S":
        return tls.context().wrap_socket(stream, server_hostname=host)
    if answer == b"N" and not tls.required:
        return stream
    if answer == b"N":
        raise RawProtocolError("server does not support SSL, but SSL was required")
    if not answer:
        raise EOFError("the server closed the connection in answer to SSLRequest")
    raise RawProtocolError("received invalid response to SSL negotiation")
