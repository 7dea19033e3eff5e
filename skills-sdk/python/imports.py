"""Finds what a project imports, without running it: what is missing, and what is imported only inside functions."""

from __future__ import annotations

import ast
import pathlib
import sys
from dataclasses import dataclass, field

# Of the standard library, but not of the CPython for WASI that componentize-py 0.25 has: found by importing each.
NOT_IN_WASI = frozenset(
    "_bz2 _ctypes _curses _dbm _gdbm _hashlib _interpchannels _interpqueues _interpreters _lzma _multiprocessing "
    "_posixshmem _posixsubprocess _ssl _tkinter _uuid _winapi _zstd bz2 ctypes curses fcntl grp lzma mmap msvcrt nt pty "
    "pwd readline resource ssl syslog termios tkinter tty turtle winreg winsound".split()
)
# What modules of the standard library import only inside functions, as far as these are used in skills.
LATE = {
    "email": ("email.generator", "email.parser", "email.policy"),
    "email.message": ("email.generator", "email.policy"),
    "fractions": ("decimal",),
    "shelve": ("dbm.dumb",),
    "shutil": ("tarfile", "zipfile"),
    "sqlite3": ("sqlite3.dump",),
    "tarfile": ("gzip",),
    "uuid": ("hashlib",),
    "xml.etree.ElementTree": ("pyexpat",),
}
# Names that the build makes.
BUILT = frozenset({"wit_world", "componentize_py_types", "componentize_py_runtime"})


class ImportProblem(Exception):
    """A module cannot be imported; the text says where."""


@dataclass(frozen=True)
class Import:
    """An import of a file."""

    module: str
    """Its absolute name."""
    names: tuple[str, ...]
    """What is taken from it, which may be modules too."""
    file: pathlib.Path
    line: int
    in_function: bool
    guarded: bool
    """Whether the code goes on without it."""


@dataclass
class Found:
    """What a scan found."""

    lazy: list[str] = field(default_factory=list)
    """Modules that are imported only inside functions, to be imported while building."""
    notes: list[str] = field(default_factory=list)
    """What the author should know."""


