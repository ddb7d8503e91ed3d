"""What was taken out of a run before it was written, and what its report does not show.

It is read off the files themselves: the tokens that stand in the place of secrets, the marks where something
was cut, and the characters that nobody would see.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from repro.document import RunDocument
from repro.redaction import ANY_TOKEN, SENSITIVE_HEADER, SENSITIVE_KEY, SENSITIVE_NAME
from repro.report.counting import CUT, counted
from repro.report.escape import not_shown, one_line, shortened
from repro.report.places import Placed, Places, texts

Events = Mapping[str, Iterable[Mapping[str, Any]]]

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

_LONG = "a long text is shortened, with […] where something is left out"


_few_places = partial(Places, MOST_PLACES)


@dataclass(slots=True)
class Removed:
    """One token, and where it stands.

    Args:
        token: such as ``[redacted:1a2b3c]``.
        kinds: what it stands for, as far as the places tell, each with how often.
        places: in each file.
    """

    token: str
    kinds: Counter[str] = field(default_factory=Counter)
    places: dict[str, Places] = field(default_factory=lambda: defaultdict(_few_places))

    @property
    def times(self) -> int:
        """How often it stands in all files."""
        return sum(each.times for each in self.places.values())


def removed(files: Mapping[str, str], document: RunDocument, events: Events) -> list[Removed]:
    """The tokens of a run, in the order in which they are met.

    Args:
        files: the texts of the run's other files, by their paths in its folder, such as ``report.md``;
            ``run.json`` and the traces are passed over.
        document: the run.
        events: the trace lines of each probe, by its name.
    """
    return list(_look(files, document, events).removed.values())


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
    found = _look(folder_files, document, events)
    parts = [
        _of_tokens(list(found.removed.values())),
        _section(
            "parameters of the database's URL whose values are not told",
            _named(_unset(document["target"])),
        ),
        _section("cut", _cuts(found)),
        _section(
            "characters that nobody sees, which the reports show by number or leave out",
            _unseen(found),
        ),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


@dataclass(slots=True)
class _Found:
    """What is met in the texts of a run, all of it in one pass.

    Args:
        removed: each token, in the order in which they are met.
        amounts: how much of what was cut, by the file and what it is.
        cuts: where that was.
        unseen: where a character stands that nobody sees, by the file and what it is.
    """

    removed: dict[str, Removed] = field(default_factory=dict)
    amounts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cuts: dict[tuple[str, str], Places] = field(default_factory=lambda: defaultdict(_few_places))
    unseen: dict[tuple[str, str], Places] = field(default_factory=lambda: defaultdict(_few_places))

    def look_at(self, file: str, placed: Placed) -> None:
        """Look at a text of the document or of a trace."""
        for token, kind in _tokens(placed):
            self.token(token, file, placed.path).kinds[kind] += 1
        if "[…]" in placed.text:
            self.cuts[file, _LONG].add(placed.path)
        for what in not_shown(placed.text):
            self.unseen[file, what].add(placed.path)

    def look_at_line(self, file: str, number: int, line: str) -> None:
        """Look at a line of a report or of a program."""
        for met in ANY_TOKEN.finditer(line):
            self.token(met[0], file, f"line {number}")
        for met in CUT.finditer(line):
            amount = met[met.lastgroup] if met.lastgroup else ""
            what = met[0].strip("[]… ").removeprefix(amount).strip().replace("`", "") or _LONG
            self.amounts[file, what] += int(amount.replace(",", "") or 0)
            self.cuts[file, what].add(f"line {number}")

    def token(self, token: str, file: str, place: str) -> Removed:
        """A token stands at a place."""
        entry = self.removed.setdefault(token, Removed(token))
        entry.places[file].add(place)
        return entry


def _look(files: Mapping[str, str], document: RunDocument, events: Events) -> _Found:
    found = _Found()
    for file, placed in _structured(document, events):
        found.look_at(file, placed)
    for file, number, line in _lines(files, document):
        found.look_at_line(file, number, line)
    return found


def _structured(document: RunDocument, events: Events) -> Iterator[tuple[str, Placed]]:
    """Every text of the run document and of the traces, with its file."""
    yield from ((RUN_FILE, each) for each in texts(document))
    files = {probe["name"]: probe["events"] for probe in document["probes"]}
    for name, lines in events.items():
        file = files.get(name) or f"trace/{name}.jsonl"
        for line in lines:
            if not _is_plain(line):
                yield from ((file, _of_line(each, line)) for each in texts(line))


def _is_plain(value: Any) -> bool:
    """Whether there is nothing to tell of any text in JSON data: so it is for nearly all lines of a trace."""
    if isinstance(value, str):
        return _is_plain_text(value)
    if isinstance(value, dict):
        return all(map(_is_plain_text, value)) and all(map(_is_plain, value.values()))
    return not isinstance(value, list) or all(map(_is_plain, value))


@lru_cache(10_000)
def _is_plain_text(text: str) -> bool:
    return "[" not in text and not any(not_shown(text))


def _of_line(placed: Placed, line: Mapping[str, Any]) -> Placed:
    return Placed(f"{line.get('seq')}: {placed.path}", placed.key, placed.text)


def _lines(files: Mapping[str, str], document: RunDocument) -> Iterator[tuple[str, int, str]]:
    """The lines of the files that are no JSON, with their numbers."""
    known = {RUN_FILE, *(probe["events"] for probe in document["probes"])}
    for file, text in files.items():
        if file not in known:
            yield from ((file, number, line) for number, line in enumerate(text.split("\n"), start=1))


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


def _by_file(places: Mapping[str, Places], indent: str = "") -> Iterator[str]:
    for file, here in places.items():
        yield f"{indent}{one_line(file)}: {_where(file, here)}"


def _some(places: Places) -> str:
    """The first places, each with how often, and how many more there are."""
    told = [
        shortened(one_line(place), MOST_OF_A_PLACE) + (f" ({counted(times, 'time')})" if times > 1 else "")
        for place, times in places.named.items()
    ]
    return ", ".join(told) + (f", and {counted(places.more, 'more place')}" if places.more else "")


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


def _cuts(found: _Found) -> Iterator[str]:
    """What was cut, a line for each kind of a file, with how much in all."""
    for (file, what), here in found.cuts.items():
        amount = found.amounts[file, what]
        much = f"{amount:,} " if amount else ""
        yield f"{one_line(file)}: {much}{what}: {_where(file, here)}"


def _where(file: str, places: Places) -> str:
    """Where it stands; of a page, whose lines nobody counts, how often."""
    return counted(places.times, "place") if file.endswith(".html") else _some(places)


def _unseen(found: _Found) -> Iterator[str]:
    """Each character that nobody sees, a line for each file."""
    for (file, what), here in found.unseen.items():
        yield f"{one_line(file)}: {what}: {_some(here)}"
