"""Replaces secrets: what is known wherever it stands, and what looks like one.

Redaction works on values, before they are encoded. It replaces a secret by a salted token, so that two
occurrences of one secret stay recognisably equal. Then `Redactor.check` searches the finished bytes for
everything known, and refuses them if it finds any.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import hmac
import os
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from repro.redaction.forms import encoded_alone, in_base64, in_hex, spelled
from repro.redaction.names import Kind, Names
from repro.redaction.words import PUBLIC_WORDS

SEARCHED_FROM = 8
"""Characters from which a secret is searched for in every form. Shorter ones would hit innocent text."""

REPLACED_FROM = 4
"""Characters from which a secret is replaced where it stands alone. Below, only its field gives it away."""

TOKEN = re.compile(r"\[redacted:[0-9a-f]{6}\]")
"""What stands in a secret's place: text that needs no escaping in JSON, Markdown or HTML."""

ANY_TOKEN = re.compile(r"\[(?P<kind>redacted|host|user|ipv4|ipv6):[0-9a-f]{6}\]")
"""What stands in the place of a secret, of a foreign host, its user, or its address."""

SENSITIVE_NAME = r"\b[\w-]{0,40}?(?:password|passwd|pwd|secret|token|api_?key)"
_QUOTED = r"""(?:'(?:[^'\\]|\\.){0,2000}'|"(?:[^"\\]|\\.){0,2000}")"""
_NOT_HIDDEN = r"(?![\"']?\[redacted:|\$\d|%s|%\(|\?)"
SENSITIVE_HEADER = r"\b(?:proxy-)?(?:authorization|neon-connection-string|cookie)"
_DATABASE = r"\b(?:postgres(?:ql)?|rediss?)(?:\+\w+)?://"
_ANY_URL = r"\b[a-z][a-z0-9+.-]{0,20}://"
_NAME = r"\[(?:user|host|ipv[46]):"
"""How the token of a user or a host begins: its colon is none that a password stands behind."""

_SCRUBBED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (hint, re.compile(f"(?i)({before})({_NOT_HIDDEN}(?:{secret}))"))
    for hint, before, secret in (
        # An unescaped password may hold a / or an @; for a database nothing but the last @ ends it.
        ("://", rf"{_DATABASE}(?!{_NAME})[^\s/:@]{{0,256}}:", r"[^\s\"'<>`]{1,1000}(?=@)"),
        ("://", rf"{_ANY_URL}(?!{_NAME})[^\s/:@?#]{{0,256}}:", r"[^\s/?#\"'<>`]{1,1000}(?=@)"),
        ("://[user:", rf"{_ANY_URL}{_NAME}[0-9a-f]{{6}}\]:", r"[^\s/?#\"'<>`]{1,1000}(?=@)"),
        ("=", rf"{SENSITIVE_NAME}=", rf"{_QUOTED}|[^\s&\"'#;,()<>`\\]+"),
        (":", rf"[\"']{SENSITIVE_NAME}[\"']\s*:\s*", _QUOTED),
        ("'", r"\bpassword\s+", _QUOTED),
        (
            ":",
            rf"{SENSITIVE_HEADER}[\"']?\s*[:=]\s*(?:(?:bearer|basic)\s+)?+",
            rf"{_QUOTED}|[^\s\"'][^\r\n\"']*",
        ),
        ("earer", r"\bbearer\s+", r"(?=\S*[\d_=+/~-])[\w.~+/=-]{6,}"),
    )
)
"""What gives a secret away that nobody told us of: what to look for first, what stands before it, itself."""

OF_OURS = frozenset(
    {"schema", "run_id", "started_at", "wall_clock_origin", "op", "src", "name", "probe", "probes", "events"}
    | {"cause", "layer", "operation", "status", "proof", "verdict", "effect", "applied", "kind", "protocol"}
)
"""Keys whose values are of this tool's own vocabulary, by which one part of a run finds another: no names."""

_SHORT = 80
_MOST_INNOCENT = 50_000
"""Texts of at most so many characters, and so many of them, are remembered to hold nothing: some 5 MB."""

_WORD = re.compile(r"[\w./-]+")

SENSITIVE_KEY = re.compile(
    r"(?i)(?:.*[_-])?(?:password|passwd|pgpassword|secret|token|api_?key|authorization|connection[_-]string)"
)


class SecretFound(RuntimeError):  # noqa: N818 - it says what happened
    """A known secret stands in bytes that were about to be written. The message never names it.

    Args:
        where: what was about to be written.
    """

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} still holds a secret after redaction; it was not written")
        self.where = where


