"""What a tool is given beside its input: the log, and what the manifest declares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from .errors import Denied, Dismissed, Failed, HttpError, InvalidInput, SkillError, Unavailable

Level = Literal["trace", "debug", "info", "warning", "error"]

# How many keys of the memory are asked for at a time.
_PAGE = 128
# How much is told of a program's errors: so many lines, of so many characters each.
_TOLD_LINES = 5
_TOLD_CHARS = 300


@dataclass(frozen=True)
class Hit:
    """Where a search of the memory found something."""

    key: str
    snippet: str
    """What stands around the words in the value, at most 512 bytes of it."""


@dataclass(frozen=True)
class Completion:
    """What a model answered. Nobody vouches for it: whoever wrote what the model read may have written this."""

    text: str
    """The text, cut at 256 KiB."""
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Request:
    """A request, as the host is given it."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    timeout: float | None = None
    """Seconds for each of: connecting, the first byte, the time between two bytes."""
    limit: int = 16 << 20
    """Most bytes of the answer's body."""


@dataclass(frozen=True)
class Response:
    """What a server answered, whatever its status."""

    url: str
    status: int
    headers: list[tuple[str, str]]
    """Names in lower case."""
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first field of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def text(self) -> str:
        """The body as UTF-8, with a mark in place of what is none."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; raises `Failed` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Failed(f"{self.url} did not answer with JSON: {error}") from error

    def checked(self) -> Response:
        """The same, if the status is 200 to 299; raises `Failed` with the status and the begin of the body if not."""
        if self.ok:
            return self
        raise Failed(f"{self.url} answered {self.status}: {self.text()[:_TOLD_CHARS]}".rstrip(": "))


@dataclass(frozen=True)
class Command:
    """A program that is to be run, as the host is given it."""

    program: str
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    directory: str | None = None
    timeout: float | None = None
    """Seconds."""
    input: bytes = b""

    @property
    def line(self) -> str:
        """The program and its arguments, in one line."""
        return " ".join([self.program, *self.args])


StopReason = Literal["deadline", "output", "memory", "processes", "disk", "killed", "lost"]
_STOPPED: dict[str, str] = {
    "deadline": "its time was over",
    "output": "it wrote too much",
    "memory": "it held too much memory",
    "processes": "it had too many processes",
    "disk": "it left too little room on the disk",
    "killed": "the skill ended it",
    "lost": "the host lost it",
}


@dataclass(frozen=True)
class Output:
    """What a program left. Exactly one of `code`, `signal` and `stopped` says how it ended."""

    program: str
    code: int | None = None
    """The code that it ended with by itself; zero is success."""
    signal: int | None = None
    """The signal that ended it."""
    stopped: StopReason | None = None
    """Why the host ended it."""
    stdout: bytes = b""
    stderr: bytes = b""
    held_back: list[str] = field(default_factory=list)
    """Control files that it made without being allowed to. Each was renamed, so that nobody obeys it."""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with the code zero."""
        return self.code == 0

    @property
    def stdout_text(self) -> str:
        """What it wrote to its standard output, with a mark in place of what is no UTF-8."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def stderr_text(self) -> str:
        """What it wrote to its standard error, with a mark in place of what is no UTF-8."""
        return self.stderr.decode("utf-8", "replace")

    def checked(self) -> Output:
        """The same, if it was successful; raises `Failed` with the first lines of its errors if not."""
        if self.ok:
            return self
        if self.code is not None:
            end = f"ended with code {self.code}"
        elif self.signal is not None:
            end = f"ended by signal {self.signal}"
        else:
            end = f"was ended: {_STOPPED.get(self.stopped or '', self.stopped)}"
        lines = [line.rstrip()[:_TOLD_CHARS] for line in self.stderr_text.splitlines() if line.strip()]
        told = "\n".join(lines[:_TOLD_LINES])
        raise Failed(f"`{self.program}` {end}" + (f": {told}" if told else ""))


class MemoryHost(Protocol):
    """Keeps the skill's keys and values."""

    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes) -> None: ...
    def delete(self, key: str) -> bool: ...
    def search(self, query: str, limit: int) -> list[Hit]: ...
    def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]: ...


class LlmHost(Protocol):
    """Asks the owner's language model."""

    def complete(self, prompt: str, system: str | None, max_tokens: int | None) -> Completion: ...
    def is_available(self) -> bool: ...


class AskHost(Protocol):
    """Asks the person behind the session."""

    def question(self, text: str, choices: list[str]) -> str: ...
    def is_available(self) -> bool: ...


class HttpHost(Protocol):
    """Sends requests."""

    def send(self, request: Request) -> Response: ...


class ProcessHost(Protocol):
    """Runs programs."""

    def run(self, command: Command) -> Output: ...


