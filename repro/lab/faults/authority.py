"""A certificate authority of a scenario's own, with one server certificate that may be wrong in one thing."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PAST = timedelta(days=30)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a server shows, and what a client must trust to accept it.

    Args:
        context: a server's, TLS 1.2 and up.
        ca: PEM file of the authority that signed.
    """

    context: ssl.SSLContext
    ca: Path


@contextlib.contextmanager
def signed(*names: str, expired: bool = False) -> Iterator[Signed]:
    """A server certificate for these names, by an authority that nobody else has.

    Args:
        names: of hosts, or literal addresses.
        expired: it ended a month ago; its authority is still good.
    """
    import trustme  # noqa: PLC0415 - slow to load

    authority = trustme.CA()
    end = datetime.now(UTC) - _PAST if expired else None
    begin = None if end is None else end - _YEAR
    leaf = authority.issue_cert(*names, not_before=begin, not_after=end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    leaf.configure_cert(context)
    with tempfile.TemporaryDirectory(prefix="txrepro-authority-") as folder:
        ca = Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        yield Signed(context, ca)
