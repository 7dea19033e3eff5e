"""Puts what componentize-py built into a component that asks for what a skill may have, and offers its tools alone.

CPython's C library imports `wasi:sockets`, which no host of skills has, and componentize-py exports an interface of its
own. So what it built becomes an inner component, beside `toolchain/no_sockets.wasm`, which gives it sockets that refuse
everything. The outer one imports all else under the same types, and exports the tools. The two are neighbours and not
one inside the other, since a component may not call into a part of its own.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

NO_SOCKETS = pathlib.Path(__file__).parent / "toolchain" / "no_sockets.wasm"
INNER_VERSION = "0.2.12"

CORE_MODULE, COMPONENT, INSTANCE, ALIAS, TYPE, IMPORT, EXPORT = 1, 4, 5, 6, 7, 10, 11
SORT_INSTANCE = 0x05
INSTANTIATE = 0x00
EXPORT_OF = 0x00
TOOLS = b"openclaw:skill/tools@1.0.0"


class ComponentError(Exception):
    """The component is not of the form that componentize-py writes."""


class Reader:
    """Reads the numbers and names of a section."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bytes(self) -> bytes:
        length = self.number()
        self.at += length
        return self.data[self.at - length : self.at]


def number(value: int) -> bytes:
    """A number as WebAssembly writes it (LEB128)."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(name: bytes) -> bytes:
    """A name with its length."""
    return number(len(name)) + name


def section(kind: int, body: bytes) -> bytes:
    """A section."""
    return bytes([kind]) + number(len(body)) + body


def sections(component: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of the outermost level."""
    if component[:8] != b"\0asm\x0d\0\x01\0":
        raise ComponentError("this is not a component")
    reader = Reader(component, 8)
    while reader.at < len(component):
        kind = reader.byte()
        yield kind, reader.bytes()


def close(built: bytes) -> bytes:
    """The outer component around what componentize-py built.

    Raises `ComponentError` where that is not of the expected form. The host validates what comes out.
    """
    return built[:8] + b"".join(_Outer(built).sections())


class _Outer:
    """Writes the outer component. It begins as the inner one does, with types, imports, and names for their types;
    there an instance has one number more than before, once there is an instance of the sockets."""

    def __init__(self, built: bytes) -> None:
        self.built = built
        # By the numbers that the inner component has for its imports, their numbers in the outer one.
        self.numbers: list[int] = []
        self.imported: list[tuple[bytes, int]] = []
        self.instances = 0
        self.components = 0
        self.sockets: int | None = None

    def sections(self) -> Iterator[bytes]:
        for kind, body in sections(self.built):
            if kind == TYPE:
                yield section(kind, body)
            elif kind == IMPORT:
                yield self.imports(body)
            elif kind == ALIAS:
                yield self.aliases(body)
            elif kind == CORE_MODULE:
                break
            else:
                raise ComponentError(f"a section {kind} stands between its imports")
        yield section(COMPONENT, self.built)
        arguments = [text(name) + bytes([SORT_INSTANCE]) + number(index) for name, index in self.imported]
        yield self.instantiate(self.next_component(), arguments)
        yield self.alias(self.next_instance(), TOOLS)
        export = b"\0" + text(TOOLS) + bytes([SORT_INSTANCE]) + number(self.next_instance()) + b"\0"
        yield section(EXPORT, number(1) + export)

    def next_instance(self) -> int:
        self.instances += 1
        return self.instances - 1

    def next_component(self) -> int:
        self.components += 1
        return self.components - 1

    def imports(self, body: bytes) -> bytes:
        reader = Reader(body)
        out = b""
        for _ in range(reader.number()):
            start = reader.at
            reader.byte()
            name = reader.bytes()
            if reader.byte() != SORT_INSTANCE:
                raise ComponentError(f"the import {name.decode()} is not an interface")
            reader.number()
            if name.startswith(b"wasi:sockets/"):
                out += self.refused(name)
            else:
                out += section(IMPORT, number(1) + body[start : reader.at])
            self.numbers.append(self.next_instance())
            self.imported.append((name, self.numbers[-1]))
        return out

    def refused(self, name: bytes) -> bytes:
        """An interface of the sockets that refuse everything, in the place of an import."""
        out = b""
        if self.sockets is None:
            inner = NO_SOCKETS.read_bytes()
            out = section(COMPONENT, inner) + self.instantiate(self.next_component(), self.arguments_of(inner))
            self.sockets = self.next_instance()
        inside = name.split(b"@")[0] + b"@" + INNER_VERSION.encode()
        return out + self.alias(self.sockets, inside)

    def arguments_of(self, inner: bytes) -> list[bytes]:
        """What a component imports, out of what there is already, whatever its version of WASI 0.2."""
        there = {name.split(b"@")[0]: index for name, index in self.imported}
        arguments = []
        for kind, body in sections(inner):
            reader = Reader(body)
            for _ in range(reader.number() if kind == IMPORT else 0):
                reader.byte()
                name = reader.bytes()
                reader.byte(), reader.number()
                if (index := there.get(name.split(b"@")[0])) is None:
                    raise ComponentError(f"the component does not import {name.decode()} before its sockets")
                arguments.append(text(name) + bytes([SORT_INSTANCE]) + number(index))
        return arguments

    @staticmethod
    def instantiate(component: int, arguments: list[bytes]) -> bytes:
        made = bytes([INSTANTIATE]) + number(component) + number(len(arguments)) + b"".join(arguments)
        return section(INSTANCE, number(1) + made)

    @staticmethod
    def alias(instance: int, name: bytes) -> bytes:
        """An interface that an instance exports."""
        return section(ALIAS, number(1) + bytes([SORT_INSTANCE, EXPORT_OF]) + number(instance) + text(name))

    def aliases(self, body: bytes) -> bytes:
        """Names for what imports export, such as the types that later imports use."""
        reader = Reader(body)
        count = reader.number()
        out = number(count)
        for _ in range(count):
            sort, target = reader.byte(), reader.byte()
            if target != EXPORT_OF or sort == 0:
                raise ComponentError("there is an alias of another kind between its imports")
            out += bytes([sort, target]) + number(self.numbers[reader.number()]) + text(reader.bytes())
        return section(ALIAS, out)
