"""Names and their addresses."""

from __future__ import annotations

import ipaddress

from repro.diagnose.cause import Cause
from repro.diagnose.controls import in_the_lab
from repro.diagnose.view import Line, View, during, failed, says
from repro.document import Outcome

_NO_ADDRESS = "EAI_NODATA"
_NO_ANSWER = frozenset({"EAI_AGAIN", "EAI_FAIL"})

_SLOW_S = 3.0
"""A resolver that fails says so at once. One that is silent is asked again: resolv.conf(5), 5 s, twice."""

_NO_WAY = frozenset({"ENETUNREACH", "EADDRNOTAVAIL"})
"""What the own kernel says, before any packet, where it has no route or no address of its own for it."""


def _lookups(view: View, outcome: Outcome) -> list[Line]:
    """The lookups that failed."""
    return [line for line in view.lines(outcome, "dns") if line.get("failure")]


def _answers(view: View, outcome: Outcome) -> list[str]:
    return [address for line in view.lines(outcome, "dns") for address in line.get("dns.answers") or ()]


def _took_s(line: Line) -> float:
    return float(line.get("t") or 0) - float(line.get("t0") or 0)


def _has_no_address(view: View, outcome: Outcome) -> bool:
    return any(line.get("dns.error") == _NO_ADDRESS for line in _lookups(view, outcome)) or says(
        "No address associated with hostname"
    )(outcome)


def _does_not_exist(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(failed("dns_nxdomain"), during("resolve"))
        if not _has_no_address(view, outcome)
        and not any(line.get("dns.error") in _NO_ANSWER for line in _lookups(view, outcome))
        and not _exists(view, outcome)
    ]


def _exists(view: View, outcome: Outcome) -> bool:
    """Whether another lookup of the run found the name: then it is no name that does not exist."""
    names = {line.get("dns.name") for line in _lookups(view, outcome)} - {None}
    return any(
        line.get("dns.name") in names and (line.get("dns.answers") or line.get("dns.error") == _NO_ADDRESS)
        for other in view.outcomes
        for line in view.lines(other, "dns")
    )


def _resolver_fails(view: View) -> list[Outcome]:
    """It said at once that it cannot tell."""
    return [
        outcome
        for outcome in view.where(failed("dns_failure"), during("resolve"))
        if any(line.get("dns.error") in _NO_ANSWER for line in _lookups(view, outcome))
    ]


def _resolver_is_silent(view: View) -> list[Outcome]:
    """The lookup took as long as a silent resolver takes, or longer than the driver waited."""
    return [
        outcome
        for outcome in view.where(failed("dns_failure", "timeout"), during("resolve", "connect"))
        if not view.lines(outcome, "connect")
        and not _answers(view, outcome)
        and _waited_for_a_name(view, outcome)
    ]


def _waited_for_a_name(view: View, outcome: Outcome) -> bool:
    lookups = _lookups(view, outcome)
    if lookups:
        return any(_took_s(line) >= _SLOW_S for line in lookups)
    return failed("timeout")(outcome) and bool(view.lines(outcome, "dns.query"))


def _only_v6(view: View) -> list[Outcome]:
    """No address of the kind that this network has: none was given, or there is no way to any."""
    return [
        outcome
        for outcome in view.failing()
        if (
            failed("dns_nxdomain")(outcome) and during("resolve")(outcome) and _lacks_addresses(view, outcome)
        )
        or (failed("host_unreachable")(outcome) and _leads_nowhere(view, outcome))
    ]


def _lacks_addresses(view: View, outcome: Outcome) -> bool:
    """It says so; or it cannot tell, as Node, whose ENOTFOUND is either, and another one did of the same name."""
    names = {line.get("dns.name") for line in _lookups(view, outcome)} - {None}
    return _has_no_address(view, outcome) or any(
        line.get("dns.name") in names and line.get("dns.error") == _NO_ADDRESS
        for other in view.outcomes
        for line in _lookups(view, other)
    )


def _leads_nowhere(view: View, outcome: Outcome) -> bool:
    """Whether every address is one of IPv6, and this machine has no way there."""
    connects = view.lines(outcome, "connect")
    addresses = [line["peer"]["address"] for line in connects if line.get("peer")]
    return (
        bool(addresses)
        and all(line.get("errno") in _NO_WAY for line in connects)
        and all(_is_v6(address) for address in [*addresses, *_answers(view, outcome)])
    )