class Scan:
    """Follows imports from file to file along a search path."""

    def __init__(self, path: list[pathlib.Path], project: pathlib.Path) -> None:
        self.path = path
        self.project = project
        self.source = path[0]
        self.seen: dict[str, bool] = {}
        self.top_level: set[str] = set()
        self.inside: list[Import] = []
        self.found = Found()

    def follow(self, entry: str) -> Found:
        """Follows all imports from the entry module on. Raises `ImportProblem` for one that cannot work."""
        if (file := self.locate(entry)) is None or not file.is_relative_to(self.source):
            shown = self.shown(self.source / (entry.replace(".", "/") + ".py"))
            raise ImportProblem(f"{shown}: the entry module {entry} is not there")
        self.visit(entry, file)
        inside: list[str] = []
        for one in self.inside:
            self.judge_inside(one, inside)
        reached = self.top_level | set(self.found.lazy)
        for module in sorted(reached & LATE.keys()):
            self.found.lazy += [late for late in LATE[module] if late not in reached]
        if inside:
            self.found.notes.append(f"imported inside functions, and taken in at build time: {', '.join(inside)}")
        return self.found

    def judge_inside(self, one: Import, inside: list[str]) -> None:
        for module in self.modules(one):
            if module in self.top_level or module in self.found.lazy:
                continue
            own = one.file.is_relative_to(self.source)
            if not self.is_there(module):
                if own and not one.guarded:
                    at = f"{self.shown(one.file)}:{one.line}"
                    self.found.notes.append(f"warning: {at}: {module} is missing at run time: {self.why(module)}")
                continue
            self.found.lazy.append(module)
            if own:
                inside.append(f"{module} ({self.shown(one.file)}:{one.line})")

    def visit(self, name: str, file: pathlib.Path) -> None:
        """Reads a module, and those that it imports."""
        if name in self.seen:
            return
        self.seen[name] = True
        try:
            tree = ast.parse(file.read_bytes(), str(file))
        except SyntaxError as error:
            if file.is_relative_to(self.source):
                raise ImportProblem(f"{self.shown(file)}:{error.lineno}: {error.msg}") from error
            return
        reader = _Imports(name, file)
        reader.visit(tree)
        for one in reader.imports:
            self.take(one)

    def take(self, one: Import) -> None:
        if one.module.split(".")[0] in BUILT:
            return
        if one.in_function:
            self.inside.append(one)
        for module in self.modules(one):
            if not one.in_function:
                self.top_level.add(module)
            if (file := self.locate(module)) is not None:
                self.visit_packages(module)
                self.visit(module, file)
            elif not self.is_there(module) and not one.guarded and not one.in_function:
                if one.file.is_relative_to(self.source):
                    at = f"{self.shown(one.file)}:{one.line}"
                    raise ImportProblem(f"{at}: there is no module {module}: {self.why(module)}")

    def visit_packages(self, module: str) -> None:
        parts = module.split(".")
        for count in range(1, len(parts)):
            name = ".".join(parts[:count])
            if (file := self.locate(name)) is not None:
                self.visit(name, file)

    def modules(self, one: Import) -> list[str]:
        """What an import names: the module, and what is taken from it as far as it is a module."""
        inner = [f"{one.module}.{name}" for name in one.names]
        return [one.module, *(name for name in inner if self.locate(name) is not None)]

    def locate(self, module: str) -> pathlib.Path | None:
        """The file of a module along the search path."""
        relative = pathlib.Path(*module.split("."))
        for root in self.path:
            for file in (root / relative / "__init__.py", (root / relative).with_suffix(".py")):
                if file.is_file():
                    return file
        return None

    def is_there(self, module: str) -> bool:
        parts = module.split(".")
        names = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        if names & NOT_IN_WASI:
            return False
        if self.locate(module) is not None or any((root / pathlib.Path(*parts)).is_dir() for root in self.path):
            return True
        return parts[0] in sys.stdlib_module_names

    @staticmethod
    def why(module: str) -> str:
        if module.split(".")[0] in sys.stdlib_module_names:
            return "Python in a component has no such part of the standard library"
        return "add its package to requirements.txt, or correct the name"

    def shown(self, file: pathlib.Path) -> pathlib.Path:
        return file.relative_to(self.project) if file.is_relative_to(self.project) else file


class _Imports(ast.NodeVisitor):
    """The imports of a file."""

    def __init__(self, module: str, file: pathlib.Path) -> None:
        self.package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        self.file = file
        self.imports: list[Import] = []
        self.functions = 0
        self.guards = 0

    def visit_FunctionDef(self, node: ast.AST) -> None:
        self.functions += 1
        self.generic_visit(node)
        self.functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_Try(self, node: ast.Try) -> None:
        guarded = any(_catches_import(handler) for handler in node.handlers)
        self.guards += guarded
        for statement in node.body:
            self.visit(statement)
        self.guards -= guarded
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(part)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        # What stands in for something else is tried as little as that.
        self.guards += 1
        self.generic_visit(node)
        self.guards -= 1

    def visit_If(self, node: ast.If) -> None:
        # `if TYPE_CHECKING:` never runs; what hangs on the platform may not.
        test = ast.unparse(node.test)
        if "TYPE_CHECKING" in test:
            for part in node.orelse:
                self.visit(part)
            return
        self.guards += 1
        self.generic_visit(node)
        self.guards -= 1

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, (), node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self.package.split(".")
            above = parts[: len(parts) - node.level + 1]
            base = ".".join([*above, *filter(None, [node.module])])
        if base and base != "__future__":
            self.add(base, tuple(alias.name for alias in node.names), node.lineno)

    def add(self, module: str, names: tuple[str, ...], line: int) -> None:
        self.imports.append(Import(module, names, self.file, line, self.functions > 0, self.guards > 0))


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(
        isinstance(node, (ast.Name, ast.Attribute))
        and (node.id if isinstance(node, ast.Name) else node.attr)
        in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
        for node in ast.walk(handler.type)
    )
