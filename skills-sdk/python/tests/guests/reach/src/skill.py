"""What a skill tries that it was not granted: each is an exception that it can catch, with a text that helps."""

import os
from typing import Any

from openclaw_skill import Context, Denied, SkillError, tool


def told(error: BaseException) -> dict[str, str]:
    """An exception as a result: it was caught."""
    code = error.code if isinstance(error, SkillError) else type(error).__name__
    return {"caught": code, "text": str(error)}


def tried(attempt: Any) -> Any:
    """What an attempt gives, or what it raised."""
    try:
        return attempt()
    except Exception as error:
        return told(error)


@tool
def files(ctx: Context) -> dict[str, Any]:
    """Read and write in the tree and outside of it."""

    def write(path: str) -> str:
        with open(path, "w") as file:
            file.write("x")
        return "written"

    return {
        "granted": tried(lambda: (ctx.workspace / "a.txt").read_text()),
        "listed": tried(lambda: sorted(os.listdir("/workspace"))),
        "outside": tried(lambda: open("/etc/passwd").read()),
        "above": tried(lambda: open("/workspace/../etc/passwd").read()),
        "link": tried(lambda: open("/workspace/link").read()),
        "written": tried(lambda: write("/workspace/b.txt")),
        "data": tried(lambda: write(str(ctx.data_dir / "b.txt"))),
        "root": tried(lambda: os.listdir("/")),
    }


@tool
def write_and_fail() -> None:
    """Write where it may only read, and catch nothing."""
    with open("/workspace/b.txt", "w"):
        pass


@tool
def web(ctx: Context, url: str, method: str = "GET", body: str = "") -> Any:
    """Send a request, and tell what came of it."""

    def send() -> dict[str, Any]:
        answer = ctx.http.request(method, url, body=body, timeout=5)
        return {"status": answer.status, "text": answer.text()[:100]}

    return tried(send)


@tool
def web_and_fail(ctx: Context, url: str) -> str:
    """Send a request, and catch nothing."""
    return ctx.http.get(url).text()


@tool
def undeclared(ctx: Context) -> dict[str, Any]:
    """Use what the manifest does not declare."""
    return {
        "llm": tried(lambda: ctx.llm.complete("Why?").text),
        "llm_available": ctx.llm.is_available(),
        "ask": tried(lambda: ctx.ask.question("Why?")),
        "ask_available": ctx.ask.is_available(),
    }


@tool
def program(ctx: Context, args: list[str]) -> Any:
    """Run git with arguments."""

    def run() -> str:
        return ctx.process.run("git", *args).checked().stdout_text

    return tried(run)


@tool
def remember(ctx: Context) -> dict[str, Any]:
    """Use the memory, well and badly."""
    memory = ctx.memory
    memory.set("b", "two words")
    memory.set_json("a", {"n": 1})
    return {
        "json": memory.get_json("a"),
        "bytes": (memory.get("b") or b"").decode(),
        "keys": list(memory.keys()),
        "after": memory.list(after="a", limit=1),
        "found": [hit.key for hit in memory.search("WORDS")],
        "deleted": [memory.delete("a"), memory.delete("a")],
        "quota": tried(lambda: memory.set("c", b"x" * 5000)),
        "key": tried(lambda: memory.get("")),
        "surrogate": tried(lambda: memory.get("\ud800")),
        "type": tried(lambda: memory.get(5)),  # type: ignore[arg-type]
        "query": tried(lambda: memory.search(" ".join(map(str, range(100))))),
    }


@tool
def give_up() -> None:
    """Raise a denial of its own."""
    raise Denied("this needs what nobody grants")
