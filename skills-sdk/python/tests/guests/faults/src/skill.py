"""What can go wrong in Python: each ends in an error that tells what to do, and the next call is fine."""

import base64
import collections
import copy
import csv
import datetime
import decimal
import fractions
import hashlib
import json
import logging
import os
import pathlib
import pprint
import re
import shutil
import sqlite3
import socket
import statistics
import string
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import unicodedata
import urllib.parse
import uuid
import warnings
import xml.etree.ElementTree
import zlib
from typing import Any, Literal

from openclaw_skill import Context, Failed, InvalidInput, tool


class Odd(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@tool
def raise_error(kind: Literal["plain", "own", "invalid", "cause", "odd", "surrogate", "long", "group"]) -> None:
    """Raise an exception."""
    match kind:
        case "plain":
            {}["key"]
        case "own":
            raise Failed("there is nothing to do")
        case "invalid":
            raise InvalidInput("`kind` is no good")
        case "cause":
            try:
                int("x")
            except ValueError as error:
                raise Failed("the port") from error
        case "odd":
            raise Odd
        case "surrogate":
            raise ValueError("\ud800")
        case "long":
            raise ValueError("x" * 1_000_000)
        case "group":
            raise ExceptionGroup("several", [ValueError("one"), ValueError("other")])


@tool
def recurse(kind: Literal["caught", "uncaught"]) -> str:
    """Call itself for ever."""

    def down(depth: int) -> int:
        return down(depth + 1)

    if kind == "uncaught":
        down(0)
    try:
        down(0)
    except RecursionError:
        return "caught"
    return "never"


@tool
def recurse_natively(kind: Literal["json", "repr", "sort"]) -> str:
    """Recurse through C code, which may end at the stack of WebAssembly instead of Python's limit."""
    if kind == "json":
        return str(len(json.loads("[" * 100_000 + "]" * 100_000)))
    if kind == "repr":
        nested: list = []
        for _ in range(100_000):
            nested = [nested]
        return repr(nested)[:1]

    def down(depth: int) -> list[int]:
        return sorted([1, 2], key=lambda _: down(depth + 1))

    return str(down(0))


@tool
def spin() -> None:
    """Never end."""
    while True:
        pass


@tool
def sleep(seconds: float) -> float:
    """Wait."""
    begin = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - begin


@tool
def allocate(kind: Literal["once", "slowly", "caught"]) -> str:
    """Take gigabytes."""
    kept = []
    if kind == "once":
        kept.append(bytearray(2_000_000_000))
    try:
        while True:
            kept.append(bytearray(1 << 20))
    except MemoryError:
        if kind != "caught":
            raise
        kept.clear()
        return "caught"


@tool
def leave(how: Literal["sys.exit", "os._exit", "os.abort", "interrupt"]) -> None:
    """End the process instead of returning."""
    match how:
        case "sys.exit":
            sys.exit(3)
        case "os._exit":
            os._exit(3)
        case "os.abort":
            os.abort()
        case "interrupt":
            raise KeyboardInterrupt


@tool
def missing(what: Literal["thread", "subprocess", "socket", "resolve", "module"]) -> None:
    """Use what a component does not have."""
    match what:
        case "thread":
            threading.Thread(target=print).start()
        case "subprocess":
            subprocess.run(["ls"])
        case "socket":
            socket.create_connection(("127.0.0.1", 80))
        case "resolve":
            socket.getaddrinfo("example.com", 80)
        case "module":
            __import__("wave")


@tool
def give(what: Literal["huge", "nan", "surrogate", "object", "bytes"]) -> object:
    """Return what cannot be a result."""
    return {"huge": "x" * 3_000_000, "nan": float("nan"), "surrogate": "\ud800", "object": object(), "bytes": b"x"}[what]


@tool
def talk(ctx: Context) -> None:
    """Write to the log in every way."""
    for level in ("trace", "debug", "info", "warning", "error"):
        ctx.log.write(level, f"ctx {level}")
    ctx.log.progress(1, 2, "half")
    print("printed", end="")
    print(" line")
    print("error line", file=sys.stderr)
    logging.getLogger("guest").info("logged %s", "info")
    logging.getLogger("guest").error("logged error")
    logging.getLogger("guest").debug("not logged")
    print("\ud800 odd")
    print("without an end", end="")


def failing() -> str:
    """A traceback as text."""
    try:
        int("x")
    except ValueError:
        logging.getLogger("guest").exception("caught")
        return traceback.format_exc().splitlines()[-1]
    return ""


@tool
def libraries() -> dict[str, Any]:
    """Use much of the standard library, some of which imports the rest only when it is called."""
    warnings.warn("warned", stacklevel=1)
    uses: dict[str, Any] = {
        "base64": lambda: base64.b64encode(b"x").decode(),
        "codecs": lambda: ["é".encode(name).hex() for name in ("utf-16", "latin-1", "cp1252", "utf-8-sig")],
        "copy": lambda: copy.deepcopy({"a": [1]}),
        "counter": lambda: collections.Counter("aab").most_common(1),
        "csv": lambda: csv.Sniffer().sniff("a;b\n1;2\n").delimiter,
        "date": lambda: datetime.datetime.strptime("2026-03-01", "%Y-%m-%d").strftime("%A %d %B"),
        "decimal": lambda: str(decimal.Decimal("1.10") + 1),
        "fraction": lambda: str(fractions.Fraction("0.25") + 1),
        "hashes": lambda: [hashlib.new(name, b"x").hexdigest()[:8] for name in ("md5", "sha256", "sha3_256", "blake2b")],
        "idna": lambda: "bücher.example".encode("idna").decode(),
        "path": lambda: str(pathlib.PurePath("a/b.txt").with_suffix(".md")),
        "pprint": lambda: pprint.pformat({"a": 1}),
        "quote": lambda: urllib.parse.quote("a b/é"),
        "re": lambda: re.sub(r"(?i)\bA\b", "x", "a b"),
        "sqlite": lambda: sqlite3.connect(":memory:").execute("select 1 + 1").fetchone()[0],
        "statistics": lambda: [statistics.median([1, 2]), statistics.quantiles([1, 2, 3]), statistics.mode("aab")],
        "template": lambda: string.Template("$a").substitute(a=1),
        "textwrap": lambda: textwrap.shorten("one two three", 9),
        "traceback": lambda: failing(),
        "unicode": lambda: unicodedata.normalize("NFKD", "é").encode("ascii", "ignore").decode(),
        "uuid5": lambda: str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.com")),
        "which": lambda: shutil.which("ls"),
        "xml": lambda: xml.etree.ElementTree.fromstring("<a b='c'/>").get("b"),
        "zlib": lambda: zlib.decompress(zlib.compress(b"x")).decode(),
    }
    given, missing = {}, []
    for name, use in uses.items():
        try:
            given[name] = use()
        except Exception as error:
            missing.append(f"{name}: {type(error).__name__}: {error}")
    if missing:
        raise Failed("; ".join(missing))
    return given
