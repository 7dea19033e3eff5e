"""Statistics over the CSV files of a workspace: what a caller sees, and the limits of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from openclaw_skill import Context, Field, InvalidInput, tool

from . import measure, table
from .measure import Statistics

# Most columns, and most characters of a cell, that `describe` shows.
SHOWN_COLUMNS = 200
SHOWN_CHARACTERS = 80
Delimiter = Literal[",", ";", "tab", "|"]
Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
PathText = Annotated[str, Field("The file, relative to the workspace: data/sales.csv.", min_length=1)]


@dataclass
class Column:
    """What a column holds."""

    name: str
    kind: Literal["numbers", "texts", "mixed", "empty"]
    filled: Annotated[int, "Cells that are not missing."]
    missing: int
    examples: Annotated[list[str], "Up to three different cells."]


@dataclass
class Description:
    """How a file is made."""

    rows: int
    skipped_rows: Annotated[int, "Rows with more or fewer cells than the header."]
    delimiter: str
    columns: list[Column]
    first_rows: list[list[str]]
    truncated: Annotated[bool, "Whether there are more columns than are shown."]


@dataclass
class Group:
    """The rows that have the same values in the columns of `group_by`."""

    key: dict[str, str]
    rows: int
    columns: dict[str, Statistics]


@dataclass
class Summary:
    """Statistics of each group; of one group with an empty key, where nothing is grouped."""

    groups: list[Group]
    rows: int
    skipped_rows: Annotated[int, "Rows with more or fewer cells than the header; they are not counted."]
    truncated: Annotated[bool, "Whether there are more groups than are shown."]


@tool
def describe(
    ctx: Context,
    path: PathText,
    delimiter: Delimiter | None = None,
    header: bool = True,
    encoding: Encoding | None = None,
    rows: Annotated[int, Field("How many of the first rows are shown.", minimum=0, maximum=50)] = 5,
) -> Description:
    """Say how a CSV file of the workspace is made: its columns, what each holds, how many rows, and the first of them.

    Use it before `summarize` when the columns are not known.

    Args:
        delimiter: What separates cells; it is found out if left out.
        header: Whether the first row names the columns.
        encoding: What the text is written in; UTF-8, or UTF-16 with a mark, if left out.
    """
    read = table.read(ctx.workspace, path, delimiter, header, encoding)
    profiles = [measure.Profile(name) for name in read.columns]
    first: list[list[str]] = []
    for row in read.rows():
        if len(first) < rows:
            first.append([shown(cell) for cell in row[:SHOWN_COLUMNS]])
        for profile, cell in zip(profiles, row):
            profile.add(cell)
    columns = [
        Column(shown(one.name), one.kind, one.filled, one.missing, [shown(cell) for cell in one.examples])
        for one in profiles[:SHOWN_COLUMNS]
    ]
    is_cut = len(read.columns) > SHOWN_COLUMNS
    return Description(read.counted, read.skipped, read.delimiter, columns, first, is_cut)


@tool
def summarize(
    ctx: Context,
    path: PathText,
    columns: Annotated[list[str], Field(max_length=100)] | None = None,
    group_by: Annotated[list[str], Field(max_length=8)] | None = None,
    quantiles: Annotated[list[Annotated[float, Field(minimum=0, maximum=1)]], Field(max_length=20)] | None = None,
    delimiter: Delimiter | None = None,
    header: bool = True,
    encoding: Encoding | None = None,
    decimal: Literal[".", ","] = ".",
    thousands: Literal[",", ".", " ", "'", "_"] | None = None,
    max_groups: Annotated[int, Field(minimum=1, maximum=1000)] = 100,
) -> Summary:
    """Compute count, sum, mean, median, standard deviation, minimum, maximum and quantiles of columns of a CSV file.

    Use it whenever numbers of a table must be right, and to compare groups of rows.

    Args:
        columns: Which columns; all that hold only numbers if left out.
        group_by: Columns whose values divide the rows into groups.
        quantiles: Which quantiles, each from 0 to 1, such as 0.95.
        delimiter: What separates cells; it is found out if left out.
        header: Whether the first row names the columns.
        encoding: What the text is written in; UTF-8, or UTF-16 with a mark, if left out.
        decimal: The decimal sign of the numbers.
        thousands: The sign between their thousands, where there is one.
        max_groups: How many groups are shown, those with the most rows first.
    """
    if thousands == decimal:
        raise InvalidInput("`thousands`: it is the decimal sign as well")
    read = table.read(ctx.workspace, path, delimiter, header, encoding)
    keys = [read.index(name, "group_by") for name in dict.fromkeys(group_by or [])]
    chosen = None if columns is None else [read.index(name, "columns") for name in dict.fromkeys(columns)]
    number = measure.reader(decimal, thousands)
    wanted = [index for index in range(len(read.columns)) if index not in keys] if chosen is None else chosen
    groups: dict[tuple[str, ...], measure.Gathered] = {}
    for row in read.rows():
        key = tuple(row[index] for index in keys)
        if (gathered := groups.get(key)) is None:
            gathered = groups[key] = measure.Gathered(wanted)
        gathered.add(row, number)
        if read.counted % 10_000 == 0:
            ctx.log.progress(read.bytes_read, read.size, f"{read.counted} rows")
    if chosen is None:
        wanted = [index for index in wanted if measure.holds_numbers(groups.values(), index)]
    # The most rows first; equal ones by their values, so that the same call gives the same result.
    ordered = sorted(groups.items(), key=lambda item: (-item[1].rows, item[0]))
    shown_groups = [
        Group(
            {read.columns[index]: value for index, value in zip(keys, key)},
            gathered.rows,
            {read.columns[index]: gathered.statistics(index, quantiles or []) for index in wanted},
        )
        for key, gathered in ordered[:max_groups]
    ]
    return Summary(shown_groups, read.counted, read.skipped, len(ordered) > max_groups)


def shown(cell: str) -> str:
    """A cell, cut where it is long."""
    return cell if len(cell) <= SHOWN_CHARACTERS else cell[: SHOWN_CHARACTERS - 1] + "…"
