"""What was taken out of a run before it was written, and what its report does not show.

It is read off the files themselves: the tokens that stand in the place of secrets, the marks where something
was cut, and the characters that nobody would see.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.document import RunDocument
from repro.redaction import ANY_TOKEN, SENSITIVE_HEADER, SENSITIVE_KEY, SENSITIVE_NAME
from repro.report.counting import CUT, counted
from repro.report.escape import not_shown, one_line, shortened
from repro.report.places import Placed, texts

Events = Mapping[str, Sequence[Mapping[str, Any]]]

RUN_FILE = "run.json"
MOST_PLACES = 6
"""Places of a file that are named; of more the number is told."""

MOST_OF_A_PLACE = 120

_KINDS = {
    "host": "a foreign host",
    "user": "the name of a user",
    "ipv4": "a foreign IPv4 address",
    "ipv6": "a foreign IPv6 address",
}
_NOUNS = {"redacted": "secret", "host": "host", "user": "user", "ipv4": "address", "ipv6": "address"}
_IN_URL = re.compile(r"://[^\s/@]*:\Z")
_IN_HEADER = re.compile(rf"(?i){SENSITIVE_HEADER}[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?\Z")
_BEARER = re.compile(r"(?i)\bbearer\s+\Z")
_NAMED = re.compile(rf"(?i)(?P<name>{SENSITIVE_NAME})[\"']?\s*[=:]\s*[\"']?\Z")
_LOOKED_BACK = 300
"""Characters before a token that tell what it stands for: the longest that the redactor looks at."""

_LONG = "of a long text, a part"


@dataclass(slots=True)
class Removed:
    """One token, and where it stands.

    Args:
        token: such as ``[redacted:1a2b3c]``.
        kinds: what it stands for, as far as the places tell, each with how often.
        places: in each file; one that holds the token twice is there twice.
    """

    token: str
    kinds: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    @property
    def times(self) -> int:
        """How often it stands in all files."""
        return sum(map(len, self.places.values()))


def removed(files: Mapping[str, str], document: RunDocument, events: Events) -> list[Removed]:
    """The tokens of a run, in the order in which they are met.

    Args:
        files: the texts of the run's other files, by their paths in its folder, such as ``report.md``;
            ``run.json`` and the traces are passed over.
        document: the run.
        events: the trace lines of each probe, by its name.
    """
    found: dict[str, Removed] = {}
    for file, placed in _structured(document, events):
        for token, kind in _tokens(placed):
            _add(found, token, file, placed.path).kinds[kind] += 1
    for file, number, line in _lines(files, document):
        for met in ANY_TOKEN.finditer(line):
            _add(found, met[0], file, f"line {number}")
    return list(found.values())


def counts(found: Iterable[Removed]) -> dict[str, int]:
    """How many secrets, hosts, users and addresses tokens stand for."""
    known: Counter[str] = Counter()
    for each in found:
        met = ANY_TOKEN.fullmatch(each.token)
        known[_NOUNS[met["kind"]] if met else "secret"] += 1
    return {noun: known[noun] for noun in dict.fromkeys(_NOUNS.values()) if known[noun]}


def listing(folder_files: Mapping[str, str], document: RunDocument, events: Events) -> str:
    """All of it, for a person who is about to send the run to somebody: plain text, for a terminal too.

    Args:
        folder_files: the texts of the run's files, by their paths in its folder.
        document: the run.
        events: the trace lines of each probe, by its name.
    """
    parts = [
        _of_tokens(removed(folder_files, document, events)),
        _section(
            "parameters of the database's URL whose values are not told",
            _named(_unset(document["target"])),
        ),
        _section("cut", _cuts(folder_files, document, events)),
        _section(
            "characters that nobody sees, which the reports show by number or leave out",
            _unseen(document, events),
        ),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _structured(document: RunDocument, events: Events) -> Iterator[tuple[str, Placed]]:
    """Every text of the run document and of the traces, with its file."""
    yield from ((RUN_FILE, each) for each in texts(document))
    files = {probe["name"]: probe["events"] for probe in document["probes"]}
    for name, lines in events.items():
        file = files.get(name) or f"trace/{name}.jsonl"
        for line in lines:
            yield from ((file, _of_line(each, line)) for each in texts(line))


def _of_line(placed: Placed, line: Mapping[str, Any]) -> Placed:
    return Placed(f"{line.get('seq')}: {placed.path}", placed.key, placed.text)


def _lines(files: Mapping[str, str], document: RunDocument) -> Iterator[tuple[str, int, str]]:
    """The lines of the files that are no JSON, with their numbers."""
    known = {RUN_FILE, *(probe["events"] for probe in document["probes"])}
    for file, text in files.items():
        if file not in known:
            yield from ((file, number, line) for number, line in enumerate(text.split("\n"), start=1))


def _add(found: dict[str, Removed], token: str, file: str, place: str) -> Removed:
    entry = found.setdefault(token, Removed(token))
    entry.places.setdefault(file, []).append(place)
    return entry


def _tokens(placed: Placed) -> Iterator[tuple[str, str]]:
    for met in ANY_TOKEN.finditer(placed.text):
        yield met[0], _KINDS.get(met["kind"]) or _kind(placed, met)


def _kind(placed: Placed, met: re.Match[str]) -> str:
    """What a secret was, by what stands around its token."""
    before = placed.text[max(0, met.start() - _LOOKED_BACK) : met.start()]
    if _IN_URL.search(before) and placed.text.startswith("@", met.end()):
        return "the password of a URL"
    if _IN_HEADER.search(before) or _BEARER.search(before):
        return "a header"
    if named := _NAMED.search(before):
        return f"the value of {one_line(named['name'])}"
    if SENSITIVE_KEY.fullmatch(placed.key):
        return f"the field {one_line(placed.key)}"
    return "a secret known from the settings"


def _of_tokens(found: Sequence[Removed]) -> str:
    if not found:
        return "no secret, host or user was replaced: none was met"
    told = ", ".join(counted(number, noun) for noun, number in counts(found).items())
    times = sum(each.times for each in found)
    return "\n\n".join([f"replaced by tokens: {told}; in {counted(times, 'place')}", *map(_block, found)])


def _block(entry: Removed) -> str:
    kinds = "; ".join(entry.kinds) or "known from its token alone"
    return "\n".join(
        [f"{entry.token}  {counted(entry.times, 'time')}: {kinds}", *_by_file(entry.places, indent="  ")]
    )


def _by_file(places: Mapping[str, Sequence[str]], indent: str = "") -> Iterator[str]:
    for file, here in places.items():
        yield f"{indent}{one_line(file)}: {_where(file, here)}"


def _some(places: Sequence[str]) -> str:
    """The first places, each once with how often, and how many more there are."""
    told = Counter(shortened(one_line(each), MOST_OF_A_PLACE) for each in places)
    shown = [f"{place} ({counted(times, 'time')})" if times > 1 else place for place, times in told.items()]
    more = len(shown) - MOST_PLACES
    return ", ".join(shown[:MOST_PLACES]) + (f", and {counted(more, 'more place')}" if more > 0 else "")


def _section(title: str, lines: Iterable[str]) -> str:
    told = [f"  {line}" for line in lines]
    return "\n".join([f"{title}:", *told]) if told else ""


def _named(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield ", ".join(shortened(one_line(name), MOST_OF_A_PLACE) for name in names)


def _unset(target: Mapping[str, Any]) -> list[str]:
    database = target.get("database")
    parameters = database.get("parameters") if isinstance(database, Mapping) else None
    return (
        [str(name) for name, value in parameters.items() if value == "[set]"]
        if isinstance(parameters, Mapping)
        else []
    )


def _cuts(files: Mapping[str, str], document: RunDocument, events: Events) -> Iterator[str]:
    """What was cut, a line for each kind of a file, with how much in all."""
    amounts: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], list[str]] = {}
    for file, amount, what, where in _marks(files, document, events):
        amounts[file, what] += amount
        places.setdefault((file, what), []).append(where)
    for (file, what), here in places.items():
        much = f"{amounts[file, what]:,} " if amounts[file, what] else ""
        yield f"{one_line(file)}: {much}{what}: {_where(file, here)}"


def _marks(
    files: Mapping[str, str], document: RunDocument, events: Events
) -> Iterator[tuple[str, int, str, str]]:
    """File, how much was cut, of what, and where."""
    for file, placed in _structured(document, events):
        if "[…]" in placed.text:
            yield file, 0, _LONG, placed.path
    for file, number, line in _lines(files, document):
        for met in CUT.finditer(line):
            amount = met[met.lastgroup] if met.lastgroup else ""
            what = met[0].strip("[]… ").removeprefix(amount).strip().replace("`", "") or _LONG
            yield file, int(amount.replace(",", "") or 0), what, f"line {number}"


def _where(file: str, places: Sequence[str]) -> str:
    """Where it stands; of a page, whose lines nobody counts, how often."""
    return counted(len(places), "place") if file.endswith(".html") else _some(places)


def _unseen(document: RunDocument, events: Events) -> Iterator[str]:
    """Each character that nobody sees, a line for each file."""
    places: dict[tuple[str, str], list[str]] = {}
    for file, placed in _structured(document, events):
        for what in not_shown(placed.text):
            places.setdefault((file, what), []).append(placed.path)
    for (file, what), here in places.items():
        yield f"{one_line(file)}: {what}: {_some(here)}"
