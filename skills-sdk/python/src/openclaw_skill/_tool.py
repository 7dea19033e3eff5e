"""The tools of a skill: functions with `@tool`, what the host is told of them, and how they are called."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from . import _docstring
from ._types import Definitions, Hint, Object, Property, Reader, json_default, to_json
from .context import Context
from .errors import DefinitionError, Failed, InvalidInput, UnknownTool

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The commonest of the characters by which a text could hide something; the host knows all.
_HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = 4096
_MARK = "__openclaw_tool__"
_SKILL = "__openclaw_skill__"
# Made once: `json.dumps` makes one for each call that wants other separators.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Tool:
    """A tool, as it is shown to a person or a model."""

    name: str
    """In kebab-case, unique within the skill."""
    description: str
    """What it does and when to use it: the function's docstring."""
    input_schema: str
    """JSON Schema (draft 2020-12) of the input, as JSON text."""
    output_schema: str | None
    """JSON Schema of the output, as JSON text; none where the function does not say what it returns."""


@dataclass(frozen=True)
class _Read:
    """A function with `@tool`, once its hints are read."""

    tool: Tool
    function: Callable[..., Any]
    takes_context: bool
    input: Object
    # The one parameter that is the whole input, where there is such a one.
    whole: str | None
    output: Hint | None


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, name: str | None = None) -> Callable[[F], F]: ...


def tool(function: Any = None, *, name: str | None = None) -> Any:
    """Makes a function a tool; it can be called as before.

    Its name becomes kebab-case (`smart_commit` is called `smart-commit`), its docstring the description, its type hints
    the schemas. It is not `async`: a call of a tool is one thread that waits, and a component has no event loop.
    """

    def mark(function: F) -> F:
        if isinstance(function, (staticmethod, classmethod)):
            raise DefinitionError("write `@staticmethod` above `@tool`, or leave it out: a tool takes no self")
        where = _where(function)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise DefinitionError(f"{where}: a tool is not async: write `def`; what waits (files, http) just waits")
        if inspect.isgeneratorfunction(function):
            raise DefinitionError(f"{where}: a tool returns its result and cannot yield: return a list")
        setattr(function, _MARK, name or function.__name__.strip("_").replace("_", "-"))
        return function

    return mark if function is None else mark(function)


class Skill:
    """The tools of a skill. `skill(...)` makes one; without it, all tools of the entry module are the skill."""

    def __init__(self, functions: list[Callable[..., Any]]) -> None:
        self._tools: dict[str, _Read] = {}
        for function in functions:
            read = _read(function)
            if (name := read.tool.name) in self._tools:
                raise DefinitionError(f"{_where(function)}: there are two tools `{name}`")
            self._tools[name] = read
        if not self._tools:
            raise DefinitionError("the skill has no tools: write `@tool` above a function")

    def tools(self) -> list[Tool]:
        """All tools, as the host reads them when the skill is packed."""
        return [read.tool for read in self._tools.values()]

    def call(self, ctx: Context, name: str, input: str) -> str:
        """Calls a tool by its name in kebab-case; input and result are JSON text.

        Raises `UnknownTool`, `InvalidInput`, `Failed` where the result is none of JSON, and what the tool raises.
        """
        if (read := self._tools.get(name)) is None:
            raise UnknownTool(f"there is no tool `{name}`")
        try:
            value = _loads(input)
        except ValueError as error:
            raise InvalidInput(f"the input: {error}") from error
        arguments = read.input.read(value, "")
        if read.whole is not None:
            arguments = {read.whole: arguments}
        positional = (ctx,) if read.takes_context else ()
        result = read.function(*positional, **arguments)
        text = _ENCODER.encode(to_json(result))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Failed(f"the result cannot be written as JSON: {error.object[error.start]!r} is no character") from None
        return text

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.tools())


@overload
def skill(first: C, /) -> C: ...
@overload
def skill(*tools: Any) -> Skill: ...


def skill(*tools: Any) -> Any:
    """Collects tools: functions with `@tool`, and modules and classes that hold some. Also a decorator of a class.

    `hello = skill(greet, farewell)`, or `@skill` above a class whose functions have `@tool` and take no self.
    """
    made = Skill([function for one in tools for function in _functions(one)])
    if len(tools) == 1 and isinstance(tools[0], type):
        setattr(tools[0], _SKILL, made)
        return tools[0]
    return made


def _loads(text: str) -> Any:
    """As `json.loads`, without its regular expressions: in a fresh instance each is pages that have to be copied."""
    stripped = text.strip(" \t\n\r")
    try:
        value, end = _DECODER.raw_decode(stripped)
    except ValueError:
        value = end = None
    # What is wrong with a text is said of all of it.
    return value if end == len(stripped) else json.loads(text)


def skill_of(module: types.ModuleType) -> Skill:
    """The skill of a module: the one that it makes, or else all its tools."""
    made = {id(value): value for value in map(_made, vars(module).values()) if value is not None}
    if len(made) > 1:
        raise DefinitionError(f"{module.__name__} makes {len(made)} skills: a component is one")
    return made.popitem()[1] if made else Skill(list(_functions(module)))


