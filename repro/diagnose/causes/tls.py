"""Certificates and handshakes."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import failed

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="tls-untrusted-ca",
        layer="tls",
        title="The server's certificate is signed by an authority that is not trusted",
        summary="The handshake failed on the certificate's issuer. Who answered may still be the right server.",
        suspects=lambda view: view.where(failed("tls_unknown_authority")),
        ops=("tls.handshake",),
        apart={"tls-expired": "the dates are not what was refused"},
        fix=(
            "Trust the authority: sslrootcert in the URL for libpq, SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS for Node.",
            "Do not switch the verification off: then anybody may answer.",
        ),
        links=("https://github.com/brianc/node-postgres/issues/2009",),
    ),
)
