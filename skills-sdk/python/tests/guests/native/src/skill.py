"""A skill that needs a package with native code, which is refused by name before anything is built."""

import pydantic_core

from openclaw_skill import tool


@tool
def version() -> str:
    """Say which version it is."""
    return pydantic_core.__version__
