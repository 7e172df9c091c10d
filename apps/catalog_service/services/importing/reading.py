"""Files of an import, read as a stream: CSV with a header, or a JSON list of objects."""

import codecs
import contextlib
import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ijson

from apps.catalog_service.services.importing.rows import FIELDS, REQUIRED

FORMATS: Final = ("csv", "json")

_DELIMITERS: Final = ",;\t"
_LONGEST_LINE: Final = 4 * 1024 * 1024
_BLOCK: Final = 64 * 1024
_DEEPEST: Final = 64
_MOST_UNREAD: Final = 20
_LONGEST_UNREAD: Final = 40
_OPENING: Final = frozenset({"start_map", "start_array"})
_CLOSING: Final = frozenset({"end_map", "end_array"})


class UnusableFile(Exception):
    """Nothing can be imported from the file as it is; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """What stands in a row, by the field it is for; None is "not given"."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is left out.

    `number` counts as a spreadsheet shows it: a CSV's header is row 1; a JSON list's first object is row 1.
    """

    number: int
    reason: str


class SourceFile(io.RawIOBase):
    """The file's bytes, checked to be UTF-8 as they pass; knows its size and how far it was read.

    `unread` are the columns of a CSV that hold no field, once its rows are read: whoever misspelt one
    should be told. At most twenty, shortened for people; "…" stands for more.
    """

    def __init__(self, file: io.FileIO) -> None:
        """Begin at the first byte after a byte order mark."""
        super().__init__()
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.position = 0
        self.unread: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lead = file.read(len(codecs.BOM_UTF8)) or b""
        if self._lead == codecs.BOM_UTF8:
            self._lead, self.position = b"", len(codecs.BOM_UTF8)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer.

        Raises:
            UnusableFile: a byte is not UTF-8.
        """
        view = memoryview(buffer)
        block, self._lead = self._lead, b""
        if not block:
            block = self._file.read(len(view)) or b""
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            at = self.position - pending + error.start
            raise UnusableFile(
                f"The file is not UTF-8: byte {at} (counted from 0) does not belong there."
            ) from error
        view[: len(block)] = block
        self.position += len(block)
        return len(block)


Rows = Iterator[RawRow | Refusal]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of each row, and where it stands (see `open_rows`)."""

    fields: Sequence[str]
    required: Sequence[str]
    mapping: Mapping[str, str]


@contextlib.contextmanager
def open_rows(
    path: Path,
    *,
    form: str,
    mapping: Mapping[str, str],
    fields: Sequence[str] = FIELDS,
    required: Sequence[str] = REQUIRED,
) -> Iterator[tuple[SourceFile, Rows]]:
    """Open a file; give its bytes, for their position, and its rows.

    Args:
        path: the file.
        form: one of FORMATS.
        mapping: where each field stands: a CSV's column, or a dotted path into a JSON object. A field
            that it does not name is looked for under its own name.
        fields: what is read of each row; by default a product's fields.
        required: those of them without which a CSV is not read.

    Raises:
        UnusableFile: now or while the rows are read.
    """
    try:
        with io.FileIO(path) as file:
            source = SourceFile(file)
            read = _READERS[form]
            wanted = Wanted(fields=fields, required=required, mapping=mapping)
            yield source, read(source, wanted)
    except IsADirectoryError as error:
        raise UnusableFile(f"{path} is a folder, not a file.") from error
    except FileNotFoundError as error:
        raise UnusableFile(f"There is no file {path}.") from error
    except PermissionError as error:
        raise UnusableFile(f"{path} may not be read by this user.") from error


# CSV


def _read_csv(source: SourceFile, wanted: Wanted) -> Rows:
    stream: io.BufferedReader = io.BufferedReader(source, _BLOCK)
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    header = text.readline(_LONGEST_LINE)
    if not header.strip():
        raise UnusableFile("The file is empty: a CSV begins with a line of column names.")
    reader = csv.reader(
        _lines(header, text), delimiter=_delimiter_of(header), strict=True, skipinitialspace=False
    )
    try:
        names = next(reader)
    except csv.Error as error:
        raise UnusableFile(f"The line of column names is not valid CSV: {error}.") from error
    columns = _columns(names, wanted)
    source.unread = _shown(names, besides={at for _, at in columns})
    yield from _read_records(reader, len(names), columns)


def _lines(header: str, text: io.TextIOWrapper) -> Iterator[str]:
    line = header
    while line:
        if len(line) == _LONGEST_LINE:
            raise UnusableFile(f"A line is longer than {_LONGEST_LINE:,} characters.")
        yield line
        line = text.readline(_LONGEST_LINE)


def _delimiter_of(header: str) -> str:
    try:
        return csv.Sniffer().sniff(header, delimiters=_DELIMITERS).delimiter
    except csv.Error:  # a single column
        return ","


def _columns(names: list[str], wanted: Wanted) -> list[tuple[str, int]]:
    """Return which column holds each field."""
    columns = []
    for field in wanted.fields:
        name = wanted.mapping.get(field, field)
        if names.count(name) > 1:
            raise UnusableFile(f'The file has two columns "{name}".')
        if name in names:
            columns.append((field, names.index(name)))
        elif field in wanted.mapping:
            raise UnusableFile(f'The file has no column "{name}", which --map names for {field}.')
        elif field in wanted.required:
            raise UnusableFile(
                f'The file has no column "{name}": name the one that holds it by --map {field}=COLUMN.'
            )
    return columns


def _shown(names: list[str], *, besides: set[int]) -> list[str]:
    """Return the columns' names for people, but for some and for those that have none."""
    shown = [
        "".join(filter(str.isprintable, name)).strip()[:_LONGEST_UNREAD]
        for at, name in enumerate(names)
        if at not in besides and name.strip()
    ]
    return shown if len(shown) <= _MOST_UNREAD else [*shown[:_MOST_UNREAD], "…"]