class Redactor:
    """Replaces secrets, and makes sure of it.

    Args:
        secrets: the values that must not leave. Empty ones are passed over.
        salt: makes the tokens; with the same salt the same secret has the same token. By default a new one.
        public_words: words that are public although they may also be a secret, such as the user's and the
            database's name: they are never searched for.
        names: foreign hosts and users, which `value` replaces too; None where they may be told.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        *,
        salt: bytes | None = None,
        public_words: Iterable[str] = (),
        names: Names | None = None,
    ) -> None:
        self._names = names or Names(())
        self._salt = os.urandom(16) if salt is None else salt
        public = PUBLIC_WORDS | {word.casefold() for word in public_words}
        known = {secret for secret in secrets if _can_be_searched(secret, public)}
        self._ordered = sorted(known, key=lambda secret: (-len(secret), secret))
        self._replaced = _compile(self._ordered)
        self._long = [secret for secret in self._ordered if _is_long(secret)]
        self._searched = _compile(self._long)
        self._counts: Counter[str] = Counter()
        self._innocent: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def with_names(self, names: Names) -> Redactor:
        """A redactor of the same secrets and tokens that replaces these foreign hosts and users too."""
        found = copy.copy(self)
        found._names = self._names | names  # noqa: SLF001 - one of its own kind
        found._innocent = defaultdict(set)  # noqa: SLF001
        return found

    def text(self, text: str) -> str:
        """The text without any secret. Redacting it again changes nothing."""
        if self._replaced is not None:
            text = self._replaced.sub(lambda found: self._known(found, self._ordered), text)
        for hint, pattern in _SCRUBBED:
            if hint in text:
                text = pattern.sub(self._unknown, text)
        return text

    def knows(self, text: str) -> bool:
        """Whether a secret that it was told of stands in a text, in any form; nothing is guessed."""
        found = () if self._replaced is None else self._replaced.finditer(text)
        return any(each.lastindex is not None for each in found)

    def value(self, value: Any) -> Any:
        """JSON data without any secret, in keys too. What a sensitive key names is replaced, known or not.

        Foreign hosts and users are replaced in the values, except in those of this tool's own vocabulary. A
        text that was made of such data is not searched for them again: there they may be common words.
        """
        return self._value(value, "")

    def _value(self, value: Any, key: str) -> Any:
        if isinstance(value, str):
            if key in OF_OURS:
                return self._cleaned("word", value, self._word)
            return self._cleaned("value", value, self._without_names)
        if isinstance(value, Mapping):
            return {self._key(name): self._of_key(name, each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(each, key) for each in value]
        return value

    def _without_names(self, text: str) -> str:
        return self._names.replaced(self.text(text), self._name_token)

    def _cleaned(self, kind: str, text: str, clean: Callable[[str], str]) -> str:
        """A text after cleaning; the texts of a trace are there a thousand times, and mostly hold nothing."""
        innocent = self._innocent[kind]
        if text in innocent:
            return text
        found = clean(text)
        if found == text and len(text) <= _SHORT and len(innocent) < _MOST_INNOCENT:
            innocent.add(text)
        return found

    def check(self, data: bytes, where: str) -> None:
        """Search bytes that are about to be written for every known secret of eight characters or more.

        Args:
            data: the bytes, of a text in UTF-8 or of anything else.
            where: what they are, for the message.

        Raises:
            SecretFound: one is in there.
        """
        if self._searched is None:
            return
        for found in self._searched.finditer(data.decode("utf-8", "surrogateescape")):
            if found.lastindex is not None:
                raise SecretFound(where)

    def manifest(self) -> dict[str, int]:
        """How often each token was put in."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def _key(self, key: Any) -> Any:
        return self._cleaned("key", key, self.text) if isinstance(key, str) else key

    def _of_key(self, key: Any, value: Any) -> Any:
        redacted = self._value(value, key if isinstance(key, str) else "")
        named = isinstance(key, str) and isinstance(value, str) and _is_sensitive(key)
        if named and value and not TOKEN.search(redacted):
            return self._token(value)
        return redacted

    def _word(self, text: str) -> str:
        """A word of ours: a short secret that is only a part of it is no secret there."""
        if not _WORD.fullmatch(text) or text in self._ordered:
            return self.text(text)
        if self._searched is None:
            return text
        return self._searched.sub(lambda found: self._known(found, self._long), text)

    def _known(self, found: re.Match[str], secrets: Sequence[str]) -> str:
        """A token that is there already is matched first, and stays."""
        if found.lastindex is None:
            return found[0]
        return self._token(secrets[found.lastindex - 1])

    def _unknown(self, found: re.Match[str]) -> str:
        secret = found[2]
        quote = secret[0] if secret[0] in "\"'" and secret[-1] == secret[0] else ""
        return found[1] + quote + self._token(secret.strip(quote) if quote else secret) + quote

    def _token(self, secret: str) -> str:
        return self._counted("redacted", secret)

    def _name_token(self, kind: Kind, name: str) -> str:
        return self._counted(kind, f"{kind} {name}")

    def _counted(self, kind: str, meant: str) -> str:
        digest = hmac.new(self._salt, meant.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        token = f"[{kind}:{digest[:6]}]"
        with self._lock:
            self._counts[token] += 1
        return token


@functools.lru_cache(maxsize=1_000)
def _is_sensitive(key: str) -> bool:
    return SENSITIVE_KEY.fullmatch(key) is not None


def _is_long(secret: str) -> bool:
    return len(secret.strip()) >= SEARCHED_FROM


def _can_be_searched(secret: str, public: Iterable[str]) -> bool:
    bare = secret.strip()
    if bare.casefold() in public or len(bare) < REPLACED_FROM:
        return False
    return _is_long(secret) or not bare.isdigit()


def _compile(secrets: list[str]) -> re.Pattern[str] | None:
    """One alternation: tokens first, then a group for each secret, the longest first."""
    if not secrets:
        return None
    return re.compile("|".join([TOKEN.pattern, *(f"({_forms(secret)})" for secret in secrets)]))


def _forms(secret: str) -> str:
    """Everything a secret may look like. A short one counts only where it stands alone, in its own case."""
    if not _is_long(secret):
        return rf"(?<!\w){spelled(secret)}(?!\w)|{encoded_alone(secret)}"
    return "|".join([spelled(secret, in_any_case=True), *in_base64(secret), in_hex(secret)])
