"""The context, as a test's host answers it, and what becomes of exceptions."""

import errno

import pytest

from openclaw_skill import (
    Context,
    Denied,
    Dismissed,
    Failed,
    HttpError,
    InvalidInput,
    InvalidKey,
    InvalidQuery,
    Nobody,
    QuotaExceeded,
    Response,
    TooMany,
    Unavailable,
    skill,
    tool,
)
from openclaw_skill._answer import Refusal, answer
from openclaw_skill.testing import FakeContext, FakeOutput, LlmRequest


class Undeclared:
    """A host whose manifest declares nothing."""

    memory = llm = ask = http = process = None

    def write(self, level, message): ...
    def progress(self, done, total, message): ...


@pytest.mark.parametrize(
    ("use", "entry"),
    [
        (lambda ctx: ctx.memory.get("a"), "[permission.memory]"),
        (lambda ctx: list(ctx.memory.keys()), "[permission.memory]"),
        (lambda ctx: ctx.llm.complete("Why?"), "[permission.llm]"),
        (lambda ctx: ctx.ask.question("Why?"), "[permission.ask]"),
        (lambda ctx: ctx.http.get("https://a.example"), "[[permission.network]]"),
        (lambda ctx: ctx.process.run("git"), "[[permission.process]]"),
    ],
)
def test_what_is_not_declared_says_what_to_declare(use, entry):
    with pytest.raises(Denied) as caught:
        use(Context(Undeclared()))
    assert f"add `{entry}` to openclaw/skill.toml" in str(caught.value)
    assert caught.value.code == "denied"


def test_what_is_not_declared_is_not_available():
    ctx = Context(Undeclared())
    assert not ctx.llm.is_available()
    assert not ctx.ask.is_available()


def test_the_log_is_kept():
    ctx = FakeContext()
    ctx.log.trace("a")
    ctx.log.warning(3)
    ctx.log.progress(1, 2, "half")
    assert ctx.lines == [("trace", "a"), ("warning", "3")]
    assert ctx.progress == [(1, 2, "half")]


def test_the_memory_keeps_lists_and_finds():
    ctx = FakeContext(memory={"a": b"1", "b/x": "Red fox", "b/y": "red"})
    memory = ctx.memory
    assert memory.get("a") == b"1"
    assert memory.get("c") is None
    memory.set("c", "text")
    assert ctx.stored["c"] == b"text"
    assert list(memory.keys("b/")) == ["b/x", "b/y"]
    assert memory.list(after="a", limit=1) == ["b/x"]
    assert [hit.key for hit in memory.search("RED fox")] == ["b/x"]
    assert (memory.delete("c"), memory.delete("c")) == (True, False)
    memory.set_json("d", {"n": 1})
    assert memory.get_json("d") == {"n": 1}
    assert memory.get_json("e") is None
    with pytest.raises(Failed, match="the memory's value under `b/x`"):
        memory.get_json("b/x")


def test_the_memory_refuses_as_the_host_does():
    memory = FakeContext(quota=40).memory
    memory.set("a", b"1234567")
    with pytest.raises(QuotaExceeded) as caught:
        memory.set("b", b"1")
    assert (caught.value.limit, memory.get("b")) == (40, None)
    with pytest.raises(InvalidKey):
        memory.get("x" * 513)
    with pytest.raises(InvalidQuery):
        memory.search(" ".join(map(str, range(17))))
    with pytest.raises(Denied, match="no memory"):
        FakeContext(deny_memory="no memory").memory.get("a")


def test_all_keys_are_listed_over_pages():
    ctx = FakeContext(memory={f"{number:04}": b"" for number in range(300)})
    assert list(ctx.memory.keys()) == [f"{number:04}" for number in range(300)]


def test_a_model_answers():
    asked = []
    ctx = FakeContext(llm=lambda request: asked.append(request) or request.prompt.upper())
    assert ctx.llm.complete("why", system="be short", max_tokens=5).text == "WHY"
    assert asked == [LlmRequest("why", "be short", 5)]
    with pytest.raises(Unavailable):
        FakeContext().llm.complete("why")


def test_a_person_answers_eight_times():
    ctx = FakeContext(ask=lambda text, choices: choices[0] if choices else f"{text} Tuesday.")
    assert ctx.ask.question("When?") == "When? Tuesday."
    assert ctx.ask.choice("Go?", ["yes", "no"]) == "yes"
    for _ in range(6):
        ctx.ask.question("When?")
    assert not ctx.ask.is_available()
    with pytest.raises(TooMany):
        ctx.ask.question("When?")
    with pytest.raises(Nobody):
        FakeContext().ask.question("When?")
    with pytest.raises(Dismissed):
        FakeContext(ask=lambda *_: "perhaps").ask.choice("Go?", ["yes", "no"])


