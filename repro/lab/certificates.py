"""A throw-away certificate authority and one server certificate, new for every lab."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repro.lab.account import Account


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files on disk: the authority's certificate, the server's chain and the server's key."""

    ca: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """A context for a server, TLS 1.2 and up."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts of an authority and of one server certificate that it signed."""

    ca: bytes
    certificate: bytes
    key: bytes

    def write(self, folder: Path, owner: Account | None = None) -> TlsFiles:
        """Write ``ca.pem``, ``server.crt`` (both 0644) and ``server.key`` (0600, as Postgres demands).

        Args:
            folder: an existing folder.
            owner: the account whose server reads the key, when it is not the lab's own.
        """
        files = TlsFiles(folder / "ca.pem", folder / "server.crt", folder / "server.key")
        _write(files.ca, self.ca, 0o644)
        _write(files.certificate, self.certificate, 0o644)
        _write(files.key, self.key, 0o600)
        if owner is not None:
            owner.own(files.ca, files.certificate, files.key)
        return files


def issue(addresses: Iterable[str]) -> Certificates:
    """Make an authority and a certificate for ``localhost`` and the literal ``addresses``."""
    import trustme  # noqa: PLC0415 - slow to load; the lab loads it while Postgres initialises its data

    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", *addresses)
    return Certificates(
        ca=authority.cert_pem.bytes(),
        certificate=b"".join(pem.bytes() for pem in leaf.cert_chain_pems),
        key=leaf.private_key_pem.bytes(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)  # the mode of open() is subject to the umask
