"""Text from the network as one harmless line: it cannot move a cursor, ring a bell or turn reading round."""

from __future__ import annotations


def printable(value: object) -> str:
    r"""The text on one line, each run of blanks one space, other invisible characters as ``\u202e``.

    Invisible are controls, direction marks, zero-width characters, half surrogates and what Unicode has not
    assigned (`str.isprintable`).
    """
    line = " ".join(str(value).split())
    return line if line.isprintable() else line.translate(_SHOWN)


def shortened(words: str, most: int) -> str:
    """The text; of one that is too long its head and its end, where SQL says most."""
    if len(words) <= most:
        return words
    head = most * 2 // 3
    return f"{words[:head].rstrip()} ... {words[len(words) - (most - head) :].lstrip()}"


class _Shown(dict[int, str]):
    """How each character that was met so far is shown: a text may have thousands of one."""

    def __missing__(self, number: int) -> str:
        shown = chr(number)
        if not shown.isprintable():
            shown = f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
        self[number] = shown
        return shown


_SHOWN = _Shown()
