"""A database's URL with one thing in it changed, for experiments. Nothing else of it is touched."""

from __future__ import annotations

import ipaddress
import re

_AUTHORITY = re.compile(r"^(?P<before>[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?)(?P<hosts>[^/?#@]*)")


def with_host(url: str, host: str) -> str | None:
    """The URL with another host and the port that it had.

    Args:
        url: with a single host.
        host: a name, or a literal address without brackets.

    Returns:
        None where the URL names several hosts, or none.
    """
    match = _AUTHORITY.match(url)
    if match is None or not match["hosts"] or "," in match["hosts"]:
        return None
    written = f"[{host}]" if ":" in host else host
    port = re.search(r":\d+$", match["hosts"])
    return f"{match['before']}{written}{port[0] if port else ''}{url[match.end() :]}"


def with_parameter(url: str, name: str, value: str) -> str:
    """The URL with a parameter of its query set, or set otherwise.

    Args:
        url: without a fragment.
        name: as it stands in a URL.
        value: as it stands in a URL.
    """
    rest = without_parameter(url, name)
    return f"{rest}{'&' if '?' in rest else '?'}{name}={value}"


def without_parameter(url: str, name: str) -> str:
    """The URL without a parameter of its query.

    Args:
        url: without a fragment.
        name: as it stands in a URL.
    """
    address, _, query = url.partition("?")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] != name]
    return f"{address}?{'&'.join(pairs)}" if pairs else address


def is_of_this_machine(host: str) -> bool:
    """Whether what is sent to a host does not leave this machine.

    Args:
        host: a name, or a literal address without brackets.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