class Host(Protocol):
    """What answers a context: the real host, or the one of a test. None is what the manifest does not declare."""

    @property
    def memory(self) -> MemoryHost | None: ...
    @property
    def llm(self) -> LlmHost | None: ...
    @property
    def ask(self) -> AskHost | None: ...
    @property
    def http(self) -> HttpHost | None: ...
    @property
    def process(self) -> ProcessHost | None: ...

    def write(self, level: Level, message: str) -> None: ...
    def progress(self, done: int, total: int | None, message: str) -> None: ...
    def workspace(self) -> Path: ...
    def data_dir(self) -> Path: ...


def _undeclared(what: str, entry: str) -> Denied:
    return Denied(f"the skill's manifest does not declare {what}: add `{entry}` to openclaw/skill.toml")


class Log:
    """The skill's log. Writing never fails: past the host's limits of a call, lines are dropped and counted."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def write(self, level: Level, message: object) -> None:
        """Writes a line."""
        self._host.write(level, str(message))

    def trace(self, message: object) -> None:
        """Writes a line about a step."""
        self.write("trace", message)

    def debug(self, message: object) -> None:
        """Writes a line for who looks for a fault."""
        self.write("debug", message)

    def info(self, message: object) -> None:
        """Writes a line about what happened."""
        self.write("info", message)

    def warning(self, message: object) -> None:
        """Writes a line about something odd, after which the tool went on."""
        self.write("warning", message)

    def error(self, message: object) -> None:
        """Writes a line about something that went wrong."""
        self.write("error", message)

    def progress(self, done: int, total: int | None = None, message: object = "") -> None:
        """Says how far the call is: of `total`, where it is known, `done` is done. Whoever called sees it at once, if
        they asked to; what does not go beyond the report before is dropped."""
        self._host.progress(max(0, int(done)), None if total is None else max(0, int(total)), str(message))


class Memory:
    """The key-value store of the skill's own, kept between calls and over upgrades. A key is 1 to 512 bytes of UTF-8.

    Raises `Denied`, `QuotaExceeded` (and nothing is changed), `InvalidKey`, `InvalidQuery`, `Unavailable`.
    """

    def __init__(self, host: Host) -> None:
        self._memory = host.memory

    @property
    def _host(self) -> MemoryHost:
        if self._memory is None:
            raise _undeclared("memory", "[permission.memory]")
        return self._memory

    def get(self, key: str) -> bytes | None:
        """The value under a key, or none."""
        return self._host.get(key)

    def set(self, key: str, value: bytes | str) -> None:
        """Puts a value under a key, in place of what was there; a text as UTF-8."""
        self._host.set(key, value.encode() if isinstance(value, str) else bytes(value))

    def delete(self, key: str) -> bool:
        """Removes a key; true if it was there."""
        return self._host.delete(key)

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = _PAGE) -> list[str]:
        """Keys that begin with a prefix, in byte order, at most `limit`, from the first one greater than `after` on."""
        return self._host.list_keys(prefix, after, limit)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, in byte order, fetched a page at a time."""
        last: str | None = None
        # The host may answer with less than it was asked for, so only an empty page is the end.
        while page := self.list(prefix, after=last):
            yield from page
            last = page[-1]

    def search(self, query: str, limit: int = 20) -> Sequence[Hit]:
        """Values that have every word of a query, whatever the case, those first where they are densest.

        A query is words and nothing else. Only values that are UTF-8 and at most 64 KiB long are found.
        """
        return self._host.search(query, limit)

    def get_json(self, key: str) -> Any:
        """The value under a key, read as JSON, or none; raises `Failed` where it is no JSON."""
        if (value := self.get(key)) is None:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise Failed(f"the memory's value under `{key}`: {error}") from error

    def set_json(self, key: str, value: object) -> None:
        """Puts a value under a key, written as JSON; dataclasses and enums too."""
        from ._types import to_json

        self.set(key, json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":")))


class Llm:
    """The owner's language model. Raises `Denied`, `QuotaExceeded` (nothing was sent), `Unavailable`."""

    def __init__(self, host: Host) -> None:
        self._llm = host.llm

    def complete(self, prompt: str, *, system: str | None = None, max_tokens: int | None = None) -> Completion:
        """Asks, and waits for the answer; `system` says what the model is to be, and how it is to answer."""
        if self._llm is None:
            raise _undeclared("the language model", "[permission.llm]")
        return self._llm.complete(prompt, system, max_tokens)

    def is_available(self) -> bool:
        """Whether it is granted, the host has a model, and the call has tokens left; a skill can go on without."""
        return self._llm is not None and self._llm.is_available()