def _is_v6(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.version == 6 and not parsed.is_loopback


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="dns-timeout",
        layer="dns",
        title="The resolver does not answer",
        summary="The name was asked for, again and again, and nothing came back; no address was dialled. The lookup blocks a "
        "thread in the C library, so that drivers wait longer than their timeout says, or report a timeout without "
        "a word of names.",
        suspects=_resolver_is_silent,
        ops=("dns",),
        symptoms={
            "psycopg": "after 10 s: failed to resolve host …: Temporary failure in name resolution",
            "asyncpg": "after 10 s: TimeoutError without a message",
            "pg": "timeout expired",
            "@neondatabase/serverless": "fetch failed; below it getaddrinfo EAI_AGAIN",
        },
        apart={
            "tcp-syn-blackhole": "no address was dialled: the time passed in the lookup",
            "dns-servfail": "the lookup took seconds: nobody answered it",
            "dns-nxdomain": "there was no answer, and so none that says the name does not exist",
        },
        fix=(
            "Open the way to the resolver: UDP and TCP port 53 to the servers of /etc/resolv.conf.",
            "Behind a VPN or in a container, name a resolver that can be reached from there.",
            "Shorten the wait by options timeout:1 attempts:2 in resolv.conf.",
        ),
        links=("https://github.com/folio-org/raml-module-builder/pull/1176",),
        change=in_the_lab,
    ),
    Cause(
        id="dns-servfail",
        layer="dns",
        title="The resolver fails, or there is none",
        summary="The lookup ended at once with a failure that may pass (EAI_AGAIN). That is no statement about the name: the "
        "resolver is broken, refuses, or nobody listens at its address. No address was dialled.",
        suspects=_resolver_fails,
        ops=("dns",),
        symptoms={
            "psycopg": "failed to resolve host …: [Errno -3] Temporary failure in name resolution",
            "asyncpg": "socket.gaierror: [Errno -3] Temporary failure in name resolution",
            "pg, fetch": "getaddrinfo EAI_AGAIN",
        },
        apart={
            "dns-nxdomain": "the answer was not that the name does not exist",
            "dns-timeout": "the failure came at once",
        },
        fix=(
            "Repair the resolver, or name another in /etc/resolv.conf; in a container see what it was given.",
            "Try again: unlike a name that does not exist, this may pass.",
        ),
        links=("https://nodejs.org/api/errors.html",),
        change=in_the_lab,
    ),
    Cause(
        id="dns-nodata-v6only",
        layer="dns",
        title="The host has no address that this network can use",
        summary="The name exists. Either no address came of it (EAI_NODATA), or IPv6 addresses alone, to which this machine has "
        "no route: it said so before any packet left. Direct hosts of Supabase are such names, and most serverless "
        "platforms and containers have IPv4 only.",
        suspects=_only_v6,
        ops=("dns", "connect"),
        symptoms={
            "psycopg": 'connection to server at "2a05:…", port 5432 failed: Network is unreachable',
            "asyncpg": "OSError: [Errno 101] Network is unreachable",
            "pg": "connect ENETUNREACH 2600:…:5432, or getaddrinfo ENOTFOUND",
            "Python, no address": "[Errno -5] No address associated with hostname",
        },
        apart={
            "dns-nxdomain": "the name exists: it is an address that it lacks",
            "auth-tenant-not-found": "no server was reached",
        },
        fix=(
            "Take the host of the provider's pooler, which has an IPv4 address; its user is another, such as postgres.<project>.",
            "Or give this network IPv6, or buy the provider's IPv4 address.",
        ),
        links=(
            "https://github.com/supabase/cli/pull/5492",
            "https://github.com/n8n-io/n8n/issues/15239",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="dns-nxdomain",
        layer="dns",
        title="No host of this name is found",
        summary="The name was looked up, and the answer was that there is none, or, from Node, whose ENOTFOUND is either, "
        "that it has no address. No address was dialled, and no other lookup found one.",
        suspects=_does_not_exist,
        ops=("dns",),
        symptoms={
            "psycopg": "failed to resolve host …: [Errno -2] Name or service not known",
            "asyncpg": "socket.gaierror: [Errno -2] Name or service not known (it names no host)",
            "pg": "getaddrinfo ENOTFOUND …",
            "@neondatabase/serverless": "fetch failed; below it getaddrinfo ENOTFOUND api.…, a derived name",
        },
        apart={
            "sl-derived-endpoint": "the name that was looked up is the one in the setting",
            "dns-nodata-v6only": "no driver was told that the name is there and lacks an address",
            "dns-servfail": "the resolver answered",
        },
        fix=(
            "Correct the host; inside Docker take the service's name, outside it localhost with the published port.",
        ),
        links=("https://github.com/salsita/node-pg-migrate/issues/439",),
        change=in_the_lab,
    ),
)
