"""Holds every document and every trace line against the published JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.document.quick import Check, check_of

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"


class InvalidDocument(ValueError):  # noqa: N818 - it says what is wrong
    """A document or a trace line is not of the published shape; the message says where, on one line."""


def validate(document: Mapping[str, Any]) -> None:
    """Hold a run document against ``run-1.json``.

    Raises:
        InvalidDocument: it is of another shape.
    """
    _hold("run-1.json", document, "run document")


def validate_event(line: Mapping[str, Any]) -> None:
    """Hold a line of a trace against ``event-1.json``.

    Raises:
        InvalidDocument: it is of another shape.
    """
    if not _quick_look("event-1.json")(line):
        _hold("event-1.json", line, "trace line")


def validate_matrix(document: Mapping[str, Any]) -> None:
    """Hold the document of a matrix against ``matrix-1.json``.

    Raises:
        InvalidDocument: it is of another shape.
    """
    _hold("matrix-1.json", document, "matrix")


def validate_bench(document: Mapping[str, Any]) -> None:
    """Hold the document of a bench against ``bench-1.json``.

    Raises:
        InvalidDocument: it is of another shape.
    """
    _hold("bench-1.json", document, "bench")


def validate_part(part: str, value: Any, what: str) -> None:
    """Hold a part of a run document against its definition in ``run-1.json``.

    Args:
        part: the definition's name, such as ``outcome``, or ``stage[]`` for a list of them.
        value: what may become that part.
        what: a word for it in the error.

    Raises:
        InvalidDocument: it is of another shape.
    """
    _raise_first(_part_validator(part), value, what)


def _hold(name: str, instance: Mapping[str, Any], what: str) -> None:
    _raise_first(validator(name), instance, what)


def _raise_first(rules: Draft202012Validator, instance: Any, what: str) -> None:
    error = next(iter(rules.iter_errors(instance)), None)
    if error is not None:
        raise InvalidDocument(f"{what}: {_where(error)}: {_why(error)}")


@cache
def _part_validator(part: str) -> Draft202012Validator:
    definitions = _schema("run-1.json")["$defs"]
    rule = {"$ref": f"#/$defs/{part.removesuffix('[]')}"}
    wanted = {"type": "array", "items": rule} if part.endswith("[]") else rule
    return validator("run-1.json").evolve(schema={"$defs": definitions, **wanted})


@cache
def _quick_look(name: str) -> Check:
    return check_of(_schema(name))


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a schema in ``repro/schemas``; made once, because checking a schema takes a while."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to load, and only writers and readers need it

    return Draft202012Validator(_schema(name))


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema


def _where(error: ValidationError) -> str:
    return "/" + "/".join(str(step) for step in error.absolute_path)


def _missing(error: ValidationError) -> str:
    """The keys that the schema wants and the object has not."""
    if error.validator != "required" or not isinstance(error.instance, Mapping):
        return ""
    return ", ".join(name for name in error.validator_value if name not in error.instance)


def _why(error: ValidationError) -> str:
    """What is wrong, without the value: it may be long, and may hold anything."""
    reasons = {
        "additionalProperties": "has a key that the schema does not know",
        "anyOf": "is of none of the allowed kinds",
        "const": f"must be {error.validator_value!r}",
        "enum": "is no word of its vocabulary",
        "minItems": "has too few items",
        "pattern": f"does not match {error.validator_value}",
        "required": f"lacks a required key: {_missing(error)}",
        "type": f"must be of type {error.validator_value}",
    }
    return reasons.get(str(error.validator), f"fails the rule {error.validator!r}")
