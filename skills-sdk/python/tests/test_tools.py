"""Tools: what the host is told of them, and how they are called."""

import enum
import json
import types
from collections import UserDict
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Optional, TypedDict

import pytest

from openclaw_skill import Context, DefinitionError, Failed, Field, InvalidInput, Skill, UnknownTool, skill, tool
from openclaw_skill.testing import FakeContext, call


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """A place.

    Attributes:
        x: From the left.
    """

    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)


@dataclass
class Tree:
    name: str
    children: "list[Tree]"


class Options(TypedDict, total=False):
    deep: bool


def schema(function: Any) -> dict[str, Any]:
    (one,) = skill(function).tools()
    return json.loads(one.input_schema)


def of(hint: Any, value: Any) -> Any:
    """What a tool with one parameter of this hint is given."""
    got = []

    def take(x):
        """Take it."""
        got.append(x)

    take.__annotations__ = {"x": hint}
    call(tool(take), "take", {"x": value})
    return got[0]


def property_of(hint: Any) -> dict[str, Any]:
    def take(x):
        """Take it."""

    take.__annotations__ = {"x": hint}
    return schema(tool(take))["properties"]["x"]


@tool
def smart_commit(ctx: Context, message: str, times: int = 1) -> Point:
    """Commit what is staged. Use it after a change.

    Args:
        message: What the commit says,
            in the imperative.
        times: How often.

    Raises:
        Failed: never told to a model.
    """
    ctx.log.info(message)
    return Point(times)


def test_a_function_is_described_by_its_hints_and_docstring():
    (one,) = skill(smart_commit).tools()
    assert one.name == "smart-commit"
    assert one.description == "Commit what is staged. Use it after a change."
    assert json.loads(one.input_schema) == {
        "type": "object",
        "properties": {
            "message": {"type": "string", "description": "What the commit says, in the imperative."},
            "times": {"type": "integer", "description": "How often.", "default": 1},
        },
        "required": ["message"],
        "additionalProperties": False,
    }
    assert json.loads(one.output_schema or "")["properties"]["x"] == {
        "type": "integer",
        "description": "From the left.",
    }


def test_a_tool_is_still_a_function():
    ctx = FakeContext()
    assert smart_commit(ctx, "Go", times=3) == Point(3)
    assert ctx.lines == [("info", "Go")]


def test_a_tool_is_called_with_json_as_the_host_does():
    assert call(smart_commit, "smart-commit", {"message": "Go"}) == {"x": 1, "y": 0, "tags": []}
    assert skill(smart_commit).call(FakeContext(), "smart-commit", '{"message":"é","times":2.0}') == (
        '{"x":2,"y":0,"tags":[]}'
    )


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array", "items": {}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (Optional[str], {"type": ["string", "null"]}),
        (None | int, {"type": ["integer", "null"]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Optional[Literal["a"]], {"type": ["string", "null"], "enum": ["a", None]}),
        (Color, {"type": "string", "enum": ["red", "blue"]}),
        (Annotated[int, "How many."], {"type": "integer", "description": "How many."}),
        (
            Annotated[int, Field("How many.", minimum=1, maximum=9)],
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."},
        ),
        (Annotated[list[str], Field(max_length=3)], {"type": "array", "items": {"type": "string"}, "maxItems": 3}),
        (Annotated[str, Field(min_length=1)], {"type": "string", "minLength": 1}),
        (
            Options,
            {"type": "object", "properties": {"deep": {"type": "boolean"}}, "additionalProperties": False},
        ),
    ],
)
def test_hints_become_schemas(hint, expected):
    assert property_of(hint) == expected