def collected(of: Any) -> Skill:
    """The skill that something is or holds: a skill, a module, a class with `@skill`, or one tool."""
    if (made := _made(of)) is not None:
        return made
    return skill_of(of) if isinstance(of, types.ModuleType) else Skill(list(_functions(of)))


def _made(value: Any) -> Skill | None:
    if isinstance(value, type):
        value = value.__dict__.get(_SKILL)
    return value if isinstance(value, Skill) else None


def _functions(of: Any) -> Iterator[Callable[..., Any]]:
    if isinstance(of, (types.ModuleType, type)):
        seen = set()
        for value in list(vars(of).values()):
            value = value.__func__ if isinstance(value, staticmethod) else value
            if callable(value) and hasattr(value, _MARK) and id(value) not in seen:
                seen.add(id(value))
                yield value
    elif callable(of) and hasattr(of, _MARK):
        yield of
    else:
        name = getattr(of, "__name__", repr(of))
        raise DefinitionError(f"`{name}` is not a tool: write `@tool` above it")


def _where(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}: " if code else ""
    return f"{place}the tool `{getattr(function, '__name__', function)}`"


def _read(function: Callable[..., Any]) -> _Read:
    where = _where(function)
    reader = Reader(where)
    name = getattr(function, _MARK)
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise reader.error(f"its name `{name}` is not 1 to 64 of a-z, 0-9 and single hyphens: use @tool(name=\"…\")")
    doc = _docstring.parse(function.__doc__)
    if not doc.text:
        raise reader.error("it has no docstring: say what it does and when to use it, since a model chooses it by that")
    if len(doc.text) > _LONGEST_DESCRIPTION:
        raise reader.error(f"its docstring has {len(doc.text)} characters, more than {_LONGEST_DESCRIPTION}")
    hints = reader.type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and _is_context(parameters[0], hints)
    if takes_context:
        parameters = parameters[1:]
    arguments, whole = _arguments(reader, parameters, hints, doc)
    output = reader.hint(hints["return"], "the result")[0] if "return" in hints else None
    described = Tool(name, doc.text, _input_schema(arguments), _output_schema(output))
    for text in _texts([doc.text, json.loads(described.input_schema), json.loads(described.output_schema or "null")]):
        if hidden := _HIDDEN.search(text):
            code = f"U+{ord(hidden[0]):04X}"
            raise reader.error(f"{text[:60]!r} holds a character that does not show ({code}), which the host refuses")
    return _Read(described, function, takes_context, arguments, whole, output)


def _is_context(parameter: inspect.Parameter, hints: dict[str, Any]) -> bool:
    hint = hints.get(parameter.name)
    if isinstance(hint, type):
        return issubclass(hint, Context)
    return hint is None and parameter.name == "ctx"


def _arguments(
    reader: Reader, parameters: list[inspect.Parameter], hints: dict[str, Any], doc: _docstring.Docstring
) -> tuple[Object, str | None]:
    for parameter in parameters:
        _check_parameter(reader, parameter, hints)
    if unknown := set(doc.arguments) - {parameter.name for parameter in parameters} - {"ctx"}:
        raise reader.error(f"its docstring describes `{sorted(unknown)[0]}`, which it does not take")
    if len(parameters) == 1 and parameters[0].name == "input" and dataclasses.is_dataclass(hints["input"]):
        hint, _ = reader.hint(hints["input"], "input")
        assert isinstance(hint, Object)
        return hint, "input"
    arguments = Object("input", lambda values: values)
    for parameter in parameters:
        hint, description = reader.hint(hints[parameter.name], parameter.name)
        has_default = parameter.default is not inspect.Parameter.empty
        arguments.properties[parameter.name] = Property(
            hint,
            description or doc.arguments.get(parameter.name, ""),
            **({"default": json_default(parameter.default)} if has_default else {}),
            required=not has_default,
        )
    return arguments, None


def _check_parameter(reader: Reader, parameter: inspect.Parameter, hints: dict[str, Any]) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise reader.error(f"it takes `*{parameter.name}`: name each argument, so that the schema can")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise reader.error(f"`{parameter.name}` is positional only: the host passes arguments by name")
    if parameter.name == "self":
        raise reader.error("it takes self: each call is a fresh instance of the component, so there is none")
    if parameter.name not in hints:
        raise reader.error(f"`{parameter.name}` has no type hint, so that the schema cannot say what it is")
    if isinstance(hint := hints[parameter.name], type) and issubclass(hint, Context):
        raise reader.error("the context is its first parameter")


def _texts(value: Any) -> Iterator[str]:
    """All texts of a value of JSON, the names of its parts too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in (*value, *value.values()):
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _input_schema(arguments: Object) -> str:
    schema = Definitions().root(arguments)
    return json.dumps({"type": "object", **schema}, ensure_ascii=False)


def _output_schema(output: Hint | None) -> str | None:
    if output is None or not (schema := Definitions().root(output)):
        return None
    return json.dumps(schema, ensure_ascii=False)
