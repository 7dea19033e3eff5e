"""{{title}}: greets people by name."""

from dataclasses import dataclass

from openclaw_skill import Context, InvalidInput, tool


@dataclass
class Greeted:
    """A greeting."""

    text: str


@tool
def greet(ctx: Context, name: str) -> Greeted:
    """Greet a person by name.

    Args:
        name: The person's name.
    """
    name = name.strip()
    if not name:
        raise InvalidInput("`name` is empty")
    ctx.log.info(f"greeting {name}")
    return Greeted(f"Hello, {name}!")
