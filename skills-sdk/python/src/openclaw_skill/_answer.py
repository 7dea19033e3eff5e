"""Calls a tool so that whatever happens in it becomes an error that the host can tell."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from ._tool import Skill
from .context import Context
from .errors import InvalidInput, SkillError, UnknownTool, is_denial, with_causes

Kind = Literal["unknown-tool", "invalid-input", "denied", "failed"]

_OWN = str(PurePath(__file__).parent)
# What some errors of the standard library mean here.
_MEANINGS = {
    "can't start new thread": "a component has no threads",
    "wasi does not support processes": "use ctx.process.run, which the manifest has to declare",
    "No module named": "only what is imported while the skill is built is there: import it at the top of a file",
}
_NO_SOCKETS = "a skill has no sockets: use ctx.http, which the manifest has to declare"
_MOST_FRAMES = 12
_LONGEST = 8 << 10


@dataclass(frozen=True)
class Refusal:
    """Why a call gave no result, as the contract has it."""

    kind: Kind
    message: str


def answer(skill: Skill, ctx: Context, name: str, input: str) -> str | Refusal:
    """The result as JSON text, or why there is none. Nothing is raised."""
    try:
        return skill.call(ctx, name, input)
    except BaseException as error:
        return refusal(error)


def refusal(error: BaseException) -> Refusal:
    """What an exception that left a tool is to the caller."""
    try:
        return Refusal(_kind(error), _bounded(_message(error)))
    except Exception as fault:
        # An exception whose own text cannot be made.
        return Refusal("failed", f"{type(error).__qualname__}, whose text cannot be read: {type(fault).__qualname__}")


def _kind(error: BaseException) -> Kind:
    if isinstance(error, UnknownTool):
        return "unknown-tool"
    if isinstance(error, InvalidInput):
        return "invalid-input"
    return "denied" if is_denial(error) else "failed"


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the tool called sys.exit({error.code!r}); return a result, or raise an error{frames(error)}"
    if isinstance(error, MemoryError):
        return f"out of memory; do less at a time, or raise limits.memory in openclaw/skill.toml{frames(error)}"
    if isinstance(error, SkillError):
        return with_causes(error) or type(error).__qualname__
    if is_denial(error) and isinstance(error, OSError):
        return with_causes(error) + (f" ({_NO_SOCKETS})" if _is_of_socket(error) else "")
    told = with_causes(error)
    if isinstance(error, BaseExceptionGroup):
        told += ": " + "; ".join(f"{type(one).__qualname__}: {with_causes(one)}" for one in error.exceptions)
    told += "".join(f" ({meaning})" for text, meaning in _MEANINGS.items() if text in told)
    name = type(error).__qualname__
    return (f"{name}: {told}" if told else name) + frames(error)


def _is_of_socket(error: BaseException) -> bool:
    innermost = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        innermost = frame
    return innermost is not None and PurePath(innermost.f_code.co_filename).name == "socket.py"


def frames(error: BaseException) -> str:
    """The places in the author's code that an exception came through, the innermost last."""
    summary = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), limit=5_000, lookup_lines=False)
    own = [frame for frame in summary if not frame.filename.startswith((_OWN, "<frozen"))]
    if not own:
        return ""
    left_out = len(own) - _MOST_FRAMES
    shown = own if left_out <= 0 else [*own[:3], *own[3 - _MOST_FRAMES :]]
    lines = [f"  at {frame.name} ({_short(frame.filename)}:{frame.lineno})" for frame in shown]
    if left_out > 0:
        lines.insert(3, f"  … {left_out} more")
    return "\n" + "\n".join(lines)


def _short(path: str) -> str:
    """A path without the directory that the component was built from."""
    parts = PurePath(path).parts
    # componentize-py numbers the directories of its search path: `/0/app.py`.
    if len(parts) > 2 and parts[0] == "/" and parts[1].isdigit():
        return "/".join(parts[2:])
    return "/".join(parts[-2:])


def _bounded(text: str) -> str:
    # Half of a surrogate pair cannot be passed on as UTF-8.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