def test_requests_are_answered_and_kept():
    ctx = FakeContext(http=lambda request: Response(request.url, 404, [("x-a", "b")], b'{"a":1}'))
    answer = ctx.http.post("https://a.example/x", json={"n": [1]}, headers={"accept": "*/*"})
    assert (answer.status, answer.ok, answer.header("X-A"), answer.json()) == (404, False, "b", {"a": 1})
    (sent,) = ctx.requests
    assert (sent.method, sent.body, sent.headers[-1]) == ("POST", b'{"n":[1]}', ("content-type", "application/json"))
    with pytest.raises(Failed, match="https://a.example/x answered 404"):
        answer.checked()
    with pytest.raises(InvalidInput, match="is not a URL of http or https"):
        ctx.http.get("file:///etc/passwd")
    with pytest.raises(Denied, match="openclaw grant allow acme/fake network GET https://a.example/"):
        FakeContext().http.get("https://a.example/")


def test_programs_are_run_and_kept():
    ctx = FakeContext(programs={"git": lambda git: "ok\n" if git.args == ["status"] else FakeOutput.failure(2, "bad\n\nx")})
    assert ctx.process.run("git", "status", env={"A": "b"}, input="in").checked().stdout_text == "ok\n"
    with pytest.raises(Failed, match="`git` ended with code 2: bad\nx"):
        ctx.process.run("git", "push").checked()
    with pytest.raises(Denied, match="openclaw grant allow acme/fake process rm -r"):
        ctx.process.run("rm", "-r")
    assert [command.line for command in ctx.commands] == ["git status", "git push", "rm -r"]
    assert (ctx.commands[0].input, ctx.commands[0].env) == (b"in", {"A": "b"})
    stopped = FakeContext(programs={"git": lambda _: FakeOutput(stopped="deadline")}).process.run("git")
    assert (stopped.ok, stopped.code) == (False, None)
    with pytest.raises(Failed, match="was ended: its time was over"):
        stopped.checked()


def test_directories_are_there_and_go():
    ctx = FakeContext()
    (ctx.workspace / "a").write_text("x")
    path = ctx.workspace
    assert path != ctx.data_dir
    assert path.is_dir()
    ctx._fake._workspace._own.cleanup()
    assert not path.exists()


def refused(raise_it) -> Refusal:
    @tool
    def work() -> None:
        """Work."""
        raise_it()

    refusal = answer(skill(work), FakeContext(), "work", "{}")
    assert isinstance(refusal, Refusal)
    return refusal


def raising(error, cause=None):
    def raise_it():
        raise error from cause

    return raise_it


@pytest.mark.parametrize(
    ("error", "cause", "kind", "message"),
    [
        (Failed("no"), None, "failed", "no"),
        (Failed("the port"), ValueError("not a number"), "failed", "the port: not a number"),
        (Failed("it says no"), ValueError("no"), "failed", "it says no"),
        (InvalidInput("no"), None, "invalid-input", "no"),
        (Denied("no"), None, "denied", "no"),
        (HttpError("gone"), None, "failed", "gone"),
        (Failed("while saving"), Denied("no"), "denied", "while saving: no"),
        (PermissionError(errno.EACCES, "no", "/x"), None, "denied", "[Errno 13] no: '/x'"),
        (OSError(76, "Capabilities insufficient"), None, "denied", "[Errno 76] Capabilities insufficient"),
    ],
)
def test_an_exception_becomes_an_error_of_its_kind(error, cause, kind, message):
    assert refused(raising(error, cause)) == Refusal(kind, message)


def test_an_exception_that_nobody_meant_tells_where_it_came_from():
    refusal = refused(lambda: {}["key"])
    assert refusal.kind == "failed"
    first, *places = refusal.message.splitlines()
    assert first == "KeyError: 'key'"
    assert places[0].startswith("  at work (tests/test_context.py:")
    assert not any("_tool.py" in place for place in places)


def test_each_exception_of_a_group_is_told():
    told = refused(raising(ExceptionGroup("several", [ValueError("one"), KeyError("other")]))).message
    assert told.startswith("ExceptionGroup: several (2 sub-exceptions): ValueError: one; KeyError: 'other'")


def test_what_is_not_there_in_a_component_is_explained():
    assert "(a component has no threads)" in refused(raising(RuntimeError("can't start new thread"))).message
    assert "at the top of a file" in refused(raising(ModuleNotFoundError("No module named 'x'"))).message


def test_many_places_and_long_texts_are_cut():
    def down():
        down()

    refusal = refused(down)
    assert refusal.message.startswith("RecursionError: ")
    assert "more\n" in refusal.message
    assert len(refusal.message.splitlines()) == 14
    assert len(refused(raising(ValueError("x" * 100_000))).message) < 9_000


def test_leaving_is_an_error_that_says_so():
    assert refused(raising(SystemExit(3))).message.startswith("the tool called sys.exit(3); return a result")
    assert refused(raising(MemoryError())).message.startswith("out of memory; do less at a time")
    assert refused(raising(KeyboardInterrupt())).kind == "failed"


def test_an_exception_whose_text_cannot_be_made_is_told_all_the_same():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    assert "Odd, whose text cannot be read" in refused(raising(Odd())).message
    assert refused(raising(ValueError("\ud800"))).message.startswith("ValueError: ?")
