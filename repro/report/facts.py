"""Environment and versions, the target, and the commands to repeat a run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from repro.document import FAILING, Outcome, RunDocument
from repro.report.counting import are, more_in_run
from repro.report.escape import brief, clean, fence, short_code, shortened
from repro.report.failure import Room

NAMES = {
    "python": "Python",
    "platform": "Platform",
    "openssl": "OpenSSL",
    "libpq": "libpq",
    "drivers": "Drivers",
    "lab": "Lab",
    "servers": "Servers",
    "variables": "Variables in force",
    "locale": "Locale",
    "localhost": "localhost is",
    "cores": "Cores",
}
"""How the facts of the environment are called; one that is not here is called by its key."""

TARGET_NAMES = {
    "endpoints": "database",
    "parameters": "parameters of its URL",
    "neon_http": "Neon SQL over HTTP",
    "neon_websocket": "Neon WebSocket",
    "redis_tcp": "queue over Redis TCP",
    "upstash_rest": "queue over REST",
}
"""How the facts of the target are called."""

Row = tuple[str, Sequence[str]]
"""A fact: its name, and what is told of it, piece by piece."""

_OF_A_RUN = frozenset({"--node", "--no-experiments", "--show-hosts", "--tap", "--pcap", "--json"})
"""Flags of `repro run` alone, none of which has a value."""

_SCENARIO = re.compile(r"the lab, in the scenario ([\w-]{1,80})")

ALL = Room()
"""As much as a text shows that has room enough."""

MOST_COMMANDS = 20
MOST_OF_A_COMMAND = 1_000
MOST_OF_A_RUN = 8_000
"""Characters of the command of a run that are looked at."""

MOST_TO_ALIGN = 160
"""Characters of a command behind which what it is for still stands in a column."""

MOST_NAMES = 12


def environment(document: RunDocument, room: Room = ALL) -> str:
    """The versions first that a maintainer asks for, then the rest, as a list."""
    return as_list(environment_rows(document), room)


def environment_rows(document: RunDocument) -> list[Row]:
    """The versions first that a maintainer asks for, then the rest, as facts."""
    tool = document["tool"]
    rows: list[Row] = [
        (tool["name"], [tool["version"], f"run {document['run_id']}", document["started_at"]]),
        ("Server, as drivers saw it", _seen(document["probes"], "server")),
    ]
    rows += [(name, _seen(document["probes"], name)) for name in ("libpq built", "libpq loaded")]
    facts = document["environment"]
    on_lab = document["target"].get("kind") == "lab"
    known = [name for name in NAMES if name in facts and (on_lab or name != "lab")]
    rest = [name for name in facts if name not in NAMES and name != "command"]
    rows += [(NAMES.get(name, name), told(facts[name])) for name in (*known, *rest)]
    return rows


def as_list(rows: Iterable[Row], room: Room = ALL) -> str:
    """Facts as a list; one of which nothing is told is left out."""
    known = [row for row in rows if row[1]]
    lines = [f"- {_label(name)}: {_in_code(told, room.fact)}" for name, told in known[: room.facts]]
    if len(known) > room.facts:
        lines.append(f"- {more_in_run(len(known) - room.facts, 'fact')}")
    return "\n".join(lines)


def _in_code(told: Sequence[str], most: int) -> str:
    """Each piece as code of its own, as many as there is room for."""
    pieces: list[str] = []
    room = most
    for piece in told:
        if room <= 0:
            return ", ".join([*pieces, "…"])
        pieces.append(short_code(piece, most))
        room -= len(pieces[-1]) + 2
    return ", ".join(pieces)


def _label(name: str) -> str:
    """A name of ours as it is, another one as code."""
    ours = name in {*NAMES.values(), *TARGET_NAMES.values()} or re.fullmatch("[A-Za-z, ]{1,40}", name)
    return name if ours else short_code(name, 60)


def _seen(outcomes: Iterable[Outcome], name: str) -> list[str]:
    """A version by those who saw it; usually one."""
    found = (versions[name] for each in outcomes if name in (versions := each.get("versions", {})))
    return list(dict.fromkeys(found))


def told(value: Any) -> list[str]:
    """JSON data in pieces: ``system Linux`` and ``machine x86_64``."""
    if isinstance(value, Mapping):
        return [f"{name} {piece}" for name, each in value.items() for piece in told(each)]
    if isinstance(value, list | tuple):
        return [piece for each in value for piece in told(each)]
    return [] if value is None or value == "" else [str(value)]


def target(document: RunDocument, room: Room = ALL) -> str:
    """The target's facts as a list."""
    return as_list(target_rows(document), room)


