"""Experiments on TLS: the same probe with one thing about its handshake changed.

No password leaves this machine in clear, nor for a server whose certificate was not verified: what takes TLS
or its verification away is for loopback addresses only.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from repro.diagnose.cause import Change
from repro.diagnose.controls import in_the_lab, repeated
from repro.diagnose.urls import with_host, with_parameter, without_parameter
from repro.diagnose.view import DATABASE_VARIABLES, View
from repro.document import Outcome

_LOOPBACK = ("127.", "[::1]")


def _is_near(outcome: Outcome) -> bool:
    """Whether it is this machine that was dialled, so that no password leaves it."""
    address = outcome["error"]["address"] if outcome["error"] else None
    return (address or "").startswith(_LOOPBACK) and outcome["transport"] == "tcp"


def _mode(view: View, outcome: Outcome, mode: str, words: str) -> Change | None:
    """The probe with another sslmode, on this machine only."""
    name = view.url_variable()
    if name is None or not _is_near(outcome):
        return None
    url = view.url()
    asked_as_ssl = url is not None and "ssl" in url.query and "sslmode" not in url.query
    parameter = "ssl" if asked_as_ssl else "sslmode"
    changed = with_parameter(view.variables[name], parameter, mode)
    return Change(
        words=words,
        probe=outcome["name"],
        command=_repeated(outcome, f"{parameter}={mode} in {name}"),
        variables={name: changed},
    )


def _repeated(outcome: Outcome, how: str) -> str:
    return f"{repeated(outcome['name'])}   # with {how}"


def without_tls(view: View, outcome: Outcome) -> Change | None:
    """Over TCP on this machine in clear; elsewhere a password would go in clear."""
    return _mode(view, outcome, "disable", "sslmode=disable")


def without_verification(view: View, outcome: Outcome) -> Change | None:
    """Over TCP on this machine the same server, whose certificate nobody verifies; over HTTP the lab's."""
    if outcome["transport"] != "tcp":
        return in_the_lab(view, outcome)
    # pg takes require for verify-full, and has a mode of its own that verifies nothing
    mode = "no-verify" if outcome["name"].startswith("node.") else "require"
    change = _mode(view, outcome, mode, "a certificate that is not verified")
    if change is None:
        return None
    name, changed = next(iter(change.variables.items()))
    # with a root file libpq verifies under require too
    return Change(
        words=change.words,
        probe=change.probe,
        command=_repeated(outcome, f"sslmode={mode} and no sslrootcert in {name}"),
        variables={name: without_parameter(changed, "sslrootcert")},
        environment={"PGSSLROOTCERT": None},
    )


def as_libpq_does(view: View, outcome: Outcome) -> Change | None:
    """On this machine pg with libpq's meaning of sslmode, by which require verifies nothing."""
    names = [each for each in DATABASE_VARIABLES if each in view.variables]
    if not names or not _is_near(outcome):
        return None
    return Change(
        words="uselibpqcompat=true in the URL",
        probe=outcome["name"],
        command=_repeated(outcome, f"uselibpqcompat=true in {names[0]}"),
        variables={name: with_parameter(view.variables[name], "uselibpqcompat", "true") for name in names},
    )


def without_the_name(view: View, outcome: Outcome) -> Change | None:
    """The authority is verified as before, and the name is not; pg has no such mode."""
    if outcome["transport"] != "tcp" or outcome["name"].startswith("node."):
        return without_verification(view, outcome)
    return _mode(view, outcome, "verify-ca", "sslmode=verify-ca, which verifies all but the name")


def without_a_handshake(view: View, outcome: Outcome) -> Change | None:
    """Over TCP on this machine in clear; over HTTP the lab's server."""
    return without_tls(view, outcome) if outcome["transport"] == "tcp" else in_the_lab(view, outcome)


def with_a_root_file(view: View, outcome: Outcome) -> Change | None:
    """The authorities that this machine has; what is verified stays verified."""
    name, bundle = view.url_variable(), _bundle(view.environ)
    if name is None or bundle is None:
        return None
    file = "$SSL_CERT_FILE" if view.environ.get("SSL_CERT_FILE") else bundle
    return Change(
        words="sslrootcert set to a file that exists",
        probe=outcome["name"],
        command=_repeated(outcome, f"sslrootcert={file} in {name}"),
        variables={name: with_parameter(view.variables[name], "sslrootcert", bundle)},
    )


def _bundle(environ: Mapping[str, str]) -> str | None:
    """A file of authorities that is there: one that is not would fail alike, and prove nothing."""
    path = environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return path if path is not None and Path(path).is_file() else None


def with_sni(view: View, outcome: Outcome) -> Change | None:
    """The name in the handshake: switched on again, or a name in the place of an address of this machine."""
    name, url = view.url_variable(), view.url()
    if name is None or url is None:
        return None
    if url.query.get("sslsni") == "0":
        return Change(
            words="sslsni=1",
            probe=outcome["name"],
            command=_repeated(outcome, f"sslsni=1 in {name}"),
            variables={name: with_parameter(view.variables[name], "sslsni", "1")},
        )
    named = with_host(view.variables[name], "localhost") if url.host in {"127.0.0.1", "::1"} else None
    if named is None:
        return None
    return Change(
        words="localhost in the place of the address, which no handshake names",
        probe=outcome["name"],
        command=_repeated(outcome, f"{name}'s host written as localhost"),
        variables={name: named},
    )
