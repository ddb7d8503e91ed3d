"""Which failure an error is, in the closed vocabulary, by its facts: a number or a type."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator

from repro.events import errno_name, failure_of_errno

Verdict = tuple[str, str | None]
"""A failure class, and the symbolic errno where there is one."""

ABANDONED = "unknown_failure: abandoned"
"""No timeout has passed, and yet the program waits no longer: another address was faster, say."""

CERTIFICATE_FAILURES = {
    # X509_V_ERR_* of OpenSSL, include/openssl/x509_vfy.h
    9: "tls_expired",
    10: "tls_expired",
    18: "tls_unknown_authority",
    19: "tls_unknown_authority",
    20: "tls_unknown_authority",
    21: "tls_unknown_authority",
    62: "tls_hostname_mismatch",
    64: "tls_hostname_mismatch",
}

_EAI_NAMES = {number: name for name, number in vars(socket).items() if name.startswith("EAI_")}
_NO_SUCH_NAME = frozenset({"EAI_NONAME", "EAI_NODATA"})
"""glibc says NODATA for a name that exists without an address: it is as final as no name at all."""


def failure_of(error: BaseException, expired: Callable[[], bool] = lambda: False) -> Verdict:
    """The failure of an error, judged by the deepest link of its chain that says something.

    Args:
        error: what ended a step.
        expired: whether a timeout that held for the step has passed, for a step that was only broken off.
    """
    if not isinstance(error, Exception):  # cancelled or interrupted
        return given_up(expired), None
    chain = list(_chain(error))
    for link in reversed(chain):
        verdict = by_number(link) or _by_type(link)
        if verdict is not None:
            return verdict
    return f"unknown_failure: {type(chain[-1]).__name__}", None


def given_up(expired: Callable[[], bool]) -> str:
    """The failure of a step that the program waits for no longer."""
    return "timeout" if expired() else ABANDONED


def lookup_failure_of(error: socket.gaierror) -> Verdict:
    """The failure of a lookup, and the name of its ``EAI_`` number."""
    name = _EAI_NAMES.get(error.args[0] if error.args else 0)
    return ("dns_nxdomain" if name in _NO_SUCH_NAME else "dns_failure"), name


def scrubbed(text: str) -> str:
    """A foreign text in one short line, without the names that stand in it between quotes."""
    plain = re.sub(r"\"[^\"]*\"|'[^']*'", "…", text)
    return re.sub(r"\s+", " ", plain).strip()[:120]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def by_number(error: BaseException) -> Verdict | None:
    """What the kernel, the resolver and OpenSSL say."""
    if isinstance(error, ssl.SSLError):
        return _tls_failure_of(error), None
    if isinstance(error, socket.gaierror):
        return lookup_failure_of(error)[0], None
    if isinstance(error, OSError):
        name = errno_name(error.errno)
        if name is not None:
            return failure_of_errno(name), name
    return None


def _tls_failure_of(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_FAILURES.get(error.verify_code, "tls_protocol")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "eof"
    return "tls_protocol"


def _by_type(error: BaseException) -> Verdict | None:
    """What carries no number. Types of drivers are told by name, because no driver is imported here."""
    name = type(error).__name__
    if isinstance(error, TimeoutError) or name.endswith("Timeout"):
        return "timeout", None
    if isinstance(error, EOFError):
        return "eof", None
    if (
        name == "RemoteProtocolError"
    ):  # h11's and httpcore's, for an answer that is no HTTP and for none at all
        return ("eof" if "disconnected" in str(error) else "protocol_mismatch"), None
    if isinstance(error, ConnectionError):
        return "connection_reset", None
    return None