def test_a_type_that_refers_to_itself_stands_among_the_definitions():
    @tool
    def walk(tree: Tree) -> Tree:
        """Walk it."""
        return tree

    (one,) = skill(walk).tools()
    for text in (one.input_schema, one.output_schema or ""):
        written = json.loads(text)
        assert written["$defs"]["Tree"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    leaf = {"name": "b", "children": []}
    assert call(walk, "walk", {"tree": {"name": "a", "children": [leaf]}})["children"] == [leaf]


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (int, 3.0, 3),
        (float, 3, 3.0),
        (Color, "red", Color.RED),
        (Point, {"x": 1}, Point(1)),
        (list[Point], [{"x": 1, "y": 2}], [Point(1, 2)]),
        (set[int], [1, 2], {1, 2}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (int | str, "a", "a"),
        (Optional[int], None, None),
        (Literal[1, "1"], "1", "1"),
    ],
)
def test_json_becomes_what_the_hint_says(hint, value, expected):
    got = of(hint, value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "problem"),
    [
        (int, "7", "`x`: expected a whole number, found \"7\""),
        (int, True, "`x`: expected a whole number, found true"),
        (int, 1.5, "`x`: expected a whole number, found 1.5"),
        (str, None, "`x`: expected a string, found null"),
        (bool, 1, "`x`: expected true or false, found 1"),
        (Literal["a"], "b", '`x`: expected one of "a", found "b"'),
        (Literal[1], True, "`x`: expected one of 1, found true"),
        (list[int], [1, "a"], '`x[1]`: expected a whole number, found "a"'),
        (dict[str, int], {"a": "b"}, '`x.a`: expected a whole number, found "b"'),
        (Point, {"x": "a"}, '`x.x`: expected a whole number, found "a"'),
        (Point, {"y": 1}, "`x`: `x` is missing"),
        (Point, {"x": 1, "z": 1}, "`x`: there is no `z`; it has `x`, `y`, `tags`"),
        (Optional[Point], {"x": "a"}, '`x.x`: expected a whole number, found "a"'),
        (int | bool, "a", '`x`: expected a whole number, found "a"; or expected true or false, found "a"'),
        (Annotated[int, Field(maximum=9)], 10, "`x`: 10 is more than 9"),
        (Annotated[str, Field(min_length=2)], "a", "`x`: it has 1 characters, fewer than 2"),
        (tuple[int, str], [1], "`x`: expected a list of 2 items, found [1]"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(hint, value, problem):
    with pytest.raises(InvalidInput) as caught:
        of(hint, value)
    assert str(caught.value) == problem


def test_what_a_dataclass_refuses_is_invalid_input():
    @dataclass
    class Range:
        low: int
        high: int

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError("low is above high")

    with pytest.raises(InvalidInput, match="`x`: low is above high"):
        of(Range, {"low": 2, "high": 1})


@pytest.mark.parametrize(
    ("text", "problem"), [("{", "the input: "), ("[]", "the input: expected an object"), ('{"a":1}', "there is no `a`")]
)
def test_an_input_that_is_none_is_refused(text, problem):
    with pytest.raises(InvalidInput, match=problem):
        skill(smart_commit).call(FakeContext(), "smart-commit", text)


def test_a_sole_dataclass_called_input_is_the_whole_input():
    @tool
    def move(input: Point) -> int:
        """Move there."""
        return input.x

    assert schema(move)["properties"].keys() == {"x", "y", "tags"}
    assert call(move, "move", {"x": 4}) == 4


def test_an_unknown_tool_is_named():
    with pytest.raises(UnknownTool, match="`nothing`"):
        call(smart_commit, "nothing")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [1, object()]}, r"`a\[1\]` is of the type object"),
        (float("nan"), "it is nan"),
        ({1: 2}, "a key of it is 1, not a str"),
        (b"x", "of the type bytes"),
    ],
)
def test_a_result_that_is_none_of_json_fails(value, problem):
    @tool
    def give():
        """Give it."""
        return value

    with pytest.raises(Failed, match=problem):
        call(give, "give")


def test_results_are_written_as_json():
    class Text(str):
        pass

    @tool
    def give() -> Any:
        """Give it."""
        return {"a": (1, 2), "b": Color.RED, "c": Point(1), "d": {3, 1}, "e": Text("t"), "f": None}

    given = call(give, "give")
    point = {"x": 1, "y": 0, "tags": []}
    assert given == {"a": [1, 2], "b": "red", "c": point, "d": [1, 3], "e": "t", "f": None}
    (one,) = skill(give).tools()
    assert one.output_schema is None


def test_a_dataclass_is_written_by_its_fields_as_its_schema_says():
    @dataclass
    class Counted(UserDict):
        total: int

        def __post_init__(self):
            super().__init__({"other": 1})

    @tool
    def give() -> Counted:
        """Give it."""
        return Counted(2)

    assert call(give, "give") == {"total": 2}


