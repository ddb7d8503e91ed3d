"""What looks like a secret in a report that a person is about to file, told from what only stands for one.

The redactor of a run takes out too much rather than too little, since nobody reads what it does. Here
somebody is told, and has to believe it: a variable, a placeholder and an expression are no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.redaction import ANY_TOKEN, SENSITIVE_HEADER, SENSITIVE_NAME
from repro.redaction.words import PUBLIC_WORDS

MOST_OF_A_LINE = 20_000
"""Characters of a line that are looked at; no line of a report is as long."""

_KEYS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
    "a token of Upstash": re.compile(r"\bA[\w-]{3}(?:ASQg|AAInc)[\w+/=-]{16,}"),
    "a password or key of Neon": re.compile(r"\b(?:npg_|napi_)[A-Za-z0-9]{8,}"),
    "a key of Supabase": re.compile(r"\bsb(?:p|_secret)_\w{16,}"),
    "a key of Stripe": re.compile(r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}"),
    "a token of Slack": re.compile(r"\b(?:xox[abeprs]|xapp)-[A-Za-z0-9-]{10,}"),
    "a key of Google": re.compile(r"\bAIza[\w-]{35}"),
    "a key of OpenAI or Anthropic": re.compile(r"\bsk-(?=[\w-]{0,200}\d)[\w-]{32,}"),
    "a token of GitLab": re.compile(r"\bglpat-[\w-]{20,}"),
    "a token of npm": re.compile(r"\bnpm_[A-Za-z0-9]{36}"),
    "a token of PyPI": re.compile(r"\bpypi-AgE[\w-]{20,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
}

_NAME = rf"(?:{SENSITIVE_NAME}|\b[\w-]{{0,40}}?(?:passphrase|_auth))"
_QUOTED = r"""(?:[bfru]{0,2}'[^']{1,400}'|[bfru]{0,2}"[^"]{1,400}")"""
_BARE = r"[^\s&,;\"'`<>|\\]{1,400}+(?![\"'])"

_VARIABLE_NAME = r"(?-i:[A-Z0-9_]{0,40}(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|_AUTH))"
"""In capitals only: ``set password hunter2`` may be a sentence."""

