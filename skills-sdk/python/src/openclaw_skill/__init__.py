"""Write an OpenClaw skill in Python: put `@tool` above functions, get a sandboxed component.

    from openclaw_skill import Context, tool

    @tool
    def greet(ctx: Context, name: str) -> str:
        '''Greet somebody by name.

        Args:
            name: The person's name.
        '''
        ctx.log.info("greeting")
        return f"Hello, {name}!"

Type hints become JSON Schemas and check the input, docstrings become descriptions, and `openclaw/skill.toml` says what
the skill may use. A tool is a plain function, so tests call it: see `openclaw_skill.testing`.
"""

from ._tool import Skill, Tool, skill, tool
from ._types import Field
from .context import Completion, Context, Hit, Output, Response
from .errors import (
    DefinitionError,
    Denied,
    Dismissed,
    Failed,
    HttpError,
    InvalidInput,
    InvalidKey,
    InvalidQuery,
    Nobody,
    QuotaExceeded,
    SkillError,
    TooMany,
    Unavailable,
    UnknownTool,
)

__all__ = [
    "Completion",
    "Context",
    "DefinitionError",
    "Denied",
    "Dismissed",
    "Failed",
    "Field",
    "Hit",
    "HttpError",
    "InvalidInput",
    "InvalidKey",
    "InvalidQuery",
    "Nobody",
    "Output",
    "QuotaExceeded",
    "Response",
    "Skill",
    "SkillError",
    "Tool",
    "TooMany",
    "Unavailable",
    "UnknownTool",
    "skill",
    "tool",
]
