"""Turns type hints into JSON Schema, JSON into values of these types, and values into JSON."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import _docstring
from .errors import DefinitionError, Failed, InvalidInput

Schema = dict[str, Any]
_SUPPORTED = (
    "str, int, float, bool, None, Any, list, tuple, set, dict with str keys, Optional and other unions, Literal, Enum, "
    "dataclasses and TypedDict"
)
_MISSING: Any = object()


@dataclass(frozen=True)
class Field:
    """What holds for a value beyond its type: `Annotated[int, "How many.", Field(minimum=1, maximum=10)]`."""

    description: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    """Of a text in characters, of a list in items."""
    max_length: int | None = None
    pattern: str | None = None
    """A regular expression that is found somewhere in the text. The host checks it."""


class Hint:
    """A type hint: its schema, and how a value of JSON becomes one of it."""

    def schema(self, definitions: Definitions) -> Schema:
        raise NotImplementedError

    def read(self, value: Any, path: str) -> Any:
        """The value; raises `InvalidInput` with its path where it does not fit."""
        raise NotImplementedError


class Definitions:
    """The types that refer to themselves; all others stand where they are used, as a model reads them best."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._owners: dict[str, object] = {}

    def has(self, name: str, owner: object) -> bool:
        """Whether the type stands here; two different ones of a name cannot."""
        if self._owners.setdefault(name, owner) is not owner:
            raise DefinitionError(f"two types that refer to themselves are both called {name}: rename one")
        return name in self.schemas

    def root(self, hint: Hint) -> Schema:
        """The schema of a whole input or output."""
        schema = hint.schema(self)
        if self.schemas:
            schema = {**schema, "$defs": self.schemas}
        return schema


def invalid(path: str, problem: str) -> InvalidInput:
    """An error that says which part of the input does not fit."""
    return InvalidInput(f"`{path}`: {problem}" if path else f"the input: {problem}")


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:59]}…"


class _Any(Hint):
    def schema(self, definitions: Definitions) -> Schema:
        return {}

    def read(self, value: Any, path: str) -> Any:
        return value