def _read_records(reader: Any, width: int, columns: list[tuple[str, int]]) -> Rows:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refusal(number, f"is not valid CSV: {error}")
            continue
        if len(cells) == width:
            yield RawRow(
                number,
                {field: cells[at] if cells[at].strip() else None for field, at in columns},
            )
        elif cells:  # an empty line is none
            yield Refusal(number, f"has {len(cells)} cells where the header has {width}")


# JSON


def _read_json(source: SourceFile, wanted: Wanted) -> Rows:
    stream: io.BufferedReader = io.BufferedReader(source, _BLOCK)
    _require_list(stream)
    mapping = wanted.mapping
    paths = [(field, mapping.get(field, field).split(".")) for field in wanted.fields]
    unseen = set(mapping)
    number = 0
    digits = sys.get_int_max_str_digits()
    # Beyond Python's limit ijson's parser in C gets no number, and takes the process down with it.
    sys.set_int_max_str_digits(0)
    try:
        for number, item in enumerate(_items(stream), start=1):
            if not isinstance(item, dict):
                yield Refusal(number, "is not an object")
                continue
            values = {field: _find(item, path) for field, path in paths}
            unseen -= {field for field in unseen if values[field] is not None}
            yield RawRow(number, values)
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError) as error:
        raise UnusableFile(
            f"The file is not valid JSON after {number} objects: {_first_line(error)}."
        ) from error
    finally:
        sys.set_int_max_str_digits(digits)
    for field in wanted.fields:
        if number and field in unseen:
            raise UnusableFile(f'No object has "{mapping[field]}", which --map names for {field}.')


def _items(stream: io.BufferedReader) -> Iterator[Any]:
    """Yield the list's entries; ijson keeps a path per level, so the levels are bounded first."""
    yield from ijson.items(ijson.parse(_not_deep(ijson.basic_parse(stream))), "item")


def _not_deep(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    depth = 0
    for event in events:
        if event[0] in _OPENING:
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"it is nested deeper than {_DEEPEST}")
        elif event[0] in _CLOSING:
            depth -= 1
        yield event


def _require_list(stream: io.BufferedReader) -> None:
    """Look at the first character that is no space, and leave it to be read."""
    while True:
        ahead = stream.peek(1)
        if not ahead:
            raise UnusableFile("The file is empty: it must hold a JSON list of objects.")
        text = ahead.lstrip(b" \t\r\n")
        stream.read(len(ahead) - len(text))
        if text:
            break
    if not text.startswith(b"["):
        raise UnusableFile("The file does not hold a JSON list of objects.")


def _find(item: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(item, dict):
            return None
        item = item.get(name)
    return item


def _first_line(error: Exception) -> str:
    message = error.args[0] if error.args else error
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    return text.strip().partition("\n")[0].rstrip(".")


_READERS: Final[dict[str, Callable[[SourceFile, Wanted], Rows]]] = {
    "csv": _read_csv,
    "json": _read_json,
}
