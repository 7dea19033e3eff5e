"""A host for tests: a log and a memory in the process, programs and answers that a test wrote, directories to fill.

    from openclaw_skill.testing import FakeContext, call

    def test_it_greets():
        ctx = FakeContext()
        assert call(hello, "greet", {"name": "Ada"}, ctx) == "Hello, Ada!"
        assert ctx.lines == [("info", "greeting")]

The fake is no sandbox: it checks no path and no shape of arguments, and meters nothing.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._tool import Skill, collected
from ._types import to_json
from .context import Command, Completion, Context, Hit, Level, Output, Request, Response, StopReason
from .errors import (
    Denied,
    Dismissed,
    InvalidKey,
    InvalidQuery,
    Nobody,
    QuotaExceeded,
    SkillError,
    TooMany,
    Unavailable,
)

# As the contract has them.
_LONGEST_KEY = 512
_LONGEST_QUERY = 1_024
_MOST_WORDS = 16
_LONGEST_WORD = 64
_MOST_HITS = 100
_LONGEST_SEARCHED = 64 << 10
_LONGEST_SNIPPET = 512
_MOST_QUESTIONS = 8
_ENTRY = 32


@dataclass(frozen=True)
class LlmRequest:
    """What a test's model is asked."""

    prompt: str
    system: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class FakeOutput:
    """What a program of a test answers; nothing, and success, unless something is said."""

    stdout: bytes | str = b""
    stderr: bytes | str = b""
    code: int | None = 0
    signal: int | None = None
    stopped: StopReason | None = None
    held_back: list[str] = field(default_factory=list)

    @classmethod
    def failure(cls, code: int, errors: bytes | str) -> FakeOutput:
        """A failure of this code, with this written to standard error."""
        return cls(code=code, stderr=errors)


Program = Callable[[Command], FakeOutput | str]
Model = Callable[[LlmRequest], str]
Person = Callable[[str, list[str]], str]
Web = Callable[[Request], Response | str | bytes]


class FakeContext(Context):
    """A context for tests.

    `memory` is what the store holds, `quota` bounds it in bytes, `deny_memory` denies it with the host's words.
    `programs` answers commands: a function for each program, and a program that no test wrote is denied. `llm`, `ask`
    and `http` answer in place of a model, a person and the web; what they raise, the tool gets. Without `llm` there is
    no model, without `ask` nobody, and without `http` each request is denied. `workspace` and `data_dir` are made when
    they are asked for, and removed with the context, unless the test gives some, such as pytest's `tmp_path`.
    """

    def __init__(
        self,
        *,
        memory: Mapping[str, bytes | str] | None = None,
        quota: int | None = None,
        deny_memory: str | None = None,
        programs: Mapping[str, Program] | None = None,
        llm: Model | None = None,
        ask: Person | None = None,
        http: Web | None = None,
        workspace: str | Path | None = None,
        data_dir: str | Path | None = None,
    ) -> None:
        self._fake = _FakeHost(memory or {}, quota, deny_memory, programs or {}, llm, ask, http, workspace, data_dir)
        super().__init__(self._fake)

    @property
    def lines(self) -> list[tuple[Level, str]]:
        """The lines that were written to the log."""
        return self._fake.lines

    @property
    def progress(self) -> list[tuple[int, int | None, str]]:
        """The reports of progress: done, total, message."""
        return self._fake.reports

    @property
    def commands(self) -> list[Command]:
        """The commands that were to be run, in their order, denied ones too."""
        return self._fake.process.commands

    @property
    def requests(self) -> list[Request]:
        """The requests that were to be sent, in their order, denied ones too."""
        return self._fake.http.requests

    @property
    def stored(self) -> dict[str, bytes]:
        """What the memory holds."""
        return dict(self._fake.memory.values)


def call(
    skill: Skill | types.ModuleType | type | Callable[..., Any],
    name: str,
    input: Any = None,
    ctx: Context | None = None,
) -> Any:
    """Calls a tool as the host does: by its name in kebab-case, with input that is checked; the result is JSON again.

    `skill` is what `skill(...)` made, or the module with the tools. `input` is the object, or its JSON text. Raises what
    the tool raises, `InvalidInput` and `UnknownTool`.
    """
    text = input if isinstance(input, str) else json.dumps(to_json({} if input is None else input))
    return json.loads(collected(skill).call(ctx or FakeContext(), name, text))


class _FakeHost:
    def __init__(
        self,
        memory: Mapping[str, bytes | str],
        quota: int | None,
        deny_memory: str | None,
        programs: Mapping[str, Program],
        llm: Model | None,
        ask: Person | None,
        http: Web | None,
        workspace: str | Path | None,
        data_dir: str | Path | None,
    ) -> None:
        self.lines: list[tuple[Level, str]] = []
        self.reports: list[tuple[int, int | None, str]] = []
        self.memory = _FakeMemory(memory, quota, deny_memory)
        self.process = _FakeProcess(programs)
        self.llm = _FakeLlm(llm)
        self.ask = _FakeAsk(ask)
        self.http = _FakeHttp(http)
        self._workspace = _Directory(workspace)
        self._data_dir = _Directory(data_dir)

    def write(self, level: Level, message: str) -> None:
        self.lines.append((level, message))

    def progress(self, done: int, total: int | None, message: str) -> None:
        self.reports.append((done, total, message))

    def workspace(self) -> Path:
        return self._workspace.path()

    def data_dir(self) -> Path:
        return self._data_dir.path()


