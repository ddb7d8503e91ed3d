"""A quick look whether JSON data is of a schema: it says yes, or that it does not know.

A trace may have a million lines, and `jsonschema` takes a hundred microseconds for each. Nearly all are of
the schema, and a few microseconds show it; only of the others `jsonschema` has to say what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Check = Callable[[Any], bool]
"""True where a value is of the schema; False where it is not, or where that takes more than a quick look."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
"""What `json.loads` makes of each. 1.0 is an integer too, and is left to `jsonschema`."""

_SAYS_NOTHING = frozenset({"$schema", "title", "description"})
_OF_OBJECTS = frozenset({"required", "properties", "patternProperties", "additionalProperties"})
_MOST_NAMES = 4096


def check_of(schema: Any) -> Check:
    """The quick look for a schema; where it has a word that is not known here, one that knows nothing.

    Args:
        schema: of JSON Schema 2020-12.
    """
    if isinstance(schema, bool):
        return _anything if schema else lambda _: False
    told = {word: value for word, value in schema.items() if word not in _SAYS_NOTHING}
    checks: list[Check] = []
    if "if" in told:
        checks.append(_conditional(told.pop("if"), told.pop("then", True), told.pop("else", True)))
    if _OF_OBJECTS & told.keys():
        checks.append(_object({word: told.pop(word) for word in _OF_OBJECTS & told.keys()}))
    for word, value in told.items():
        if word not in _WORDS:
            return lambda _: False
        checks.append(_WORDS[word](value))
    return checks[0] if len(checks) == 1 else lambda value: all(check(value) for check in checks)


def _anything(_value: Any) -> bool:
    return True


def _conditional(condition: Any, then: Any, otherwise: Any) -> Check:
    """The condition must be one whose no is known as well as its yes: constants of members."""
    members = condition.get("properties", {})
    if condition.keys() != {"properties"} or any(each.keys() != {"const"} for each in members.values()):
        return lambda _: False
    constants = {name: each["const"] for name, each in members.items()}
    holds, fails = check_of(then), check_of(otherwise)

    def check(value: Any) -> bool:
        applies = all(value.get(name, constant) == constant for name, constant in constants.items())
        return holds(value) if applies else fails(value)

    return lambda value: type(value) is dict and check(value)


def _object(words: Mapping[str, Any]) -> Check:
    required = frozenset(words.get("required", ()))
    members = {name: check_of(each) for name, each in words.get("properties", {}).items()}
    patterns = [(re.compile(each), check_of(of)) for each, of in words.get("patternProperties", {}).items()]
    rest = check_of(words.get("additionalProperties", True))

    @lru_cache(_MOST_NAMES)
    def checks_of(name: str) -> Sequence[Check]:
        found = [members[name]] if name in members else []
        found += [check for pattern, check in patterns if pattern.search(name)]
        return [check for check in found or [rest] if check is not _anything]

    def check(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, each in value.items():
            for check in checks_of(name):
                if not check(each):
                    return False
        return True

    return check


def _type(names: str | Sequence[str]) -> Check:
    kinds = {kind for name in ([names] if isinstance(names, str) else names) for kind in _TYPES[name]}
    return lambda value: type(value) in kinds


def _any_of(schemas: Sequence[Any]) -> Check:
    checks = [check_of(each) for each in schemas]
    takes_none = any(check(None) for check in checks)  # most of the members of a line are null
    return lambda value: takes_none if value is None else any(check(value) for check in checks)


def _enum(values: Sequence[Any]) -> Check:
    known = frozenset(value for value in values if isinstance(value, str))
    return lambda value: type(value) is str and value in known


def _items(schema: Any) -> Check:
    check = check_of(schema)
    return lambda value: type(value) is not list or all(map(check, value))


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern).search
    return lambda value: type(value) is not str or search(value) is not None


_NUMBERS = frozenset({int, float})

_WORDS: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "anyOf": _any_of,
    "enum": _enum,
    "const": lambda wanted: lambda value: type(value) is type(wanted) and bool(value == wanted),
    "items": _items,
    "pattern": _pattern,
    "minimum": lambda least: lambda value: type(value) not in _NUMBERS or value >= least,
    "maximum": lambda most: lambda value: type(value) not in _NUMBERS or value <= most,
    "minLength": lambda least: lambda value: type(value) is not str or len(value) >= least,
    "minItems": lambda least: lambda value: type(value) is not list or len(value) >= least,
}
