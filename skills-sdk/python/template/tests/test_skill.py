"""Tests of {{title}}; `openclaw skill test` runs them."""

import pytest
import skill

from openclaw_skill import InvalidInput
from openclaw_skill.testing import FakeContext, call


def test_greets_by_name():
    ctx = FakeContext()
    assert call(skill, "greet", {"name": "Ada"}, ctx) == {"text": "Hello, Ada!"}
    assert ctx.lines == [("info", "greeting Ada")]


def test_refuses_an_empty_name():
    with pytest.raises(InvalidInput):
        call(skill, "greet", {"name": "  "})
