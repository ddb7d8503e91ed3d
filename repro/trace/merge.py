"""One event for each fact: what the kernel saw and what a hook saw of the same attempt become one.

The kernel knows when and with what result, the hook knows for whom: the name behind the address, the library,
the connection that later events belong to. What only one of them saw is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Line: TypeAlias = Mapping[str, Any]
"""A trace line, as `Event.as_json` makes it."""

SLACK_S = 0.05
"""How far the two views of one attempt may lie apart: hooks are told through queues and threads."""

_UNSEEN = ("failed, and the program did not ask why", "given up before there was a result")


def merged(hook_lines: Iterable[Line], kernel_lines: Iterable[Line]) -> list[dict[str, Any]]:
    """All lines in the order in which they ended, numbered anew.

    Args:
        hook_lines: what the process said of itself.
        kernel_lines: what the kernel said; without any, a hook's attempt is left as it is.
    """
    hooks = [dict(line) for line in hook_lines]
    kernel = sorted((dict(line) for line in kernel_lines), key=lambda line: line["t0"])
    unclaimed = [line for line in kernel if line["op"] == "connect"]
    watched = bool(unclaimed)
    attempts = [(line, dict(line)) for line in sorted(filter(_is_attempt, hooks), key=_tightest_first)]
    for line, told in attempts:
        claim = next((each for each in unclaimed if _fits(told, each)), None)
        if claim is not None:
            unclaimed.remove(claim)
            _join(line, claim)
        elif watched:
            line["confirmed"] = False
    for line, told in attempts:
        for again in [each for each in unclaimed if told.get("via") == "libpq" and _fits(told, each)]:
            unclaimed.remove(again)
            _join_again(line, again)
    others = [{**line, "conn": None} for line in kernel if line["op"] != "connect"]
    return _numbered([*hooks, *others, *({**line, "conn": None, "claimed": False} for line in unclaimed)])


def _is_attempt(line: Line) -> bool:
    peer = line["peer"]
    return line["op"] == "connect" and peer is not None and peer["port"] is not None


def _tightest_first(line: Line) -> float:
    """Attempts of libpq last until the login is over and may cover others': the short ones choose first."""
    return float(line["t"] - line["t0"])


def _fits(line: Line, attempt: Line) -> bool:
    within = line["t0"] - SLACK_S <= attempt["t0"] <= line["t"] + SLACK_S
    return within and line["pid"] in {None, attempt["pid"]} and _same_peer(line["peer"], attempt["peer"])


def _same_peer(one: Line, other: Line) -> bool:
    if one["port"] != other["port"]:
        return False
    addresses = {_plain(one["address"]), _plain(other["address"])}
    return len(addresses) == 1 or not addresses.isdisjoint({"0.0.0.0", "::"})  # noqa: S104 - it is dialled


def _plain(address: str) -> str:
    return address.partition("%")[0].removeprefix("::ffff:")


def _join(line: dict[str, Any], claim: Line) -> None:
    """Make a hook's line the one that holds both views; the kernel's word goes first."""
    line["seen_by"] = ["kernel", line["src"]]
    line.update(src="kernel", t0=claim["t0"])
    _take_result(line, claim)


def _join_again(line: dict[str, Any], claim: Line) -> None:
    """An address may be dialled twice in one attempt of libpq: with TLS, and without."""
    line["connects"] = line.get("connects", 1) + 1
    _take_result(line, claim)


def _take_result(line: dict[str, Any], claim: Line) -> None:
    if not str(claim["failure"]).endswith(_UNSEEN) and claim.get("connect.result") is None:
        line.update(t=claim["t"], failure=claim["failure"], errno=claim["errno"])
    line["t"] = max(line["t"], line["t0"])
    if "observer" in claim:
        line["observer"] = claim["observer"]


def _numbered(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines.sort(key=lambda line: (line["t"], line["seq"]))
    return [{**line, "seq": number} for number, line in enumerate(lines, 1)]
