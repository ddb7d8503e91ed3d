"""The way to the server, and its answer to the login."""

from __future__ import annotations

from collections.abc import Callable

from repro.diagnose.cause import Cause
from repro.diagnose.view import View, failed_with, is_of_the_queue
from repro.document import Outcome


def _with(failure: str, operation: str | None = None) -> Callable[[View], list[Outcome]]:
    return lambda view: [each for each in view.failing() if failed_with(each, failure, operation)]


def _nobody_listens(view: View) -> list[Outcome]:
    """Refused at the port that the setting names, on every address, and nobody else got through to it."""
    reached = {
        line["peer"]["port"]
        for outcome in view.passing()
        for line in view.lines(outcome, "connect")
        if line["peer"] and not line.get("failure")
    }
    return [
        outcome
        for outcome in view.failing()
        if failed_with(outcome, "connection_refused", "connect")
        and outcome["predicted"]
        and not any(endpoint["port"] in reached for endpoint in outcome["predicted"])
        and view.lines(outcome, "connect")
        and all(line.get("errno") == "ECONNREFUSED" for line in view.lines(outcome, "connect"))
    ]


def _with_sqlstate(sqlstate: str) -> Callable[[View], list[Outcome]]:
    def suspects(view: View) -> list[Outcome]:
        return [
            each
            for each in view.failing()
            if each["error"] is not None
            and each["error"]["sqlstate"] == sqlstate
            and not is_of_the_queue(each)
        ]

    return suspects


CAUSES = (
    Cause(
        id="dns-nxdomain",
        layer="dns",
        title="The host does not exist",
        summary="The name was looked up, and the answer was that there is none. No address was dialled.",
        suspects=_with("dns_nxdomain", "resolve"),
        ops=("dns",),
        apart={"sl-derived-endpoint": "the name that was looked up is the one in the setting"},
        fix=(
            "Correct the host; inside Docker take the service's name, outside it localhost with the published port.",
        ),
    ),
    Cause(
        id="tcp-refused",
        layer="tcp",
        title="Nothing listens at the address of the setting",
        summary="Every address of the host refused the connection at once, at the port that the setting names, and no other "
        "probe reached it.",
        suspects=_nobody_listens,
        apart={"sl-localhost-443": "the refused port is the one of the setting, not a derived one"},
        fix=("Start the server, or correct host and port.",),
    ),
    Cause(
        id="tls-untrusted-ca",
        layer="tls",
        title="The server's certificate is signed by an authority that is not trusted",
        summary="The handshake failed on the certificate's issuer. Who answered may still be the right server.",
        suspects=_with("tls_unknown_authority"),
        ops=("tls.handshake",),
        apart={"tls-expired": "the dates are not what was refused"},
        fix=(
            "Trust the authority: sslrootcert in the URL for libpq, SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS for Node.",
            "Do not switch the verification off: then anybody may answer.",
        ),
        links=("https://github.com/brianc/node-postgres/issues/2009",),
    ),
    Cause(
        id="auth-wrong-password",
        layer="startup-auth",
        title="The database refuses the password, or has no such role",
        summary="The server was reached and answered the login with SQLSTATE 28P01.",
        suspects=_with_sqlstate("28P01"),
        ops=("pg.msg",),
        fix=(
            "Correct user and password; percent-encode what a URL cannot hold.",
            "Look which server answered: on localhost another one may listen on the other address family.",
        ),
    ),
    Cause(
        id="cfg-wrong-database",
        layer="config",
        title="The server has no database of that name",
        summary="The login succeeded, and the server answered SQLSTATE 3D000.",
        suspects=_with_sqlstate("3D000"),
        ops=("pg.msg",),
        fix=("Correct the path of the URL; where it is missing, libpq takes the user's name.",),
    ),
)
