"""Reads a CSV file of the workspace: its columns, and one row after the other."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from openclaw_skill import Failed, InvalidInput

# What is read of a file at most; a cell of more than this many characters is no table.
MOST_BYTES = 64 << 20
LONGEST_CELL = 1 << 20
MOST_COLUMNS = 2_000
# How many bytes of a file the delimiter is found out from.
SAMPLE = 64 << 10
# A tab goes by its name where a caller sees it, since the sign itself does not show.
DELIMITERS = {",": ",", ";": ";", "tab": "\t", "|": "|"}


class Table:
    """An open file: `columns` are known, and `rows` reads it once."""

    def __init__(self, file: BinaryIO, size: int, path: str, encoding: str, delimiter: str, header: bool) -> None:
        self.size = size
        self.delimiter = delimiter
        self.counted = 0
        self.skipped = 0
        self._file = file
        self._path = path
        csv.field_size_limit(LONGEST_CELL)
        self._reader = csv.reader(io.TextIOWrapper(file, encoding, newline=""), delimiter=DELIMITERS[delimiter])
        first = self._next()
        if first is None:
            raise Failed("the file has no rows")
        if len(first) > MOST_COLUMNS:
            raise Failed(f"the file has {len(first)} columns, more than {MOST_COLUMNS}")
        self.columns = _unique(first) if header else [str(number + 1) for number in range(len(first))]
        self._held = None if header else first

    @property
    def bytes_read(self) -> int:
        """How much of the file was read."""
        return self._file.tell()

    def rows(self) -> Iterator[list[str]]:
        """The rows that have as many cells as there are columns; the rest is counted. Empty lines are none."""
        row = self._held or self._next()
        while row is not None:
            if len(row) == len(self.columns):
                self.counted += 1
                yield [cell.strip() for cell in row]
            else:
                self.skipped += 1
            row = self._next()

    def index(self, name: str, argument: str) -> int:
        """Where a column stands; raises `InvalidInput` with the ones there are."""
        if name in self.columns:
            return self.columns.index(name)
        there = ", ".join(self.columns[:20]) + (", …" if len(self.columns) > 20 else "")
        raise InvalidInput(f"`{argument}`: there is no column {name!r}; the file has {there}")

    def _next(self) -> list[str] | None:
        try:
            return next((row for row in self._reader if row), None)
        except UnicodeDecodeError as error:
            hint = 'give `encoding`, such as "cp1252"'
            raise Failed(f"{self._path} is not {error.encoding.removesuffix('-sig')}: {hint}") from error
        except csv.Error as error:
            raise Failed(f"line {self._reader.line_num} is no CSV: {error}") from error


def read(workspace: Path, path: str, delimiter: str | None, header: bool, encoding: str | None) -> Table:
    """Opens a file of the workspace. Raises `InvalidInput` and `Failed` with what to do instead."""
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise InvalidInput(f"`path`: {path!r} does not lie in the workspace; give it relative to that")
    try:
        file = open(workspace / relative, "rb")
        sample = file.read(SAMPLE)
    except (FileNotFoundError, IsADirectoryError):
        raise InvalidInput(f"`path`: there is no file {path!r} in the workspace") from None
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > MOST_BYTES:
        raise Failed(f"{path} has {size} bytes, more than {MOST_BYTES >> 20} MiB")
    encoding = encoding_of(sample, encoding)
    text = sample.decode(encoding, "replace")
    if "\0" in text:
        raise Failed(f"{path} is no text")
    return Table(file, size, path, encoding, delimiter or sniff(text), header)


def encoding_of(sample: bytes, encoding: str | None) -> str:
    """What a text is written in; a mark of UTF-16 or UTF-8 says it where nobody did."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) and encoding is None:
        return "utf-16"
    return "utf-8-sig" if encoding in (None, "utf-8") else encoding


def sniff(text: str) -> str:
    """The delimiter that the most lines have in the same number, and the most of."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=DELIMITERS[delimiter])]
        first = counts[0] if counts else 1
        return (sum(count == first for count in counts) if first > 1 else 0, first)

    try:
        return max(DELIMITERS, key=score)
    except csv.Error:
        return ","


def _unique(names: list[str]) -> list[str]:
    """The names of columns: empty ones get their number, and repeated ones a number behind."""
    out: list[str] = []
    for number, name in enumerate(names, 1):
        wanted = name.strip() or str(number)
        unique, count = wanted, 1
        while unique in out:
            count += 1
            unique = f"{wanted} ({count})"
        out.append(unique)
    return out
