"""The component's side: what the host calls, and the host as a context sees it. Works in a component only."""

from __future__ import annotations

import importlib
import logging
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import componentize_py_types
from wit_world import exports
from wit_world.exports import tools as wit_tools
from wit_world.imports import log as wit_log

from . import _answer
from ._tool import Skill, tool
from .context import Command, Completion, Context, Hit, Level, Output
from .errors import (
    Denied,
    Dismissed,
    InvalidInput,
    InvalidKey,
    InvalidQuery,
    Nobody,
    QuotaExceeded,
    SkillError,
    TooMany,
    Unavailable,
)

Err = componentize_py_types.Err
_LEVELS = {
    "trace": wit_log.Level.TRACE,
    "debug": wit_log.Level.DEBUG,
    "info": wit_log.Level.INFO,
    "warning": wit_log.Level.WARN,
    "error": wit_log.Level.ERROR,
}
_MOST_U32 = (1 << 32) - 1
# Calls after which Python has made the code of a call special to the types that it meets.
_SETTLED = 16


def _imported(name: str) -> Any:
    """The bindings of an interface, or none where the manifest does not declare it."""
    try:
        return importlib.import_module(f"wit_world.imports.{name}")
    except ModuleNotFoundError:
        return None


def _case(error: Any) -> tuple[str, Any]:
    """The name and the payload of a WIT variant, as componentize-py has them."""
    return type(error.value).__name__.removeprefix("Error_"), getattr(error.value, "value", None)


class _Memory:
    def __init__(self, wit: Any) -> None:
        self._wit = wit

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Err as error:
            raise self._error(error) from None

    @staticmethod
    def _error(error: Any) -> SkillError:
        case, value = _case(error)
        match case:
            case "Denied":
                return Denied(value)
            case "QuotaExceeded":
                return QuotaExceeded(f"the skill's memory would grow past its quota of {value} bytes", value)
            case "InvalidKey":
                return InvalidKey("a key of the skill's memory has 1 to 512 bytes")
            case "InvalidQuery":
                return InvalidQuery("a query of the skill's memory has at most 16 different words")
            case _:
                return Unavailable(f"the skill's memory is not available: {value}")

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._call(self._wit.get, _text(key))
        return value

    def set(self, key: str, value: bytes) -> None:
        self._call(self._wit.set, _text(key), value)

    def delete(self, key: str) -> bool:
        return bool(self._call(self._wit.delete, _text(key)))

    def search(self, query: str, limit: int) -> list[Hit]:
        hits = self._call(self._wit.search, _text(query), _u32(limit))
        return [Hit(hit.key, hit.snippet) for hit in hits]

    def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        return list(self._call(self._wit.list_keys, _text(prefix), after and _text(after), _u32(limit)))


def _u32(number: int) -> int:
    return min(max(0, int(number)), _MOST_U32)


class _Llm:
    def __init__(self, wit: Any) -> None:
        self._wit = wit

    def complete(self, prompt: str, system: str | None, max_tokens: int | None) -> Completion:
        most = None if max_tokens is None else _u32(max_tokens)
        try:
            done = self._wit.complete(self._wit.Request(system and _text(system), _text(prompt), most))
        except Err as error:
            case, value = _case(error)
            if case == "Denied":
                raise Denied(value) from None
            if case == "QuotaExceeded":
                text = f"the call has {value} tokens left for the language model, fewer than this would take"
                raise QuotaExceeded(text, value) from None
            raise Unavailable(f"the language model is not available: {value}") from None
        return Completion(done.text, done.input_tokens, done.output_tokens)

    def is_available(self) -> bool:
        return bool(self._wit.is_available())


class _Ask:
    def __init__(self, wit: Any) -> None:
        self._wit = wit

    def question(self, text: str, choices: list[str]) -> str:
        try:
            return str(self._wit.question(_text(text), [_text(choice) for choice in choices]))
        except Err as error:
            raise self._error(error) from None

    @staticmethod
    def _error(error: Any) -> SkillError:
        case, value = _case(error)
        match case:
            case "Denied":
                return Denied(value)
            case "Nobody":
                return Nobody("nobody can be asked")
            case "Dismissed":
                return Dismissed("the question was not answered")
            case "TooMany":
                return TooMany("the call has asked as often as it may")
            case _:
                return Unavailable(f"the question cannot be put: {value}")

    def is_available(self) -> bool:
        return bool(self._wit.is_available())


class _Process:
    def __init__(self, wit: Any) -> None:
        self._wit = wit

    def run(self, command: Command) -> Output:
        timeout = None if command.timeout is None else _u32(round(command.timeout * 1000))
        arguments = [_text(argument) for argument in command.args]
        variables = [(_text(name), _text(value)) for name, value in command.env.items()]
        directory = command.directory and _text(command.directory)
        wit = self._wit.Command(_text(command.program), arguments, variables, directory, timeout)
        try:
            ran = self._wit.run(wit, command.input)
        except Err as error:
            case, value = _case(error)
            if case == "Denied":
                raise Denied(value) from None
            if case == "TooMany":
                raise TooMany("the call has started as many programs as it may") from None
            raise Unavailable(f"the program cannot be run: {value}") from None
        end: dict[str, Any] = {}
        match type(ran.exit).__name__:
            case "Exit_Code":
                end["code"] = ran.exit.value
            case "Exit_Signal":
                end["signal"] = ran.exit.value
            case _:
                end["stopped"] = ran.exit.value.name.lower()
        return Output(command.program, **end, stdout=ran.stdout, stderr=ran.stderr, held_back=ran.held_back)