class _Directory:
    """A directory that the test gave, or one of its own."""

    def __init__(self, given: str | Path | None) -> None:
        self._given = None if given is None else Path(given)
        self._own: tempfile.TemporaryDirectory[str] | None = None

    def path(self) -> Path:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="openclaw-fake-", ignore_cleanup_errors=True)
        return Path(self._own.name)


class _FakeMemory:
    def __init__(self, values: Mapping[str, bytes | str], quota: int | None, denial: str | None) -> None:
        self.values = {key: value.encode() if isinstance(value, str) else value for key, value in values.items()}
        self._quota = quota
        self._denial = denial

    def _granted(self, key: str | None = None) -> None:
        if self._denial is not None:
            raise Denied(self._denial)
        if key is not None and not 1 <= len(key.encode()) <= _LONGEST_KEY:
            raise InvalidKey("a key of the skill's memory has 1 to 512 bytes")

    def get(self, key: str) -> bytes | None:
        self._granted(key)
        return self.values.get(key)

    def set(self, key: str, value: bytes) -> None:
        self._granted(key)
        wanted = {**self.values, key: value}
        size = sum(len(name.encode()) + len(one) + _ENTRY for name, one in wanted.items())
        if self._quota is not None and size > self._quota:
            text = f"the skill's memory would grow past its quota of {self._quota} bytes"
            raise QuotaExceeded(text, self._quota)
        self.values = wanted

    def delete(self, key: str) -> bool:
        self._granted(key)
        return self.values.pop(key, None) is not None

    def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        self._granted()
        keys = sorted((key for key in self.values if key.startswith(prefix)), key=str.encode)
        return [key for key in keys if after is None or key.encode() > after.encode()][: max(0, limit)]

    def search(self, query: str, limit: int) -> list[Hit]:
        self._granted()
        wanted = set(_words(query))
        too_long = len(query.encode()) > _LONGEST_QUERY or any(len(word.encode()) > _LONGEST_WORD for word in wanted)
        if too_long or len(wanted) > _MOST_WORDS:
            raise InvalidQuery("a query of the skill's memory has at most 16 different words")
        hits = []
        for key, value in sorted(self.values.items()):
            try:
                text = value.decode()
            except UnicodeDecodeError:
                continue
            if wanted and len(value) <= _LONGEST_SEARCHED and wanted <= set(_words(text)):
                hits.append(Hit(key, value[:_LONGEST_SNIPPET].decode(errors="ignore")))
        return hits[: min(max(0, limit), _MOST_HITS)]


def _words(text: str) -> list[str]:
    """The words of a text, in lower case. The host also passes over accents."""
    return re.findall(r"[^\W_]+", text.lower())


class _FakeLlm:
    def __init__(self, model: Model | None) -> None:
        self._model = model

    def complete(self, prompt: str, system: str | None, max_tokens: int | None) -> Completion:
        if self._model is None:
            raise Unavailable("the language model is not available: the test wrote no model")
        text = self._model(LlmRequest(prompt, system, max_tokens))
        return Completion(text, _tokens(prompt) + _tokens(system or ""), _tokens(text))

    def is_available(self) -> bool:
        return self._model is not None


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / 3)


class _FakeAsk:
    def __init__(self, person: Person | None) -> None:
        self._person = person
        self._asked = 0

    def question(self, text: str, choices: list[str]) -> str:
        if self._person is None:
            raise Nobody("nobody can be asked")
        self._asked += 1
        if self._asked > _MOST_QUESTIONS:
            raise TooMany("the call has asked as often as it may")
        answer = self._person(text, choices)
        # As the host has it, nobody chooses what was not offered.
        if choices and answer not in choices:
            raise Dismissed("the question was not answered")
        return answer

    def is_available(self) -> bool:
        return self._person is not None and self._asked < _MOST_QUESTIONS


class _FakeHttp:
    def __init__(self, web: Web | None) -> None:
        self._web = web
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        if self._web is None:
            told = f"{request.method} {request.url}"
            grant = f"openclaw grant allow acme/fake network {told}"
            raise Denied(f"{told} is not allowed to this skill; to grant it: {grant}")
        answer = self._web(request)
        if isinstance(answer, Response):
            return answer
        body = answer.encode() if isinstance(answer, str) else answer
        return Response(request.url, 200, [], body)


class _FakeProcess:
    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._programs = programs
        self.commands: list[Command] = []

    def run(self, command: Command) -> Output:
        self.commands.append(command)
        # As the host denies what nobody granted.
        if (program := self._programs.get(command.program)) is None:
            grant = f"openclaw grant allow acme/fake process {command.line}"
            raise Denied(f"process:execute denied (not-granted): {command.line}; to grant it: {grant}")
        answer = program(command)
        if isinstance(answer, str):
            answer = FakeOutput(answer)
        is_code = answer.signal is None and answer.stopped is None
        return Output(
            command.program,
            code=answer.code if is_code else None,
            signal=answer.signal,
            stopped=answer.stopped,
            stdout=_bytes(answer.stdout),
            stderr=_bytes(answer.stderr),
            held_back=answer.held_back,
        )


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


__all__ = ["Command", "FakeContext", "FakeOutput", "LlmRequest", "Request", "Response", "SkillError", "call"]
