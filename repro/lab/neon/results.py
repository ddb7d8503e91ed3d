"""The result of one query as JSON text, built while its messages arrive, without I/O."""

from __future__ import annotations

import json
import struct
from typing import NamedTuple

from repro.lab.neon.messages import Message
from repro.lab.neon.values import column_json


class ResponseTooLarge(Exception):  # noqa: N818 - reads as what it says
    """The rows so far are more than the response may hold."""


class Budget:
    """Bytes that the rows of one response may still take, shared by the results of a batch.

    Args:
        limit: of the whole response, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._left = limit

    def spend(self, size: int) -> None:
        """Take so many bytes away.

        Raises:
            ResponseTooLarge: there are not so many left.
        """
        self._left -= size
        if self._left < 0:
            raise ResponseTooLarge


class Column(NamedTuple):
    """One field of a RowDescription, in the order of the wire."""

    name: str
    table_id: int
    column_id: int
    type_id: int
    type_size: int
    type_modifier: int

    def as_json(self) -> dict[str, str | int]:
        """The field as the HTTP response shows it."""
        return {
            "name": self.name,
            "dataTypeID": self.type_id,
            "tableID": self.table_id,
            "columnID": self.column_id,
            "dataTypeSize": self.type_size,
            "dataTypeModifier": self.type_modifier,
            "format": "text",
        }


class Result:
    """Collects the messages of one query and renders them.

    Args:
        array_mode: rows are arrays instead of objects.
        raw_text: columns are the text that Postgres sent, never converted.
        budget: what the rows may take.
    """

    def __init__(self, *, array_mode: bool, raw_text: bool, budget: Budget) -> None:
        self._array_mode = array_mode
        self._raw_text = raw_text
        self._budget = budget
        self._columns: list[Column] = []
        self._rows: list[str] = []
        self._tag = ""

    def add(self, message: Message) -> None:
        """Take a message of the result; kinds that say nothing about it are passed over.

        Raises:
            ResponseTooLarge: the budget is spent.
            ValueError: a value is not UTF-8, or not in its type's format.
        """
        match message.kind:
            case b"T":
                self._columns = parse_row_description(message.payload)
            case b"D":
                row = self._row(parse_data_row(message.payload))
                self._budget.spend(len(row.encode()) + 1)
                self._rows.append(row)
            case b"C":
                self._tag = message.payload.rstrip(b"\0").decode()

    def as_json(self) -> str:
        """The result as a JSON object."""
        command, count = parse_command_tag(self._tag)
        head = {"rowAsArray": self._array_mode, "fields": [column.as_json() for column in self._columns]}
        tail = {"command": command, "rowCount": count}
        return f'{_json(head)[:-1]},"rows":[{",".join(self._rows)}],{_json(tail)[1:]}'

    def _row(self, values: list[bytes | None]) -> str:
        texts = [self._value(value, column) for value, column in zip(values, self._columns, strict=True)]
        if self._array_mode:
            return f"[{','.join(texts)}]"
        pairs = (f"{_json(c.name)}:{text}" for c, text in zip(self._columns, texts, strict=True))
        return f"{{{','.join(pairs)}}}"

    def _value(self, value: bytes | None, column: Column) -> str:
        if value is None:
            return "null"
        text = value.decode()
        return _json(text) if self._raw_text else column_json(text, column.type_id)


def parse_row_description(payload: bytes) -> list[Column]:
    """The columns of a RowDescription."""
    columns, position = [], 2
    for _ in range(struct.unpack_from("!H", payload)[0]):
        end = payload.index(b"\0", position)
        table, number, oid, size, modifier, _format = struct.unpack_from("!IhIhih", payload, end + 1)
        columns.append(Column(payload[position:end].decode(), table, number, oid, size, modifier))
        position = end + 19
    return columns


def parse_data_row(payload: bytes) -> list[bytes | None]:
    """The values of a DataRow, None for NULL."""
    values: list[bytes | None] = []
    position = 2
    for _ in range(struct.unpack_from("!H", payload)[0]):
        (size,) = struct.unpack_from("!i", payload, position)
        position += 4
        values.append(None if size < 0 else payload[position : position + size])
        position += max(size, 0)
    return values


def parse_command_tag(tag: str) -> tuple[str, int | None]:
    """A command tag's first word, and its count of rows if it has one (the last word of ``INSERT 0 1``)."""
    command, _, rest = tag.partition(" ")
    count = rest.rpartition(" ")[2] if command == "INSERT" else rest
    return command, int(count) if count.isdecimal() else None


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
