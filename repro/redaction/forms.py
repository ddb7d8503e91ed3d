r"""Every way a known secret can be written down, as regular expressions.

A password that was set as ``p@ss w"rd`` appears in a URL as ``p%40ss+w%22rd``, in a JSON body as
``p@ss w\"rd``, in a header as base64 of something around it, and in a log as the repr of any of these. So a
secret is matched character by character, each in any of its spellings, and besides as base64 at each of the
three alignments and as hex.

Programs also read UTF-8 as if each byte were a character (latin-1, cp1252), which is a spelling like others,
and change the case of a text. Another case counts for long secrets only: a short one is a word like others.

Every pattern is unambiguous up to a few characters, so that searching stays linear in the length of the text.
"""

from __future__ import annotations

import base64
import contextlib
import html
import re
from collections.abc import Iterator
from itertools import groupby
from string import punctuation

_BLANK = (
    r"(?:\+|%(?:25)*(?:20|0[9aAdD])|\\{1,2}[nrt]|(?i:\\{1,2}(?:u00|x)(?:20|0[9ad]))|&nbsp;"
    r"|(?i:&#(?:32|10|13|9|x(?:20|0?[ad9]));))"
)
"""One encoded blank. Error texts are reflowed, so one kind stands for another."""

_LETTER_ESCAPES = {"\b": "b", "\f": "f", "\0": "0", "\v": "v", "\a": "a"}

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_SPELLINGS = {"+": r"(?:[+-]|%2[bB])", "/": r"(?:[/_]|%2[fF]|\\/)"}


def utf8(secret: str) -> bytes:
    """The secret's bytes; a value of the environment that is not UTF-8 keeps its own."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def encoded(secret: str) -> list[bytes]:
    """The secret's bytes: in UTF-8, and in the encodings of one byte for a character that have all of it."""
    found = [utf8(secret)]
    for encoding in ("latin-1", "cp1252"):
        with contextlib.suppress(UnicodeEncodeError):
            found.append(secret.encode(encoding))
    return list(dict.fromkeys(found))


def spelled(secret: str, *, in_any_case: bool = False) -> str:
    """A pattern of the secret, each character raw, percent-encoded, backslash-escaped or as an HTML entity.

    Escaping may have been done twice (a repr inside JSON), percent-encoding three times, and only in part.
    White space around the secret is no part of the pattern: texts are stripped.

    Args:
        secret: any text.
        in_any_case: whether each letter counts in capitals and in small letters too.
    """
    pieces = list(_pieces(secret.strip()))
    last = len(pieces) - 1
    spelled_out = (
        _piece(text, first=index == 0, last=index == last, in_any_case=in_any_case)
        for index, text in enumerate(pieces)
    )
    return _beginning(pieces[0][0], in_any_case=in_any_case) + "".join(spelled_out) if pieces else ""


def _beginning(character: str, *, in_any_case: bool) -> str:
    """With what every spelling of a first character begins; one look passes over most places of a text."""
    cases = _cases(character) if in_any_case else [character]
    first = "".join(case[0] + "".join(byte[0] for byte in _misread(case)[:1]) for case in cases)
    return rf"(?=[{re.escape(first)}\\%&])"


def _cases(character: str) -> list[str]:
    """A character as it is, in small letters and in capitals, of which some are two: ``ß`` and ``SS``."""
    return list(dict.fromkeys([character, character.lower(), character.upper()]))


def _misread(text: str) -> list[str]:
    """What each byte of a character beyond ASCII becomes for a reader of latin-1, and for one of cp1252."""
    if text.isascii():
        return []
    octets = [bytes([octet]) for octet in utf8(text)]
    # cp1252 leaves five bytes undefined; programs read them as latin-1.
    return [
        "".join(dict.fromkeys(each.decode("latin-1") + each.decode("cp1252", "ignore"))) for each in octets
    ]


def _pieces(secret: str) -> Iterator[str]:
    """Runs of backslashes and of blanks whole, everything else character by character."""
    for kind, run in groupby(secret, key=lambda each: " " if each in " \t\r\n" else each):
        text = "".join(run)
        yield from (text,) if kind in {" ", "\\"} else text


def _piece(text: str, *, first: bool, last: bool, in_any_case: bool) -> str:
    if text[0] in " \t\r\n":
        return rf"(?:\s+|{_BLANK}{{1,{len(text)}}})"
    if text[0] == "\\":
        return _backslashes(len(text))
    spellings = [*_spellings(text, first=first, last=last), *_misread_spellings(text, first=first)]
    if in_any_case:
        spellings += [each for case in _cases(text)[1:] for each in _other_case(case, first=first, last=last)]
    return "(?:" + "|".join(spellings) + ")"


def _other_case(text: str, *, first: bool, last: bool) -> Iterator[str]:
    """A letter in its other case. Those of ASCII are hardly ever written by their numbers."""
    if text.isascii():
        yield re.escape(text)
    elif len(text) == 1:
        yield from _spellings(text, first=first, last=last)
        yield from _misread_spellings(text, first=first)


def _misread_spellings(character: str, *, first: bool) -> Iterator[str]:
    """The characters that a reader of another encoding made of one, each in its spellings."""
    pieces = [
        "|".join(each for one in readings for each in _spellings(one, first=first and not place, last=False))
        for place, readings in enumerate(_misread(character))
    ]
    if pieces:
        yield "".join(f"(?:{each})" for each in pieces)


