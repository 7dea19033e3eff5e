"""Numbers of columns, and what is computed of them."""

import math
import statistics
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

MISSING = frozenset({"", "na", "n/a", "null", "nan", "-"})
Number = Callable[[str], float | None]


@dataclass
class Statistics:
    """What a column of numbers comes to; the values are null where there are too few numbers."""

    count: Annotated[int, "Cells that are numbers."]
    missing: int
    not_numbers: int
    sum: float | None
    mean: float | None
    median: float | None
    stdev: Annotated[float | None, "Of a sample: divided by n - 1."]
    min: float | None
    max: float | None
    quantiles: dict[str, float]


def reader(decimal: str, thousands: str | None) -> Number:
    """What reads a cell as a number; none where it is not one."""
    if decimal == "." and thousands is None:
        return plain

    def number(cell: str) -> float | None:
        if thousands is not None:
            cell = cell.replace(thousands, "")
        if decimal != ".":
            if "." in cell:
                return None
            cell = cell.replace(decimal, ".")
        return plain(cell)

    return number


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is nothing."""
    return cell.lower() in MISSING


def plain(cell: str) -> float | None:
    """A number as programs write it: `-1.5`, `1e3`. Not as Python does: `1_000`, `inf`."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if "_" not in cell and math.isfinite(value) else None


class Profile:
    """What a column holds, a cell at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.filled = 0
        self.missing = 0
        self.examples: list[str] = []
        self._numbers = 0

    def add(self, cell: str) -> None:
        """Takes a cell."""
        if plain(cell) is not None:
            self._numbers += 1
        elif is_missing(cell):
            self.missing += 1
            return
        self.filled += 1
        if len(self.examples) < 3 and cell not in self.examples:
            self.examples.append(cell)

    @property
    def kind(self) -> Literal["numbers", "texts", "mixed", "empty"]:
        if not self.filled:
            return "empty"
        if self._numbers == self.filled:
            return "numbers"
        return "mixed" if self._numbers else "texts"


class Gathered:
    """The numbers of a group of rows."""

    def __init__(self, columns: Iterable[int]) -> None:
        self.rows = 0
        self.missing = dict.fromkeys(columns, 0)
        self.not_numbers = dict.fromkeys(self.missing, 0)
        # Eight bytes a number, where a list would take four times as much.
        self.numbers = {index: array("d") for index in self.missing}

    def add(self, row: list[str], number: Number) -> None:
        """Takes a row."""
        self.rows += 1
        for index, numbers in self.numbers.items():
            cell = row[index]
            if (value := number(cell)) is not None:
                numbers.append(value)
            elif is_missing(cell):
                self.missing[index] += 1
            else:
                self.not_numbers[index] += 1

    def statistics(self, index: int, quantiles: list[float]) -> Statistics:
        """What a column comes to."""
        ordered = sorted(self.numbers[index])
        counts = (len(ordered), self.missing[index], self.not_numbers[index])
        if not ordered:
            return Statistics(*counts, None, None, None, None, None, None, {})
        total = finite(lambda: math.fsum(ordered))
        # Where the sum is too large to be a number, the mean is still one.
        mean = math.fsum(value / len(ordered) for value in ordered) if total is None else total / len(ordered)
        return Statistics(
            *counts,
            sum=total,
            mean=mean,
            median=quantile(ordered, 0.5),
            stdev=finite(lambda: statistics.stdev(ordered)) if len(ordered) > 1 else None,
            min=ordered[0],
            max=ordered[-1],
            quantiles={f"{at:g}": quantile(ordered, at) for at in quantiles},
        )


def finite(compute: Callable[[], float]) -> float | None:
    """A number, or none where it is too large to be one."""
    try:
        value = compute()
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def quantile(ordered: list[float], at: float) -> float:
    """The value below which a part of the numbers lies, between two neighbours where it falls between them."""
    place = at * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    part = place - low
    # Not `low + (high - low) * part`: the difference of two numbers may be too large to be one.
    return ordered[low] * (1 - part) + ordered[high] * part


def holds_numbers(groups: Iterable[Gathered], index: int) -> bool:
    """Whether a column holds numbers and nothing else, over all groups."""
    found = False
    for one in groups:
        if one.not_numbers[index]:
            return False
        found = found or bool(one.numbers[index])
    return found