def test_what_is_wrong_with_the_text_of_an_input_is_told_by_its_place():
    @tool
    def give(name: str = "") -> str:
        """Give it."""
        return name

    for text, problem in [("{} x", "Extra data: line 1 column 4"), ('\n\n{"a":}', "line 3 column 6"), ("", "Expecting value")]:
        with pytest.raises(InvalidInput, match=problem):
            skill(give).call(FakeContext(), "give", text)
    assert skill(give).call(FakeContext(), "give", ' \n{"name":"Ada"}\t') == '"Ada"'


def test_a_class_and_a_module_hold_tools():
    @skill
    class Hello:
        @tool
        def greet(name: str) -> str:
            """Greet."""
            return f"Hello, {name}!"

        @staticmethod
        @tool(name="bye-bye")
        def leave() -> str:
            """Leave."""
            return "Bye!"

        def helper(self):
            pass

    assert call(Hello, "greet", {"name": "Ada"}) == "Hello, Ada!"
    assert call(Hello, "bye-bye") == "Bye!"
    module = types.ModuleType("hello")
    module.Hello = Hello
    assert call(module, "bye-bye") == "Bye!"
    plain = types.ModuleType("plain")
    plain.smart_commit = smart_commit
    assert [one.name for one in skill(plain)] == ["smart-commit"]


def test_a_module_with_two_skills_is_refused():
    module = types.ModuleType("two")
    module.one, module.other = skill(smart_commit), skill(smart_commit)
    with pytest.raises(DefinitionError, match="two makes 2 skills"):
        call(module, "smart-commit")


def no_docstring(x: int): ...
def no_hint(x):
    """D."""
def bytes_hint(x: bytes):
    """D."""
def any_number(*x: int):
    """D."""
def with_self(self, x: int):
    """D."""
def context_last(x: int, ctx: Context):
    """D."""
def int_keys(x: dict[int, str]):
    """D."""
def unknown_argument(x: int):
    """D.

    :param y: is not there
    """
def Upper(x: int):
    """D."""
def hidden(x: Literal["\t"]):
    """D."""
def unreadable(x: "Missing"):  # noqa: F821
    """D."""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (no_docstring, "it has no docstring"),
        (no_hint, "`x` has no type hint"),
        (bytes_hint, "`x` has the type bytes, which is not one of JSON: use str, int"),
        (any_number, r"it takes `\*x`"),
        (with_self, "it takes self"),
        (context_last, "the context is its first parameter"),
        (int_keys, "keys of JSON objects are str"),
        (unknown_argument, "its docstring describes `y`, which it does not take"),
        (Upper, "its name `Upper` is not"),
        (hidden, r"holds a character that does not show \(U\+0009\)"),
        (unreadable, "cannot be read: name 'Missing'"),
    ],
)
def test_a_tool_that_cannot_be_called_is_refused_with_its_place(function, problem):
    with pytest.raises(DefinitionError, match=problem) as caught:
        skill(tool(function))
    assert f"test_tools.py:{function.__code__.co_firstlineno}: the tool `{function.__name__}`" in str(caught.value)


def test_an_async_tool_and_a_generator_are_refused_plainly():
    with pytest.raises(DefinitionError, match="a tool is not async: write `def`"):

        @tool
        async def greet():
            """Greet."""

    with pytest.raises(DefinitionError, match="cannot yield: return a list"):

        @tool
        def count():
            """Count."""
            yield 1


def test_two_tools_of_a_name_and_no_tool_at_all_are_refused():
    with pytest.raises(DefinitionError, match="there are two tools `smart-commit`"):
        skill(smart_commit, smart_commit)
    with pytest.raises(DefinitionError, match="the skill has no tools"):
        skill()
    with pytest.raises(DefinitionError, match="`helper` is not a tool: write `@tool` above it"):

        def helper(): ...

        skill(helper)


def test_sphinx_docstrings_are_read_as_well():
    @tool
    def greet(name: str) -> str:
        """Greet.

        :param str name: Whose
            name it is.
        :returns: A text.
        """
        return name

    assert isinstance(skill(greet), Skill)
    assert schema(greet)["properties"]["name"]["description"] == "Whose name it is."
    assert skill(greet).tools()[0].description == "Greet."