class Ask:
    """The person behind the session. While they think, the deadline of the call goes on.

    Raises `Denied`, `Nobody`, `Dismissed`, `TooMany` (a call asks 8 times), `Unavailable`.
    """

    def __init__(self, host: Host) -> None:
        self._ask = host.ask

    @property
    def _host(self) -> AskHost:
        if self._ask is None:
            raise _undeclared("questions", "[permission.ask]")
        return self._ask

    def question(self, text: str) -> str:
        """Puts a question of at most 4 KiB, and waits for the answer, which is cut at 16 KiB."""
        return self._host.question(text, [])

    def choice(self, text: str, choices: Sequence[str]) -> str:
        """Puts a question with up to 16 choices, each of 1 to 200 bytes and all different; the answer is one of them."""
        if not choices:
            raise Unavailable("the question cannot be put: there is nothing to choose")
        answer = self._host.question(text, list(choices))
        if answer not in choices:
            raise Dismissed("the question was not answered")
        return answer

    def is_available(self) -> bool:
        """Whether it is granted, there is somebody, and the call may ask once more."""
        return self._ask is not None and self._ask.is_available()


Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Http:
    """Requests to what the manifest names and the owner granted. Redirects are answers: follow them with a request.

    Raises `Denied` with the grant command, and `HttpError` where nothing answered.
    """

    def __init__(self, host: Host) -> None:
        self._http = host.http

    def get(self, url: str, *, headers: Headers = (), timeout: float | None = None) -> Response:
        """Sends a GET."""
        return self.request("GET", url, headers=headers, timeout=timeout)

    def post(
        self,
        url: str,
        *,
        body: bytes | str = b"",
        json: object = None,
        headers: Headers = (),
        timeout: float | None = None,
    ) -> Response:
        """Sends a POST with a body, or a value as JSON."""
        return self.request("POST", url, body=body, json=json, headers=headers, timeout=timeout)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | str = b"",
        json: object = None,
        headers: Headers = (),
        timeout: float | None = None,
        limit: int = 16 << 20,
    ) -> Response:
        """Sends a request and reads the answer, at most `limit` bytes of body.

        `json` is written as the body and named in `content-type`. `timeout` is in seconds, for each of connecting, the
        first byte, and the time between two bytes; the call's deadline ends it in any case.
        """
        if self._http is None:
            raise _undeclared("the network", "[[permission.network]]")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"{url!r} is not a URL of http or https")
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        data = body.encode() if isinstance(body, str) else bytes(body)
        if json is not None:
            if data:
                raise TypeError("give `body` or `json`, not both")
            data = _json_bytes(json)
            if not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("content-type", "application/json"))
        return self._http.send(Request(method.upper(), url, fields, data, timeout, limit))


def _json_bytes(value: object) -> bytes:
    from ._types import to_json

    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":")).encode()


class Process:
    """The programs of the host, in the shapes that the manifest names. There is no shell: arguments are passed as is."""

    def __init__(self, host: Host) -> None:
        self._process = host.process

    def run(
        self,
        program: str,
        *args: str,
        input: bytes | str = b"",
        env: Mapping[str, str] | None = None,
        directory: str | Path | None = None,
        timeout: float | None = None,
    ) -> Output:
        """Runs a program to its end, and gathers what it writes: at most 4 MiB, and as much of errors.

        `directory` is an absolute path in one of the skill's trees, by default `/workspace`, or `/data` where the skill
        holds no workspace. `timeout` is in seconds. A program that ran and failed is no error: see `Output.checked`.

        Raises `Denied` with the grant command, `TooMany`, `Unavailable`.
        """
        if self._process is None:
            raise _undeclared("programs", "[[permission.process]]")
        data = input.encode() if isinstance(input, str) else bytes(input)
        where = None if directory is None else str(directory)
        arguments = [str(argument) for argument in args]
        return self._process.run(Command(program, arguments, dict(env or {}), where, timeout, data))


class Context:
    """What a tool is given beside its input, as its first parameter.

    All members are there; one that the manifest does not declare raises `Denied` with the entry to add. Files need no
    member: `open()` and `pathlib` work below `workspace` and `data_dir`, as far as they are granted.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.log = Log(host)
        self.memory = Memory(host)
        self.llm = Llm(host)
        self.ask = Ask(host)
        self.http = Http(host)
        self.process = Process(host)

    @property
    def workspace(self) -> Path:
        """The directory that the caller works in: `/workspace`. Needs `[[permission.filesystem]]`."""
        return self._host.workspace()

    @property
    def data_dir(self) -> Path:
        """The skill's own directory, kept between calls: `/data`. Needs `[[permission.filesystem]]`."""
        return self._host.data_dir()


__all__ = [
    "Ask", "Command", "Completion", "Context", "Headers", "Hit", "Http", "HttpError", "Level", "Llm", "Log", "Memory",
    "Output", "Process", "Request", "Response", "SkillError", "StopReason",
]
