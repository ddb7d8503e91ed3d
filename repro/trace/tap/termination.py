"""Looks inside TLS: with a certificate of our own to the program, and TLS to the server.

The program has to trust our authority, which the environment tells it (`environment`). Two things are said,
because they change what is watched:

- libpq's ``channel_binding=prefer`` binds a SCRAM login to the certificate, and the server then refuses it
  with 28000. So it is switched off. Where it is *required*, nothing is terminated.
- The server's certificate is checked here, by the program's authorities, and no longer by the program. On
  loopback it is not checked at all.
"""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import ssl
import struct
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import trustme

from repro.events import Peer
from repro.hooks.failures import failure_of
from repro.hooks.issuer import issuer_of
from repro.wire.message import Sender
from repro.wire.tls import TlsDecoder

Verdict = tuple[str | None, str | None]
"""A failure class and an errno, or None for each."""

Ends = tuple[socket.socket, socket.socket]

_SSL_REQUEST = struct.pack(">II", 8, 80877103)
"""PostgreSQL documentation, "Message Formats", SSLRequest."""

_HANDSHAKE_RECORD = 0x16  # RFC 8446, section 5.1
_LONGEST_HELLO = 16 << 10
_HANDSHAKE_S = 10.0

_TRUST_VARIABLES = (
    "SSL_CERT_FILE",
    "PGSSLROOTCERT",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)


class Show(Protocol):
    """Is shown bytes that pass."""

    def __call__(self, sender: Sender, data: bytes) -> None:
        """Look at bytes of one side."""


class Say(Protocol):
    """Is told what the tap itself does."""

    def note(self, text: str) -> None:
        """What could not be done, and why."""

    def handshake(self, t0: float, failure: Verdict, facts: Mapping[str, Any]) -> None:
        """A handshake with the server has ended.

        Args:
            t0: when it began, in seconds of the monotonic clock.
            failure: its class and its errno; None for each that there is not.
            facts: the fields of the event.
        """


class Termination:
    """An authority of our own, made for one command and gone with it.

    Args:
        environ: the command's environment, whose own authorities stay trusted.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._authority = trustme.CA(organization_name="repro trace")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="repro-trace-")
        self._environ = environ
        self._bundle = Path(self._folder.name) / "authorities.pem"
        self._bundle.write_bytes(_authorities(environ) + self._authority.cert_pem.bytes())
        self.binding_required = environ.get("PGCHANNELBINDING") == "require"

    def environment(self) -> dict[str, str]:
        """What the program needs in its environment to accept our certificates."""
        trust = dict.fromkeys(_TRUST_VARIABLES, str(self._bundle))
        if "PGSSLROOTCERT" not in self._environ:
            del trust["PGSSLROOTCERT"]  # libpq would begin to verify where it did not
        binding = {} if self.binding_required else {"PGCHANNELBINDING": "disable"}
        return trust | binding

    def close(self) -> None:
        """Remove the authority's file."""
        self._folder.cleanup()

    def between(
        self,
        client: socket.socket,
        server: socket.socket,
        peer: Peer,
        show: Show,
        say: Say,
    ) -> Ends:
        """The ends to carry between: decrypted ones where the program begins TLS, else those given.

        Args:
            client: the program's end; nothing was read of it yet.
            server: the server's end.
            peer: whom the program dialled.
            show: is shown what passes here in clear.
            say: is told of the server's handshake, and what could not be done.
        """
        beginning = _peeked(client, len(_SSL_REQUEST)) if _speaks_first(client, server) else b""
        if beginning == _SSL_REQUEST:
            if self.binding_required:
                say.note(
                    "TLS is left closed: PGCHANNELBINDING=require binds the login to the server's certificate"
                )
                return client, server
            return self._after_request(client, server, peer, show, say)
        if beginning[:1] == bytes([_HANDSHAKE_RECORD]):
            return self._terminated(client, server, peer, show, say)
        return client, server

    def _after_request(
        self,
        client: socket.socket,
        server: socket.socket,
        peer: Peer,
        show: Show,
        say: Say,
    ) -> Ends:
        client.recv(len(_SSL_REQUEST))
        server.sendall(_SSL_REQUEST)
        show("client", _SSL_REQUEST)
        answer = server.recv(1)
        client.sendall(answer)
        show("server", answer)
        if answer != b"S":
            return client, server
        return self._terminated(client, server, peer, show, say)

    def _terminated(
        self,
        client: socket.socket,
        server: socket.socket,
        peer: Peer,
        show: Show,
        say: Say,
    ) -> Ends:
        hello = _peeked(client, _LONGEST_HELLO, whole=False)
        show("client", hello)
        name, alpn = _asked(hello)
        host = name or peer.address
        for end in (client, server):
            end.settimeout(_HANDSHAKE_S)
        inner = self._opened(server, peer, host, alpn, say)
        try:
            outer = self._context(host, inner.selected_alpn_protocol()).wrap_socket(client, server_side=True)
        except OSError as error:
            say.note(f"the program does not accept the tap's certificate: {_said(error)}")
            raise ConnectionAbortedError("TLS to the program failed") from error
        for opened in (outer, inner):
            opened.settimeout(None)
        return outer, inner

    def _opened(
        self, server: socket.socket, peer: Peer, host: str, alpn: list[str], say: Say
    ) -> ssl.SSLSocket:
        """TLS to the server.

        Raises:
            ConnectionAbortedError: there is none; that has been said.
        """
        t0 = time.monotonic()
        inner: ssl.SSLSocket | None = None
        try:
            context = self._to_the_server(peer, alpn)
            inner = context.wrap_socket(server, server_hostname=host, do_handshake_on_connect=False)
            inner.do_handshake()
        except (OSError, ValueError) as error:
            say.handshake(t0, failure_of(error), _facts(host, inner))
            say.note(f"the server's end of TLS failed, so that the program's was ended too: {_said(error)}")
            if inner is not None:
                inner.close()
            raise ConnectionAbortedError("TLS to the server failed") from error
        say.handshake(t0, (None, None), _facts(host, inner))
        return inner

    def _to_the_server(self, peer: Peer, alpn: list[str]) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._bundle))
        if ipaddress.ip_address(peer.address.partition("%")[0]).is_loopback:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def _context(self, host: str, alpn: str | None) -> ssl.SSLContext:
        key = f"{host} {alpn}"
        if key not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            if alpn is not None:
                context.set_alpn_protocols([alpn])
            self._contexts[key] = context
        return self._contexts[key]


