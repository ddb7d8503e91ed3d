"""Links for the person who files: a search first, then a new thread with what a link can carry.

A link carries words of the error and versions, and nothing that could name a host, a person or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from repro.diagnose.undiagnosed import in_words
from repro.document import Outcome
from repro.report.escape import one_line
from repro.report.filing import known, slots
from repro.report.filing.subject import Subject
from repro.report.filing.upstream import Upstream

MOST_BYTES = 6_000
"""Of a link, fewer than which it has; GitHub answers 414 to much longer ones."""

MOST_OF_A_SEARCH = 80
MOST_OF_A_FIELD = 80

_QUOTED = re.compile(r"\"[^\"]*\"?|(?<!\w)'[^']*'?|`[^`]*`?|\([^)]*\)?|\[[^\]]*\]?|<[^>]*>?")
"""Names of hosts, roles and tables stand between such marks, and so do this tool's own tokens."""

_NAMED = frozenset(
    {"user", "role", "database", "host", "server", "project", "tenant", "endpoint", "relation"}
)
"""Words after which a name may stand that is the target's own."""

_NO_NAMES = frozenset(
    {"is", "has", "does", "was", "not", "no", "the", "closed", "did", "name", "and", "for", "or"}
)
"""Words that stand after those and are no name."""

_WORD = re.compile(r"[A-Za-z][A-Za-z_'-]{0,39}|(?=[0-9A-Z]*[A-Z])[0-9]{2}[0-9A-Z]{3}", re.ASCII)
"""A word, or an SQLSTATE. A dot may be in a host's name, and a number may be a port."""

_VERSION = re.compile(r"(?!\d+(?:\.\d+){3})v?\d[0-9A-Za-z.+_-]{0,30}", re.ASCII)
"""What looks like a version, and not like an address of IPv4."""


def search(subject: Subject) -> str:
    """The link that searches the upstream's threads, in the channel that it takes reports in.

    Args:
        subject: what is told.
    """
    words = search_words(subject)
    if subject.upstream.channel == "discussion":
        return f"{_repository(subject.upstream)}/discussions?{urlencode({'discussions_q': words})}"
    return f"{_repository(subject.upstream)}/issues?{urlencode({'q': f'is:issue {words}'})}"


def search_words(subject: Subject) -> str:
    """What to search for: words of the deepest error, without names and numbers.

    Args:
        subject: what is told.
    """
    told = "" if subject.main is None else known.deepest(subject.main)
    words = list(_words(told, _hosts(subject)))
    if not words and subject.error is not None:
        words = _failure(subject.error["failure"]).split()
    text = ""
    for word in words:
        if len(text) + len(word) >= MOST_OF_A_SEARCH:
            break
        text = f"{text} {word}".strip()
    return text


def _words(text: str, hosts: frozenset[str]) -> Iterator[str]:
    """The words of a text that say what happened, and not to whom."""
    may_be_a_name = False
    for piece in _QUOTED.sub(" ", one_line(text)).split():
        word = piece.strip(".,:;!?=\"'")
        is_a_name = may_be_a_name and word.casefold() not in _NO_NAMES
        may_be_a_name = word.casefold() in _NAMED
        if not is_a_name and _WORD.fullmatch(word) and word.casefold() not in hosts:
            yield word


def _hosts(subject: Subject) -> frozenset[str]:
    """The names of hosts that were to be dialled, which may be a single word."""
    predicted = (each for outcome in subject.document["probes"] for each in outcome["predicted"])
    return frozenset(each["host"].casefold() for each in predicted)


def new(subject: Subject) -> str:
    """The link that begins a thread, with what is known filled in where that fits; empty where none is taken.

    Args:
        subject: what is told.
    """
    upstream = subject.upstream
    if upstream.channel == "none":
        return ""
    if upstream.channel == "issue":
        least = {"template": upstream.template}
        more = {"title": title(subject), "labels": ",".join(upstream.labels), **_fields(subject)}
        return _shorter(f"{_repository(upstream)}/issues/new", least, more)
    if not upstream.category:
        return f"{_repository(upstream)}/discussions/new/choose"
    least = {"category": upstream.category}
    return _shorter(f"{_repository(upstream)}/discussions/new", least, {"title": title(subject)})


def _shorter(plain: str, least: Mapping[str, str], more: Mapping[str, str]) -> str:
    """The link with all that is told if it is short enough, else with the least."""
    told = ({name: text for name, text in each.items() if text} for each in ({**least, **more}, least))
    links = (f"{plain}?{urlencode(each, quote_via=quote)}" for each in told if each)
    return next((link for link in links if len(link.encode()) < MOST_BYTES), plain)


def title(subject: Subject) -> str:
    """A title of facts: the package with its version, the step that failed, and how.

    Args:
        subject: what is told.
    """
    if subject.main is None or subject.error is None:
        return subject.upstream.title.strip()
    how = _failure(subject.error["failure"])
    return f"{subject.upstream.title}{_driver(subject, subject.main)}: {subject.error['operation']}: {how}"


def _failure(failure: str) -> str:
    """How it failed, in words of ours; without the text behind an unknown failure, which is a driver's."""
    return in_words(failure.partition(":")[0]).replace("_", " ")


def _driver(subject: Subject, outcome: Outcome) -> str:
    """The package with its version, by the name under which the upstream publishes it."""
    name, version = outcome["driver"]["name"] or "", outcome["driver"]["version"] or ""
    published = (each.partition(":")[2] for each in subject.upstream.packages)
    own = next((each for each in published if each.casefold() == name.casefold()), _plain(name))
    return f"{own} {version if _VERSION.fullmatch(version) else ''}".strip()


def _fields(subject: Subject) -> dict[str, str]:
    """The form's fields that have an id and whose answer is of a few words."""
    asked = [heading for heading in subject.upstream.headings if heading.field]
    answers = {
        each.field: ", ".join(slots.PLAIN[name](subject, each) for name in each.slots if name in slots.PLAIN)
        for each in asked
    }
    return {field: _plain(answer) for field, answer in answers.items()}


def _plain(text: str) -> str:
    """A few words and versions of what a driver or a server said, and nothing else of it."""
    pieces = (piece.strip("(),") for piece in one_line(text).split())
    kept = [piece for piece in pieces if _WORD.fullmatch(piece) or _VERSION.fullmatch(piece)]
    return " ".join(kept)[:MOST_OF_A_FIELD].strip()


def _repository(upstream: Upstream) -> str:
    return f"https://github.com/{upstream.repository}"