@dataclass
class _Scalar(Hint):
    kind: str
    article: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any]

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": self.kind}

    def read(self, value: Any, path: str) -> Any:
        if not self.accepts(value):
            raise invalid(path, f"expected {self.article}, found {_told(value)}")
        return self.convert(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SCALARS: dict[Any, _Scalar] = {
    str: _Scalar("string", "a string", lambda value: isinstance(value, str), str),
    bool: _Scalar("boolean", "true or false", lambda value: isinstance(value, bool), bool),
    # JSON does not tell 3.0 from 3, and nor does its schema.
    int: _Scalar("integer", "a whole number", lambda value: _is_number(value) and value == value // 1, int),
    float: _Scalar("number", "a number", _is_number, float),
    type(None): _Scalar("null", "null", lambda value: value is None, lambda _: None),
}


@dataclass
class _Choice(Hint):
    """A `Literal` or an `Enum`: one of some values."""

    values: dict[Any, Any]

    def schema(self, definitions: Definitions) -> Schema:
        values = [json_value for _, json_value in self.values]
        kinds = {_kind(value) for value in values}
        return {"type": kinds.pop(), "enum": values} if len(kinds) == 1 else {"enum": values}

    def read(self, value: Any, path: str) -> Any:
        key = (_kind(value), value) if isinstance(value, (str, int, float, bool, type(None))) else None
        if key in self.values:
            return self.values[key]
        offered = ", ".join(_told(json_value) for _, json_value in self.values)
        raise invalid(path, f"expected one of {offered}, found {_told(value)}")


def _kind(value: Any) -> str:
    return _SCALARS[type(value)].kind if type(value) in _SCALARS else "object"


@dataclass
class _List(Hint):
    item: Hint
    make: Callable[[Iterable[Any]], Any]
    unique: bool = False

    def schema(self, definitions: Definitions) -> Schema:
        schema: Schema = {"type": "array", "items": self.item.schema(definitions)}
        return {**schema, "uniqueItems": True} if self.unique else schema

    def read(self, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise invalid(path, f"expected a list, found {_told(value)}")
        return self.make([self.item.read(item, f"{path}[{index}]") for index, item in enumerate(value)])


@dataclass
class _Tuple(Hint):
    items: list[Hint]

    def schema(self, definitions: Definitions) -> Schema:
        items = [item.schema(definitions) for item in self.items]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def read(self, value: Any, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(self.items):
            raise invalid(path, f"expected a list of {len(self.items)} items, found {_told(value)}")
        return tuple(hint.read(item, f"{path}[{index}]") for index, (hint, item) in enumerate(zip(self.items, value)))


@dataclass
class _Map(Hint):
    value: Hint

    def schema(self, definitions: Definitions) -> Schema:
        return {"type": "object", "additionalProperties": self.value.schema(definitions)}

    def read(self, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise invalid(path, f"expected an object, found {_told(value)}")
        return {key: self.value.read(item, _within(path, key)) for key, item in value.items()}


def _within(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@dataclass
class _Union(Hint):
    options: list[Hint]

    def schema(self, definitions: Definitions) -> Schema:
        schemas = [option.schema(definitions) for option in self.options]
        if {} in schemas:
            return {}
        return _joined(schemas) or {"anyOf": schemas}

    def read(self, value: Any, path: str) -> Any:
        problems = []
        for option in self.options:
            try:
                return option.read(value, path)
            except InvalidInput as error:
                problems.append(error)
        if len(told := [error for error, option in zip(problems, self.options) if option is not _SCALARS[type(None)]]) == 1:
            raise told[0]
        raise invalid(path, "; or ".join(str(error).removeprefix(f"`{path}`: ") for error in problems))


def _joined(schemas: Sequence[Schema]) -> Schema | None:
    """An optional value, in the short form that is read by more models: `{"type": ["string", "null"]}`."""
    first, rest = schemas[0], schemas[1:]
    if rest != [{"type": "null"}] or not isinstance(first.get("type"), str):
        return None
    if "enum" in first:
        return {"type": [first["type"], "null"], "enum": [*first["enum"], None]}
    return {**first, "type": [first["type"], "null"]}


@dataclass
class _Limited(Hint):
    """A hint with what `Field` says of it."""

    hint: Hint
    field: Field

    def schema(self, definitions: Definitions) -> Schema:
        schema = dict(self.hint.schema(definitions))
        kinds = schema.get("type")
        is_list = "array" in (kinds if isinstance(kinds, list) else [kinds])
        names = {
            "minimum": self.field.minimum,
            "maximum": self.field.maximum,
            "minItems" if is_list else "minLength": self.field.min_length,
            "maxItems" if is_list else "maxLength": self.field.max_length,
            "pattern": self.field.pattern,
        }
        return {**schema, **{name: value for name, value in names.items() if value is not None}}

    def read(self, value: Any, path: str) -> Any:
        read = self.hint.read(value, path)
        field = self.field
        if _is_number(value):
            if field.minimum is not None and value < field.minimum:
                raise invalid(path, f"{value} is less than {field.minimum}")
            if field.maximum is not None and value > field.maximum:
                raise invalid(path, f"{value} is more than {field.maximum}")
        if isinstance(value, (str, list)):
            unit = "characters" if isinstance(value, str) else "items"
            if field.min_length is not None and len(value) < field.min_length:
                raise invalid(path, f"it has {len(value)} {unit}, fewer than {field.min_length}")
            if field.max_length is not None and len(value) > field.max_length:
                raise invalid(path, f"it has {len(value)} {unit}, more than {field.max_length}")
        return read


@dataclass
class Property:
    """A named part of an object."""

    hint: Hint
    description: str = ""
    default: Any = _MISSING
    required: bool = True


class Object(Hint):
    """A dataclass, a `TypedDict`, or the arguments of a tool."""

    def __init__(self, name: str, make: Callable[[dict[str, Any]], Any], description: str = "") -> None:
        self.name = name
        self.make = make
        self.description = description
        self.properties: dict[str, Property] = {}
        # Whether a schema of it is being written, and whether that came to itself.
        self.open = False
        self.refers_to_itself = False

    def schema(self, definitions: Definitions) -> Schema:
        if self.open or (self.refers_to_itself and definitions.has(self.name, self)):
            self.refers_to_itself = True
            return {"$ref": f"#/$defs/{self.name}"}
        self.open = True
        try:
            schema = self._written(definitions)
        finally:
            self.open = False
        if self.refers_to_itself:
            definitions.has(self.name, self)
            definitions.schemas[self.name] = schema
            return {"$ref": f"#/$defs/{self.name}"}
        return schema

    def _written(self, definitions: Definitions) -> Schema:
        schema: Schema = {"type": "object"}
        if self.description:
            schema["description"] = self.description
        schema["properties"] = {name: self._property(part, definitions) for name, part in self.properties.items()}
        if required := [name for name, part in self.properties.items() if part.required]:
            schema["required"] = required
        return {**schema, "additionalProperties": False}

    def _property(self, part: Property, definitions: Definitions) -> Schema:
        schema = dict(part.hint.schema(definitions))
        if part.description:
            schema["description"] = part.description
        if part.default is not _MISSING and part.default is not None:
            schema["default"] = part.default
        return schema

    def read(self, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise invalid(path, f"expected an object, found {_told(value)}")
        for name in value:
            if name not in self.properties:
                raise invalid(path, f"there is no `{name}`; it has {_names(self.properties)}")
        for name, part in self.properties.items():
            if part.required and name not in value:
                raise invalid(path, f"`{name}` is missing")
        known = {name: self.properties[name].hint.read(item, _within(path, name)) for name, item in value.items()}
        try:
            return self.make(known)
        except (ValueError, TypeError) as error:
            # What the author's `__post_init__` refuses.
            raise invalid(path, str(error)) from error


def _names(properties: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in properties) or "nothing"


class Reader:
    """Makes hints of types, each class once, for it may refer to itself."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.known: dict[Any, Hint] = {}

    def error(self, problem: str) -> DefinitionError:
        return DefinitionError(f"{self.where}: {problem}")

    def hint(self, kind: Any, name: str) -> tuple[Hint, str]:
        """The hint of a type, and its description where `Annotated` gives one."""
        origin = typing.get_origin(kind)
        if origin is typing.Annotated:
            return self._annotated(kind, name)
        if origin is not None and sys.version_info >= (3, 11) and origin in (typing.Required, typing.NotRequired):
            return self.hint(typing.get_args(kind)[0], name)
        return self._plain(kind, origin, name), ""

    def _annotated(self, kind: Any, name: str) -> tuple[Hint, str]:
        inner, *notes = typing.get_args(kind)
        hint, description = self.hint(inner, name)
        for note in notes:
            if isinstance(note, str):
                description = note
            elif isinstance(note, Field):
                hint, description = _Limited(hint, note), note.description or description
        return hint, description

    def _plain(self, kind: Any, origin: Any, name: str) -> Hint:
        arguments = typing.get_args(kind)
        if kind is Any or kind is object:
            return _Any()
        if kind in (None, type(None)):
            return _SCALARS[type(None)]
        if isinstance(kind, type) and kind in _SCALARS:
            return _SCALARS[kind]
        if origin is typing.Union or origin is types.UnionType:
            ordered = sorted(arguments, key=lambda option: option is type(None))
            return _Union([self.hint(option, name)[0] for option in ordered])
        if origin is typing.Literal:
            return _Choice({(_kind(value), value): value for value in arguments})
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return self._enum(kind, name)
        if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or typing.is_typeddict(kind)):
            return self.known.get(kind) or self._object(kind)
        return self._collection(kind, origin or kind, arguments, name)

    def _enum(self, kind: type[enum.Enum], name: str) -> Hint:
        values = {(_kind(member.value), member.value): member for member in kind}
        if any(key[0] == "object" for key in values):
            raise self.error(f"`{name}` has the type {_shown(kind)}, whose values are not all strings or numbers")
        return _Choice(values)

    def _collection(self, kind: Any, origin: Any, arguments: tuple[Any, ...], name: str) -> Hint:
        def item(index: int = 0) -> Hint:
            return self.hint(arguments[index], name)[0] if arguments else _Any()

        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            return _Tuple([item(index) for index in range(len(arguments))])
        if origin in (list, Sequence, Iterable):
            return _List(item(), list)
        if origin is tuple:
            return _List(item(), tuple)
        if origin in (set, frozenset):
            return _List(item(), origin, unique=True)
        if origin in (dict, Mapping):
            if arguments and arguments[0] is not str:
                raise self.error(f"`{name}` has the type {_shown(kind)}: keys of JSON objects are str")
            return _Map(self.hint(arguments[1], name)[0] if arguments else _Any())
        raise self.error(f"`{name}` has the type {_shown(kind)}, which is not one of JSON: use {_SUPPORTED}")

    def _object(self, kind: type) -> Object:
        doc = _docstring.of_class(kind)
        if dataclasses.is_dataclass(kind):
            made = Object(kind.__name__, lambda values: kind(**values), doc.text)
        else:
            made = Object(kind.__name__, lambda values: values, doc.text)
        self.known[kind] = made
        hints = self.type_hints(kind)
        for name, default, required in _parts(kind, hints):
            hint, description = self.hint(hints[name], f"{kind.__name__}.{name}")
            description = description or doc.arguments.get(name, "")
            made.properties[name] = Property(hint, description, json_default(default), required)
        return made

    def type_hints(self, of: Any) -> dict[str, Any]:
        """The hints of a class or function, with those that are written as text."""
        try:
            return typing.get_type_hints(of, include_extras=True)
        except (NameError, TypeError, AttributeError) as error:
            raise self.error(f"the type hints of `{of.__qualname__}` cannot be read: {error}") from error


def _parts(kind: type, hints: dict[str, Any]) -> Iterable[tuple[str, Any, bool]]:
    if not dataclasses.is_dataclass(kind):
        required: frozenset[str] = kind.__required_keys__  # type: ignore[attr-defined]
        return [(name, _MISSING, name in required) for name in hints]
    parts = []
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        has_default = field.default is not dataclasses.MISSING
        is_optional = has_default or field.default_factory is not dataclasses.MISSING
        parts.append((field.name, field.default if has_default else _MISSING, not is_optional))
    return parts


def json_default(value: Any) -> Any:
    """A default as JSON, to be shown; nothing where it is none of JSON."""
    if value is _MISSING:
        return value
    try:
        return to_json(value)
    except Failed:
        return _MISSING


def _shown(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def to_json(value: Any, path: str = "") -> Any:
    """A value as JSON has it; raises `Failed` with the path of what has no place in JSON."""
    kind = type(value)
    if kind in (str, int, bool, type(None)):
        return value
    if isinstance(value, enum.Enum):
        return to_json(value.value, path)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Failed(f"the result cannot be written as JSON: {_place(path)} is {value}")
        return float(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [to_json(item, f"{path}[{index}]") for index, item in enumerate(items)]
    if not isinstance(value, dict) and dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = dataclasses.fields(value)
        return {part.name: to_json(getattr(value, part.name), _within(path, part.name)) for part in parts}
    # For a class that it does not know yet, `Mapping` asks all classes that there are.
    if isinstance(value, (dict, Mapping)):
        return {_key(key, path): to_json(item, _within(path, str(key))) for key, item in value.items()}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    raise Failed(f"the result cannot be written as JSON: {_place(path)} is of the type {kind.__qualname__}")


def _key(key: Any, path: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if not isinstance(key, str):
        raise Failed(f"the result cannot be written as JSON: a key of {_place(path)} is {key!r}, not a str")
    return key


def _place(path: str) -> str:
    return f"`{path}`" if path else "it"
