"""Who vouches for a server's certificate, trusted or not.

A network that inspects TLS signs with an authority of its own, and the name of that tells so. With TLS 1.3
the certificate is encrypted on the wire: only the two ends see it.
"""

from __future__ import annotations

from typing import Any

_NAMES = ("organizationName", "commonName")
_LONGEST = 64  # RFC 5280, appendix A: ub-organization-name, ub-common-name


def issuer_of(tls: Any) -> str | None:
    """The organisation that signed the server's certificate, else the name of its authority.

    Args:
        tls: an `ssl.SSLSocket` or `ssl.SSLObject` in or after its handshake. Its `getpeercert` tells nothing
            where the handshake has failed or nothing is verified; the object below it does (Python 3.10).

    Returns:
        The text, which whoever answered has chosen; None where no certificate was shown, or it names neither.
    """
    try:
        chain = tls._sslobj.get_unverified_chain()  # noqa: SLF001 - there is no public way
        pairs = [pair for group in chain[0].get_info()["issuer"] for pair in group] if chain else []
    except Exception:  # noqa: BLE001 - another build of Python; the program must not see it
        return None
    found = {name: str(text) for name, text in reversed(pairs)}
    named = (found[name][:_LONGEST] for name in _NAMES if found.get(name))
    return next(named, None)
