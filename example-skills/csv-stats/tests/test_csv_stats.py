"""The tools of csv-stats, called as the host calls them."""

import csv_stats
import pytest

from openclaw_skill import Failed, InvalidInput
from openclaw_skill.testing import FakeContext, call

SALES = """region,amount,note
north,10,a
south,5,b
north,30,
north,20,NA
south,x,c
"""


@pytest.fixture
def ctx(tmp_path):
    (tmp_path / "sales.csv").write_text(SALES)
    return FakeContext(workspace=tmp_path)


def write(ctx, data, name="t.csv"):
    (ctx.workspace / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return name


def summary_of(ctx, data, **options):
    return call(csv_stats, "summarize", {"path": write(ctx, data), **options}, ctx)


def column(ctx, data, **options):
    (group,) = summary_of(ctx, data, **options)["groups"]
    (one,) = group["columns"].values()
    return one


def test_statistics_are_exact(ctx):
    numbers = column(ctx, "n\n2\n4\n4\n4\n5\n5\n7\n9\n", quantiles=[0, 0.25, 0.9, 1])
    assert numbers == {
        "count": 8,
        "missing": 0,
        "not_numbers": 0,
        "sum": 40.0,
        "mean": 5.0,
        "median": 4.5,
        "stdev": pytest.approx(2.13808993529939),
        "min": 2.0,
        "max": 9.0,
        "quantiles": {"0": 2.0, "0.25": 4.0, "0.9": pytest.approx(7.6), "1": 9.0},
    }


def test_small_numbers_beside_large_ones_are_not_lost(ctx):
    assert column(ctx, "n\n1e16\n1\n-1e16\n")["sum"] == 1.0


def test_numbers_whose_sum_is_none_have_a_mean(ctx):
    huge = column(ctx, "n\n1.7e308\n1.7e308\n", quantiles=[0.5])
    assert huge["sum"] is None
    assert huge["mean"] == pytest.approx(1.7e308)
    assert huge["quantiles"]["0.5"] == pytest.approx(1.7e308)


def test_rows_are_grouped_the_largest_group_first(ctx):
    summary = call(
        csv_stats, "summarize", {"path": "sales.csv", "columns": ["amount"], "group_by": ["region"]}, ctx
    )
    north, south = summary["groups"]
    assert (north["key"], north["rows"], north["columns"]["amount"]["mean"]) == ({"region": "north"}, 3, 20.0)
    assert (south["key"], south["columns"]["amount"]["not_numbers"]) == ({"region": "south"}, 1)
    assert south["columns"]["amount"]["stdev"] is None
    assert (summary["rows"], summary["truncated"]) == (5, False)


def test_groups_are_cut_and_that_is_said(ctx):
    summary = call(csv_stats, "summarize", {"path": "sales.csv", "group_by": ["region"], "max_groups": 1}, ctx)
    assert [group["key"] for group in summary["groups"]] == [{"region": "north"}]
    assert summary["truncated"]


def test_without_columns_those_with_numbers_only_are_taken(ctx):
    (group,) = summary_of(ctx, "a,b,c\n1,x,3\n2,4,\n")["groups"]
    assert list(group["columns"]) == ["a", "c"]
    assert group["columns"]["c"]["missing"] == 1


@pytest.mark.parametrize(
    ("cell", "options", "expected"),
    [
        ('"1,234.5"', {"thousands": ","}, 1234.5),
        ('"1.234,5"', {"thousands": ".", "decimal": ","}, 1234.5),
        ("1 234", {"thousands": " "}, 1234.0),
        ("1e3", {}, 1000.0),
    ],
)
def test_numbers_are_read_as_they_are_said_to_be_written(ctx, cell, options, expected):
    assert column(ctx, f"n;m\n{cell};\n", columns=["n"], delimiter=";", **options)["sum"] == expected


@pytest.mark.parametrize("cell", ['"1,234"', "12%", "inf", "1_000", "0x10", "€5"])
def test_what_is_no_number_is_counted_and_not_guessed(ctx, cell):
    found = column(ctx, f"n,m\n{cell},\n", columns=["n"])
    assert (found["count"], found["not_numbers"], found["sum"]) == (0, 1, None)


@pytest.mark.parametrize("delimiter", [",", ";", "tab", "|"])
def test_the_delimiter_is_found_out(ctx, delimiter):
    text = 'a_b\n"x, y; z"_1\nw_2\n'.replace("_", "\t" if delimiter == "tab" else delimiter)
    described = call(csv_stats, "describe", {"path": write(ctx, text)}, ctx)
    assert (described["delimiter"], described["rows"]) == (delimiter, 2)


def test_a_file_is_described(ctx):
    described = call(csv_stats, "describe", {"path": "sales.csv", "rows": 1}, ctx)
    kinds = {one["name"]: (one["kind"], one["filled"], one["missing"]) for one in described["columns"]}
    assert kinds == {"region": ("texts", 5, 0), "amount": ("mixed", 5, 0), "note": ("texts", 3, 2)}
    assert described["first_rows"] == [["north", "10", "a"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_says_how_the_text_is_written(ctx, encoding):
    described = call(csv_stats, "describe", {"path": write(ctx, "größe\n1\n".encode(encoding))}, ctx)
    assert described["columns"][0]["name"] == "größe"


def test_another_encoding_has_to_be_said(ctx):
    path = write(ctx, "größe\n1\n".encode("cp1252"))
    with pytest.raises(Failed, match="give `encoding`"):
        call(csv_stats, "describe", {"path": path}, ctx)
    assert call(csv_stats, "describe", {"path": path, "encoding": "cp1252"}, ctx)["columns"][0]["name"] == "größe"


def test_rows_of_another_length_are_skipped_and_counted(ctx):
    summary = summary_of(ctx, "a,b\n1,2\n3\n4,5,6\n\n7,8\n")
    assert (summary["rows"], summary["skipped_rows"]) == (2, 2)


def test_without_a_header_columns_have_numbers(ctx):
    (group,) = summary_of(ctx, "1,2\n3,4\n", header=False)["groups"]
    assert {name: one["sum"] for name, one in group["columns"].items()} == {"1": 4.0, "2": 6.0}


def test_columns_of_one_name_are_told_apart(ctx):
    (group,) = summary_of(ctx, "a,a,\n1,2,3\n")["groups"]
    assert list(group["columns"]) == ["a", "a (2)", "3"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/etc/passwd", "does not lie in the workspace"), ("../x.csv", "does not lie"), ("no.csv", "there is no file"), (".", "there is no file")],
)
def test_a_path_that_is_none_is_invalid_input(ctx, path, problem):
    with pytest.raises(InvalidInput, match=problem):
        call(csv_stats, "summarize", {"path": path}, ctx)


def test_an_unknown_column_is_named_with_those_there_are(ctx):
    with pytest.raises(InvalidInput, match="`columns`: there is no column 'price'; the file has region, amount, note"):
        call(csv_stats, "summarize", {"path": "sales.csv", "columns": ["price"]}, ctx)


@pytest.mark.parametrize(("data", "problem"), [("", "no rows"), (b"a\0b\n", "is no text"), ('a\n"' + "x" * (1 << 21), "is no CSV")])
def test_what_is_no_table_fails(ctx, data, problem):
    with pytest.raises(Failed, match=problem):
        call(csv_stats, "describe", {"path": write(ctx, data)}, ctx)


def test_quantiles_lie_between_zero_and_one(ctx):
    with pytest.raises(InvalidInput, match=r"`quantiles\[0\]`: 2 is more than 1"):
        call(csv_stats, "summarize", {"path": "sales.csv", "quantiles": [2]}, ctx)


def test_one_sign_cannot_mean_two_things(ctx):
    with pytest.raises(InvalidInput, match="`thousands`"):
        call(csv_stats, "summarize", {"path": "sales.csv", "decimal": ",", "thousands": ","}, ctx)
