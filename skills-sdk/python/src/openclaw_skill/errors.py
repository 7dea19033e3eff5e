"""Why a tool gave no result, in words for its caller."""

from __future__ import annotations

import errno
from typing import ClassVar

# What a refusal of the system is, of which the last means that nothing was granted there.
_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, getattr(errno, "ENOTCAPABLE", 76)}


class SkillError(Exception):
    """The tool tried and failed; the text is for the caller to read.

    Raise this, or a class below, where the caller can do something about it. Any other exception that leaves a tool
    is told with the places in your code that it came through.
    """

    code: ClassVar[str] = "failed"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The text for the caller."""
        return str(self)


class Failed(SkillError):
    """The tool tried and failed."""


class InvalidInput(SkillError):
    """The input does not mean anything to the tool; say which part, and why."""

    code = "invalid-input"


class UnknownTool(SkillError):
    """The skill has no tool of that name."""

    code = "unknown-tool"


class Denied(SkillError):
    """A permission is not declared or not granted; the text is the host's own and names what to grant."""

    code = "denied"


class Unavailable(SkillError):
    """It is granted, and the host cannot do it; the text says why."""

    code = "unavailable"


class QuotaExceeded(SkillError):
    """The memory would grow past its quota in bytes, or the model would take more tokens than the call has left."""

    code = "quota-exceeded"

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class InvalidKey(SkillError):
    """A key of the memory is 1 to 512 bytes of UTF-8."""

    code = "invalid-key"


class InvalidQuery(SkillError):
    """A query of the memory has at most 1,024 bytes, and 16 different words of at most 64 bytes."""

    code = "invalid-query"


class Nobody(SkillError):
    """No person can be asked: a program called, or whoever called has no way to show a question."""

    code = "nobody"


class Dismissed(SkillError):
    """The person would not answer, or did not in time, or answered with none of the choices."""

    code = "dismissed"


class TooMany(SkillError):
    """The call has asked questions, or started programs, as often as it may."""

    code = "too-many"


class HttpError(SkillError):
    """A request was not answered; the text says why. An answer with a status of 400 or more is no error."""

    code = "http"


class DefinitionError(TypeError):
    """A tool is not written in a way that the host could call it; the text says where and what to change."""


def is_denial(error: BaseException) -> bool:
    """Whether a permission is what was missing: here, or in what it was raised from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, Denied) or (isinstance(cause, OSError) and cause.errno in _REFUSALS):
            return True
        cause = cause.__cause__
    return False


def with_causes(error: BaseException) -> str:
    """The text of an error with what it was raised from, each told once."""
    message = str(error)
    cause = error.__cause__
    seen = {id(error)}
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if (text := str(cause)) and text not in message:
            message = f"{message}: {text}" if message else text
        cause = cause.__cause__
    return message
