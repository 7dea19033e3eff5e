"""Reads docstrings: what a tool does, and what its arguments are."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_PARAM = re.compile(r":(?:param|parameter|arg|argument)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")
_FIELD = re.compile(r":(?:type|rtype|raises?|returns?)\b[^:]*:")
_SECTION = re.compile(r"(Args|Arguments|Parameters|Attributes|Raises|Returns|Yields|Example|Examples|Note|Notes):\s*$")
_ITEM = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_ARGUMENTS = {"Args", "Arguments", "Parameters", "Attributes"}
# What a caller cannot use: exceptions reach it as errors.
_LEFT_OUT = {"Raises"}


@dataclass
class Docstring:
    """What a docstring says."""

    text: str = ""
    arguments: dict[str, str] = field(default_factory=dict)


def parse(doc: str | None) -> Docstring:
    """Reads the text, and the arguments in Google's form (`Args:`) or Sphinx's (`:param x:`)."""
    kept: list[str] = []
    arguments: dict[str, list[str]] = {}
    current: list[str] | None = None
    section: str | None = None
    item_indent = 0
    for line in inspect.cleandoc(doc or "").splitlines():
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if stripped and indent == 0:
            section = current = None
        if indent == 0 and (found := _SECTION.match(stripped)):
            section = found[1]
            item_indent = 0
            if section not in _ARGUMENTS | _LEFT_OUT:
                kept.append(line)
        elif indent == 0 and (found := _PARAM.match(stripped)):
            section = ":param"
            current = arguments.setdefault(found[1], [])
            current.append(found[2])
        elif indent == 0 and _FIELD.match(stripped):
            section = ":field"
        elif section in _ARGUMENTS:
            item_indent = item_indent or indent
            if indent == item_indent and (found := _ITEM.match(stripped)):
                current = arguments.setdefault(found[1], [])
                current.append(found[2])
            elif current is not None and stripped:
                current.append(stripped)
        elif section == ":param":
            if current is not None and stripped:
                current.append(stripped)
        elif section not in _LEFT_OUT | {":field"}:
            kept.append(line)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return Docstring(text, {name: " ".join(filter(None, words)) for name, words in arguments.items()})


def of_class(cls: type) -> Docstring:
    """What a class says of itself; the signature that `dataclass` writes where there is nothing says nothing."""
    doc = cls.__dict__.get("__doc__")
    if not doc or doc.startswith(f"{cls.__name__}("):
        return Docstring()
    return parse(doc)