def _speaks_first(client: socket.socket, server: socket.socket) -> bool:
    """Whether the program says something before its server does; TLS begins with the program."""
    poll = select.poll()
    poll.register(client, select.POLLIN)
    poll.register(server, select.POLLIN)
    ready = dict(poll.poll())
    return client.fileno() in ready


def _facts(host: str, tls: ssl.SSLSocket | None) -> dict[str, Any]:
    """What is known of the server's end."""
    cipher = tls and tls.cipher()
    facts = {
        "tls.sni": host,
        "tls.version": tls and tls.version(),
        "tls.cipher": cipher and cipher[0],
        "tls.alpn": tls and tls.selected_alpn_protocol(),
        "tls.issuer": tls and issuer_of(tls),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _said(error: BaseException) -> str:
    return getattr(error, "reason", None) or type(error).__name__


def _asked(hello: bytes) -> tuple[str | None, list[str]]:
    """The name and the protocols in a ClientHello."""
    decoder = TlsDecoder()
    for message in decoder.feed("client", hello):
        if message.op == "tls.client_hello":
            return message.fields.get("tls.sni"), list(message.fields.get("tls.alpn") or ())
    return None, []


def _peeked(client: socket.socket, length: int, *, whole: bool = True) -> bytes:
    """The first bytes of the program, without taking them; fewer where it says no more."""
    client.settimeout(_HANDSHAKE_S)
    flags = socket.MSG_PEEK | (socket.MSG_WAITALL if whole else 0)
    try:
        return client.recv(length, flags)
    except OSError:
        return b""
    finally:
        client.settimeout(None)


def _authorities(environ: Mapping[str, str]) -> bytes:
    """The authorities that the program trusts already, as PEM."""
    paths = [environ.get(name) for name in _TRUST_VARIABLES]
    files = [Path(path) for path in dict.fromkeys(filter(None, paths))]
    default = ssl.get_default_verify_paths().cafile
    if default and "SSL_CERT_FILE" not in environ:
        files.append(Path(default))
    return b"".join(file.read_bytes() + b"\n" for file in files if file.is_file())