def target_rows(document: RunDocument) -> list[Row]:
    """What is known of the target, as facts."""
    known = document["target"]
    whose = "the lab" if known.get("kind") == "lab" else "the user's own"
    rows: list[Row] = [("target", ["the lab, with a fault" if scenario(document) else whose])]
    for name, value in known.items():
        if name not in {"kind", "sources"}:
            inner = value if isinstance(value, Mapping) else {name: value}
            rows += [(TARGET_NAMES.get(each, each), told(inner[each])) for each in inner]
    return rows


def scenario(document: RunDocument) -> str:
    """The scenario of the lab that put a fault in place; empty for a run without one."""
    notes = document["target"].get("notes")
    texts = [str(each) for each in notes] if isinstance(notes, list) else []
    found = next(filter(None, map(_SCENARIO.fullmatch, texts)), None)
    return found[1] if found else ""


def commands(document: RunDocument) -> str:
    """The commands that repeat the run, and each failing probe alone, as a fenced block."""
    return fence("\n".join(command_lines(document)), "sh")


def command_lines(document: RunDocument) -> list[str]:
    """The commands that repeat the run, and each failing probe alone, each with what it is for."""
    failing = [outcome["name"] for outcome in document["probes"] if outcome["status"] in FAILING]
    whole = brief(document["environment"].get("command") or "repro run", MOST_OF_A_RUN)
    steps = [(whole, "the whole run, as it was")]
    if failing and len(failing) <= MOST_COMMANDS and whole.startswith("repro run"):
        flags = _flags(whole)
        steps.append((shlex.join(["repro", "run", "--only", ",".join(failing), *flags]), "what failed"))
        steps += [
            (shlex.join(["repro", "probe", name, *_of_a_probe(flags)]), "one alone, live")
            for name in failing[:4]
        ]
        steps = list({command: (command, why) for command, why in reversed(steps)}.values())[::-1]
    width = max(min(len(command), MOST_TO_ALIGN) for command, _ in steps)
    lines = (f"{shortened(command, MOST_OF_A_COMMAND):<{width}}  # {why}" for command, why in steps)
    return [*_setting(document), *lines]


def _flags(command: str) -> list[str]:
    """The flags of a run that say on what target it was: all but ``--only``."""
    try:
        words = shlex.split(command)[2:]
    except ValueError:
        return []
    only = {place + step for place, word in enumerate(words) if word == "--only" for step in (0, 1)}
    return [word for place, word in enumerate(words) if place not in only]


def _of_a_probe(flags: Sequence[str]) -> list[str]:
    """Those that `repro probe` has too; the Node packages are there without ``--node``."""
    return [flag for flag in flags if flag not in _OF_A_RUN]


def _setting(document: RunDocument) -> Iterator[str]:
    """What has to be set before: the names of the target's variables, where there is a target."""
    sources = document["target"].get("sources")
    if isinstance(sources, list) and sources:
        names = (brief(source, 100).partition(" ")[0] for source in sources[:MOST_NAMES])
        yield f"# with {', '.join(names)} set to the target"


def transaction(document: RunDocument, room: Room = ALL) -> str:
    """The statements that every probe sent, and what became of them."""
    shown = statements(document, room.message, room.statements)
    left = len(document["transaction"]["statements"]) - len(shown)
    if left:
        shown.append(f"-- {are(left, 'more statement')} in run.json")
    return f"{fence(chr(10).join(shown), 'sql')}\n\n{effect(document)}"


def statements(document: RunDocument, most: int, count: int = ALL.statements) -> list[str]:
    """The first of the transaction's statements, each with its semicolon.

    Args:
        document: the run.
        most: a quarter of the characters of one.
        count: of them.
    """
    chosen = document["transaction"]["statements"][:count]
    bounded = (shortened(clean(shortened(each, 16 * most)), 4 * most) for each in chosen)
    return [f"{statement.rstrip().removesuffix(';')};" for statement in bounded]


def effect(document: RunDocument) -> str:
    """What became of the transaction, in a sentence of Markdown."""
    if document["transaction"]["effect"] == "rollback":
        alone = (
            " Each driver was tried with one transaction at a time only; `--commit` tries several at once."
        )
        return "Nothing durable was written: the tables were temporary, `ON COMMIT DROP`." + alone
    kept = [
        each["name"]
        for each in document["probes"]
        if any("left behind" in note for note in each.get("notes", []))
    ]
    if kept:
        names = ", ".join(map(short_code, kept[:MOST_NAMES])) + (" …" if len(kept) > MOST_NAMES else "")
        return f"It was really committed, and not everything could be removed: see {names}."
    return "It was really committed; the tables were the run's own and are dropped."