def _backslashes(count: int) -> str:
    encoded = rf"(?:%(?:25)*5[cC]|&#92;|&#x5[cC];|\\{{1,2}}u005[cC]){{{count}}}"
    return rf"(?:\\{{{4 * count}}}|\\{{{2 * count}}}|\\{{{count}}}|{encoded})"


def _spellings(character: str, *, first: bool, last: bool) -> Iterator[str]:
    """One character as itself, by its escapes, and by its number in each notation."""
    # Backslashes in front of the first character may belong to what stands before the secret.
    escape = r"(?:(?<!\\)\\\\|\\)" if first else r"\\{1,2}"
    yield from _escaped(character, escape, first=first, last=last)
    yield "%(?:25){0,3}" if character == "%" else re.escape(character)
    yield from _numbered(character, escape)


def _escaped(character: str, escape: str, *, first: bool, last: bool) -> Iterator[str]:
    raw = re.escape(character)
    if character in "\"'":
        yield (r"\\" if first else r"\\{1,3}") + raw
        if not (first or last):  # doubled inside SQL; at an edge the second one may close the text around it
            yield raw * 2
    elif character == "/":
        yield r"\\/"
    elif character in _LETTER_ESCAPES:
        yield escape + _LETTER_ESCAPES[character]
    elif character.isspace():
        yield r"\s"
    elif character in punctuation and not first:  # Markdown
        yield r"\\" + raw
    named = html.escape(character)
    if named != character:
        yield "&(?:amp;)*" + re.escape(named[1:])


def _numbered(character: str, escape: str) -> Iterator[str]:
    again = r"\\{1,2}"
    octets = [f"{byte:02x}" for byte in utf8(character)]
    number = ord(character)
    yield "(?i:" + "".join(f"%(?:25){{0,2}}{octet}" for octet in octets) + ")"
    yield f"(?i:{escape}{again.join(f'u{unit}' for unit in _code_units(character))})"
    yield f"(?i:{escape}{again.join(f'x{octet}' for octet in octets)})"
    yield rf"(?i:{escape}(?:U{number:08x}|u\{{0*{number:x}\}}))"
    yield rf"(?i:&(?:amp;)?#(?:0*{number}|x0*{number:x});)"
    if 0x7F < number <= 0xFF:  # repr, and a URL in latin-1
        yield rf"(?i:{escape}x{number:02x}|%(?:25){{0,2}}{number:02x})"


def _code_units(character: str) -> list[str]:
    """UTF-16, as in JSON: two units for a character beyond the basic plane."""
    data = character.encode("utf-16-be", "surrogatepass")
    return [data[index : index + 2].hex() for index in range(0, len(data), 2)]


def in_hex(secret: str) -> str:
    """A pattern of the secret's bytes in hexadecimal, with or without a separator between them."""
    spellings = ("[ :]?".join(f"{byte:02x}" for byte in data) for data in encoded(secret))
    return f"(?i:{'|'.join(spellings)})"


def in_base64(secret: str) -> Iterator[str]:
    """Patterns of the secret's bytes inside longer base64, standard or URL-safe, one for each alignment."""
    for data in encoded(secret):
        for before in range(3):
            yield _aligned(data, before)


def encoded_alone(secret: str) -> str:
    """A pattern of base64 or hex of the secret and of nothing else, as a whole word: for a short one."""
    standard = {base64.b64encode(data).decode().rstrip("=") for data in encoded(secret)}
    words = "|".join("".join(_BASE64_SPELLINGS.get(each, each) for each in word) for word in sorted(standard))
    in_64 = rf"(?<![\w+/-])(?:{words})(?:=|%3[dD]){{0,2}}(?![\w+/=-])"
    return rf"{in_64}|(?<![0-9A-Za-z])(?:0[xX]|\\{{1,2}}x)?{in_hex(secret)}(?![0-9A-Za-z])"


def _aligned(data: bytes, before: int) -> str:
    """Base64 of data that ``before`` unknown bytes precede, modulo 3, and unknown bytes follow.

    The characters at both ends hold bits of the neighbours too: they are matched where they fit.
    """
    after = -(before + len(data)) % 3
    low = base64.b64encode(bytes(before) + data + bytes(after)).decode()
    high = base64.b64encode(b"\xff" * before + data + b"\xff" * after).decode()
    same = [index for index, (one, other) in enumerate(zip(low, high, strict=True)) if one == other]
    first, last = same[0], same[-1]
    core = "".join(_BASE64_SPELLINGS.get(each, each) for each in low[first : last + 1])
    head = _head(data[0], before) if before else ""
    tail = _tail(data[-1], after) if after else ""
    # As two patterns, each with a first character of its own, it is found much faster than with a "?".
    return f"{head}{core}{tail}|{core}{tail}" if head else core + tail


def _head(first: int, before: int) -> str:
    """The character before the core: its lower bits are those of the secret's first byte."""
    bits = 6 - 2 * before
    known = first >> (8 - bits)
    return _class(index for index in range(64) if index % (1 << bits) == known)


def _tail(last: int, after: int) -> str:
    """The character after the core: its upper bits are those of the secret's last byte; then padding."""
    bits = 6 - 2 * after
    known = last % (1 << bits)
    return _class(index for index in range(64) if index >> (6 - bits) == known) + "?(?:=|%3[dD]){0,2}"


def _class(indices: Iterator[int]) -> str:
    characters = "".join(_ALPHABET[index] for index in indices)
    if "+" in characters:
        characters += "-"
    if "/" in characters:
        characters += "_"
    return "[" + re.escape(characters) + "]"