class _Host:
    """The real host; what the manifest does not declare is none."""

    def __init__(self, name: str) -> None:
        self.memory = _made(_Memory, "memory")
        self.llm = _made(_Llm, "llm")
        self.ask = _made(_Ask, "ask")
        self.process = _made(_Process, "process")
        self.http = None
        if (handler := _imported("outgoing_handler")) is not None:
            from ._wasi_http import WasiHttp

            self.http = WasiHttp(name, handler, _imported("wasi_http_types") or _imported("types"))

    def write(self, level: Level, message: str) -> None:
        wit_log.write(_LEVELS[level], _passable(message))

    def progress(self, done: int, total: int | None, message: str) -> None:
        wit_log.progress(done, total, _passable(message))

    def workspace(self) -> Path:
        return Path("/workspace")

    def data_dir(self) -> Path:
        return Path("/data")


def _made(kind: Any, name: str) -> Any:
    wit = _imported(name)
    return None if wit is None else kind(wit)


def _text(value: Any) -> str:
    """A text that the host can be given. Anything else would end the call without a word."""
    if not isinstance(value, str):
        raise TypeError(f"expected a str, found {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{value!r} holds {value[error.start]!r}, which is no character") from None
    return value


def _passable(text: str) -> str:
    """A text that UTF-8 can say: half of a surrogate pair becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class _LogHandler(logging.Handler):
    """Writes what `logging` is given to the host's log."""

    def __init__(self, host: _Host) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._host.write(_level(record.levelno), self.format(record))
        except Exception:
            self.handleError(record)


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    if number >= logging.INFO:
        return "info"
    return "debug" if number >= logging.DEBUG else "trace"


class _Lines:
    """A text stream whose lines go to the host's log: standard output as info, standard error as warning."""

    encoding = "utf-8"
    errors = "replace"
    # One line of the log; the host cuts longer ones.
    _LONGEST = 8 << 10

    def __init__(self, host: _Host, level: Level) -> None:
        self._host = host
        self._level = level
        self._begun = ""

    def write(self, text: str) -> int:
        self._begun += text
        *lines, self._begun = self._begun.split("\n")
        for line in lines:
            self._host.write(self._level, line)
        if len(self._begun) > self._LONGEST:
            self.flush()
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._begun:
            line, self._begun = self._begun, ""
            self._host.write(self._level, line)

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False


class Tools(exports.Tools):
    """What the host calls. One instance of the component lives for one call."""

    skill: Skill
    context: Context

    def list(self) -> list[wit_tools.Tool]:
        tools = self.skill.tools()
        return [wit_tools.Tool(one.name, one.description, one.input_schema, one.output_schema) for one in tools]

    def call(self, name: str, input: str) -> str:
        _begin()
        answer = _answer.answer(self.skill, self.context, name, input)
        sys.stdout.flush()
        sys.stderr.flush()
        if isinstance(answer, str):
            return answer
        match answer.kind:
            case "unknown-tool":
                raise Err(wit_tools.ToolError_UnknownTool())
            case "invalid-input":
                raise Err(wit_tools.ToolError_InvalidInput(answer.message))
            case "denied":
                raise Err(wit_tools.ToolError_Denied(answer.message))
            case _:
                raise Err(wit_tools.ToolError_Failed(answer.message))


def _begin() -> None:
    """Makes fresh what the snapshot froze: the state of `random`. `os.urandom`, and so uuid and secrets, and the clocks
    ask the host each time."""
    # A number, for bytes would be hashed first.
    random.seed(int.from_bytes(os.urandom(32)))


def install(skill: Skill, name: str) -> type[Tools]:
    """Makes a skill what the host calls; runs while the component is built. `name` is `publisher/skill`."""
    host = _Host(name)
    Tools.skill = skill
    Tools.context = Context(host)
    sys.stdout = _Lines(host, "info")
    sys.stderr = _Lines(host, "warning")
    root = logging.getLogger()
    root.addHandler(_LogHandler(host))
    if root.level in (logging.NOTSET, logging.WARNING):
        root.setLevel(logging.INFO)
    _warm(name)
    return Tools


class _Unheard(_Host):
    """The host while the component is built, when nobody listens."""

    def write(self, level: Level, message: str) -> None:
        pass


@dataclass
class _Greeted:
    text: str


@tool
def _greet(ctx: Context, name: str) -> _Greeted:
    """Greets."""
    ctx.log.info(f"greeting {name}")
    return _Greeted(f"Hello, {name}!")


def _warm(name: str) -> None:
    """Calls a tool as often as Python takes to settle how it runs code, so that no call has to."""

    class Warming(Tools):
        skill = Skill([_greet])
        context = Context(_Unheard(name))

    for _ in range(_SETTLED):
        Warming().call("greet", '{"name":"Ada"}')