_SIGNS = tuple(
    re.compile(f"(?i){before}(?P<value>{value}){after}")
    for before, value, after in (
        # An unescaped password may hold a / or an @; for a database nothing but the last @ ends it.
        (r"\b(?:postgres(?:ql)?|rediss?)(?:\+\w+)?://[^\s/:@]{0,256}:", r"[^\s\"'<>`]{1,400}", "@"),
        (r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@?#]{0,256}:", r"[^\s/?#\"'<>`]{1,400}", "@"),
        (rf"{_NAME}\s{{0,3}}=(?!=)\s{{0,3}}", _QUOTED, ""),
        (rf"{_NAME}=(?!=)", _BARE, ""),
        (rf"^[\s>*-]*{_NAME}\s{{1,3}}=\s{{0,3}}", _BARE, r"\s*$"),
        # fish and csh, setx of Windows
        (rf"\bsetx?\s+(?:-\w+\s+){{0,3}}{_VARIABLE_NAME}\s+", rf"{_QUOTED}|{_BARE}", r"\s*(?:$|[;&|`])"),
        # what is taken where a variable is not set
        (rf"\b(?:get|getenv|fetch)\(\s{{0,3}}[\"']{_NAME}[\"']\s{{0,3}},\s{{0,3}}", _QUOTED, ""),
        (rf"{_NAME}(?:[\"']?[\])])?\s{{0,3}}(?:\?\?|\|\|)\s{{0,3}}", _QUOTED, ""),
        (rf"{_NAME}[\"'][\])]\s{{1,3}}or\s{{1,3}}", _QUOTED, ""),
        (rf"\$\{{{_NAME}:?[-=]", rf"{_QUOTED}|[^\s}}\"']{{1,400}}", r"\}"),
        (rf"[\"']?{_NAME}[\"']?\s{{0,3}}:\s{{0,3}}", _QUOTED, ""),
        (rf"^[\s>-]*[\"']?{_NAME}[\"']?:\s{{1,3}}", _BARE, r"\s*(?:#.*)?$"),
        (rf"{SENSITIVE_HEADER}[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?(?:(?:bearer|basic|token)\s+)?+", _BARE, ""),
        (r"\bbearer\s+", r"(?=\S*[\d_=+/~-])[\w.~+/=-]{6,400}", ""),
        (r"\bpassword\s+", r"'[^']{1,400}'", ""),
        (r"\bcurl\b.{0,200}?\s(?:-u|--user)[\s=]+[\"']?[^\s:\"']{1,100}:", _BARE, ""),
        (r"\b(?:redis|valkey)-cli\b.{0,200}?\s(?:-a|--pass)\s+", rf"{_QUOTED}|{_BARE}", ""),
        (r"(?:^|\s)--(?:password|passwd|token)\s+", rf"{_QUOTED}|{_BARE}", ""),
    )
)
"""Where a secret would stand: what stands before it, itself, what stands after it."""

_VARIABLE = r"\$\{.*|\$\(.*|\$[A-Za-z_]\w*|\$\d+|%[A-Za-z_]\w*%|%s|%\(\w+\)s|:\w+|\?"
_TEMPLATE = r"\{\{.*|\{.*\}|<.*>?|\[.*\]"
_NAMED_SO = r"(?:[A-Za-z_]+[_-])?(?:password|passwd|pwd|pass|pw|secret|token|api_?key|key)"
_YOURS = rf"your[a-z_-]*|(?:my|the|some|new|old)[_-]{_NAMED_SO}"
_EXPRESSION = r"(?:await\s|new\s)?[A-Za-z_][\w.?!]*[(\[].*"
_MEMBER = (
    r"(?:os|process|import\.meta|env|environ|self|this|args?|options?|config|settings|secrets?|vars|Deno|Bun)"
    r"(?:\.\w+)+|(?:[A-Za-z_]\w*\.)+" + _NAMED_SO
)
_STANDS_IN = re.compile(
    rf"(?i)(?:{_VARIABLE}|{_TEMPLATE}|{_NAMED_SO}|{_YOURS}|{_EXPRESSION}|{_MEMBER}|([*x.•_#-])\1{{2,}}|…|-)"
)
_WORDS = PUBLIC_WORDS | {
    *("any", "bool", "bytes", "int", "str", "string", "optional", "required", "void"),
    *("empty", "missing", "nil", "no", "not", "set", "undefined", "unset", "wrong", "yes"),
    *("bar", "changeme", "foo", "hidden", "masked", "redacted", "removed"),
}
"""Words that stand where a secret would, and are none: of types, of nothing, of examples, of everybody."""


def kinds(line: str) -> Iterator[str]:
    """What of a line looks like a secret: ``a key of AWS``.

    Args:
        line: one, of a text that is about to be filed.
    """
    shown = ANY_TOKEN.sub("$redacted", line[:MOST_OF_A_LINE])
    known = [kind for kind, pattern in _KEYS.items() if pattern.search(shown)]
    yield from known
    if not known and any(_is_meant(found, shown) for sign in _SIGNS for found in sign.finditer(shown)):
        yield "what looks like a secret"


def _is_meant(found: re.Match[str], line: str) -> bool:
    """Whether a secret stands there itself, and not its name, its place, or how it is got."""
    value = found["value"].strip()
    if value[-1] in "\"'":
        bare = value.lstrip("bfruBFRU")[1:-1]
        return bool(bare.strip()) and not _is_a_stand_in(bare.strip())
    # An expression has brackets and quotation marks, at which a bare value ends.
    rest = line[found.start("value") :]
    is_got = re.match(rf"(?i)(?:{_EXPRESSION})", rest) is not None
    return not (is_got or _is_a_stand_in(value) or _is_a_stand_in(value.rstrip(")}].:")))


def _is_a_stand_in(value: str) -> bool:
    return not value or value.casefold() in _WORDS or _STANDS_IN.fullmatch(value) is not None
