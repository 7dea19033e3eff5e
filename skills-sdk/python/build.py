"""Builds a skill in Python: installs what it needs, checks what it imports, and makes a component of it.

    python build.py --project DIR [--entry MODULE] --wit DIR --world NAME --toolchain DIR --out FILE

Runs with the toolchain's own Python (`TOOLCHAIN/bin/python`). What it does is told on standard error; an error is plain
text with the file and the line, and ends it with code 1. The component holds only what was imported while it was built.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import component
import imports

HERE = pathlib.Path(__file__).resolve().parent
SDK = HERE / "src"
# The Python inside the component: wheels are chosen for it, not for the one that runs this.
GUEST_PYTHON = "3.14"
GUEST_ABI = "cp314"
# Packages whose native part is an accelerator that they do without.
ACCELERATED = {"markupsafe", "pyyaml"}
# A requirement: a name, extras, versions, a marker, hashes.
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+"
REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:\[[\w\s,.-]*\])?\s*"
    rf"(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?\s*(?:;[^;@:/]*?)?(?:\s+--hash[= ]sha256:[0-9a-f]+)*"
)
NATIVE_SUFFIXES = (".so", ".pyd", ".dylib", ".dll")
ENTRY = "openclaw_entry"
# Modules that the standard library imports only when they are used: codecs by their names, `heapq` by `Counter`, `tokenize`
# by whoever writes a traceback.
PRELOADED = (
    "encodings.ascii encodings.cp1252 encodings.idna encodings.latin_1 encodings.punycode encodings.utf_16 "
    "encodings.utf_16_be encodings.utf_16_le encodings.utf_8_sig _strptime copy heapq linecache tokenize traceback "
    "unicodedata warnings"
).split()


class BuildError(Exception):
    """Why there is no component, in words for the author."""


def main() -> int:
    arguments = parse_arguments()
    try:
        build(arguments)
    except (BuildError, imports.ImportProblem, component.ComponentError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=pathlib.Path, required=True, help="the directory of the skill")
    parser.add_argument("--entry", help="the module with its tools; by default the skill's name with _, or `skill`")
    parser.add_argument("--skill", help="publisher/name; where it is left out, the package of the world")
    parser.add_argument("--wit", type=pathlib.Path, required=True, help="the directory with the skill's world")
    parser.add_argument("--world", required=True, help="the name of that world")
    parser.add_argument("--toolchain", type=pathlib.Path, required=True, help="the venv made from requirements.txt")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the component that is written")
    return parser.parse_args()


def build(arguments: argparse.Namespace) -> None:
    project = arguments.project.resolve()
    source = project / "src" if (project / "src").is_dir() else project
    name = arguments.skill or skill_name(arguments.wit)
    entry = arguments.entry or default_entry(source, name)
    work = project / "target" / "openclaw-python"
    work.mkdir(parents=True, exist_ok=True)
    refuse_vendored(project, source)
    packages = install(project, work, arguments.toolchain)
    found = imports.Scan([source, SDK, packages], project).follow(entry)
    for line in found.notes:
        say(line)
    write_entry(work / "entry", entry, name, found.lazy)
    path = [work / "entry", source, SDK, packages]
    started = time.monotonic()
    say("building the component (about ten seconds)")
    raw = componentize(arguments, work, path)
    closed = component.close(raw)
    write(arguments.out, closed)
    say(f"built {len(closed) / (1 << 20):.1f} MiB in {time.monotonic() - started:.1f} s")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def skill_name(wit: pathlib.Path) -> str:
    """`publisher/skill`, from the package of the world."""
    for file in sorted(wit.glob("*.wit")):
        if found := re.search(r"^package\s+([\w-]+):([\w-]+)", file.read_text(), re.MULTILINE):
            return f"{found[1]}/{found[2]}"
    raise BuildError(f"{wit}: no package is declared there")


def default_entry(source: pathlib.Path, name: str) -> str:
    """The module that is named like the skill, where there is one; else `skill`."""
    module = name.partition("/")[2].replace("-", "_")
    is_there = (source / f"{module}.py").is_file() or (source / module / "__init__.py").is_file()
    return module if is_there else "skill"


def refuse_vendored(project: pathlib.Path, source: pathlib.Path) -> None:
    """Refuses native code among the skill's own files."""
    for file in sorted(source.rglob("*")):
        parts = file.relative_to(source).parts
        if parts[0] in ("target", "tests", ".venv", "venv") or not is_native(file):
            continue
        place = file.relative_to(project)
        raise BuildError(f"{place}: this is native code, which a component cannot run; use a package in pure Python")
    for wheel in sorted(project.glob("*/*.whl")):
        if (abi := wheel_abi(wheel.name)) != "none":
            raise BuildError(f"{wheel.relative_to(project)}: this wheel is native ({abi}); use one in pure Python")


def is_native(file: pathlib.Path) -> bool:
    return file.name.endswith(NATIVE_SUFFIXES) or ".so." in file.name


def wheel_abi(name: str) -> str:
    """The tags of a wheel's name that say what it runs on: `none` where it is pure."""
    tags = name.removesuffix(".whl").split("-")[-3:]
    return "none" if tags[-2:] == ["none", "any"] else "-".join(tags)


def install(project: pathlib.Path, work: pathlib.Path, toolchain: pathlib.Path) -> pathlib.Path:
    """Installs the project's requirements below `target/`, once for each text of the file."""
    packages = work / "packages"
    file = project / "requirements.txt"
    wanted = requirements(file)
    mark = work / "packages.sha256"
    digest = hashlib.sha256("\n".join([GUEST_PYTHON, *wanted]).encode()).hexdigest()
    if packages.is_dir() and mark.is_file() and mark.read_text() == digest:
        return packages
    mark.unlink(missing_ok=True)
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir(parents=True)
    if wanted:
        say(f"installing {len(wanted)} requirement(s) of requirements.txt")
        pip_install(toolchain, wanted, work, packages)
        refuse_native(file.relative_to(project), packages)
    mark.write_text(digest)
    return packages


def requirements(file: pathlib.Path) -> list[str]:
    """The requirements of requirements.txt, without the SDK, which comes with openclaw.

    Nothing but names, versions, markers and hashes: an option, a path or an address could have pip run code of a package.
    """
    if not file.is_file():
        return []
    wanted = []
    # A line that goes on keeps its number.
    text = re.sub(r"\\\n", lambda _: "\0", file.read_text())
    number = 1
    for line in text.split("\n"):
        requirement = " ".join(re.sub(r"(^|\s)#.*", "", line.replace("\0", " ")).split())
        if requirement and not REQUIREMENT.fullmatch(requirement):
            raise BuildError(
                f"{file.name}:{number}: {requirement!r} is no package with a version; options, paths and addresses are not taken: "
                "write name==version"
            )
        if requirement and not re.match(r"openclaw[-_.]skill\b", requirement, re.IGNORECASE):
            wanted.append(requirement)
        number += 1 + line.count("\0")
    return wanted


def pip_install(toolchain: pathlib.Path, wanted: list[str], work: pathlib.Path, packages: pathlib.Path) -> None:
    file = work / "requirements.txt"
    file.write_text("\n".join(wanted) + "\n")
    # Wheels only: to build a source distribution would run its code on this machine, outside any sandbox.
    common = [
        "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:",
        "--python-version", GUEST_PYTHON, "--target", str(packages), "-r", str(file),
    ]  # fmt: skip
    pure = run_python(toolchain, [*common, "--platform", "any"])
    if pure.returncode == 0:
        return
    shutil.rmtree(packages)
    packages.mkdir()
    native = [f"--platform={name}" for name in ("any", "manylinux2014_x86_64", "manylinux_2_28_x86_64")]
    either = run_python(toolchain, [*common, "--implementation", "cp", *native])
    if either.returncode != 0:
        told = "\n".join(line for line in either.stderr.splitlines() if line.startswith("ERROR:"))
        raise BuildError(f"requirements.txt: pip cannot install it as wheels:\n{told or either.stderr.strip()}")


def run_python(toolchain: pathlib.Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    # Isolated: no module of the directory that this was called in is taken for one of Python's own.
    program = [str(toolchain / "bin" / "python"), "-I", *arguments]
    return subprocess.run(program, capture_output=True, text=True)


def refuse_native(file: pathlib.Path, packages: pathlib.Path) -> None:
    """Refuses packages with native code by name, and takes it out of those that do without."""
    refused = []
    for information in sorted(packages.glob("*.dist-info")):
        name, _, version = information.name.removesuffix(".dist-info").rpartition("-")
        record = information / "RECORD"
        names = [line.split(",")[0] for line in record.read_text().splitlines()] if record.is_file() else []
        native = [packages / entry for entry in names if is_native(packages / entry)]
        if not native:
            continue
        if re.sub(r"[-_.]+", "-", name).lower() in ACCELERATED:
            for one in native:
                one.unlink(missing_ok=True)
        else:
            refused.append(f"{name} {version} ({native[0].relative_to(packages)})")
    refused += [str(one.relative_to(packages)) for one in packages.rglob("*") if is_native(one) and not refused]
    if refused:
        raise BuildError(
            f"{file}: native code cannot run in a component, and these have some: {', '.join(refused)}; "
            "use packages in pure Python, or versions without it"
        )


def write_entry(directory: pathlib.Path, entry: str, name: str, lazy: list[str]) -> None:
    """Writes the module that componentize-py begins with. All that it imports is in the component, and nothing else."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    modules = "\n".join(f"    {module!r}," for module in [*PRELOADED, *lazy])
    write(
        directory / f"{ENTRY}.py",
        f'''"""What the component begins with; written by build.py."""

import contextlib
import gc
import importlib
import sys

# What is compiled here is of no use to anybody else, and the sources may be read-only.
sys.dont_write_bytecode = True

import {entry}
from openclaw_skill import _component, _tool

for module in (
{modules}
):
    # What is not there is missing when it is used as well.
    with contextlib.suppress(Exception):
        importlib.import_module(module)

Tools = _component.install(_tool.skill_of(importlib.import_module({entry!r})), {name!r})

# What is here stays: a collector that looked through it in each call would copy all its pages.
gc.collect()
gc.freeze()
'''.encode(),
    )


def componentize(arguments: argparse.Namespace, work: pathlib.Path, path: list[pathlib.Path]) -> bytes:
    """Runs componentize-py, and returns what it wrote."""
    # Its script names the directory that it was installed in, and a toolchain is moved to its place afterwards.
    program = [str(arguments.toolchain / "bin" / "python"), "-I", "-c", "from componentize_py import script; script()"]
    with tempfile.TemporaryDirectory(dir=work) as directory:
        # Without a site of its own it would take in the packages of the toolchain.
        site = pathlib.Path(directory) / "venv" / "lib" / "python3" / "site-packages"
        site.mkdir(parents=True)
        out = pathlib.Path(directory) / "component.wasm"
        command = [*program, "-q", "-d", str(arguments.wit), "-w", arguments.world, "componentize", ENTRY]
        for one in path:
            command += ["-p", str(one)]
        environment = {**os.environ, "VIRTUAL_ENV": str(site.parents[2]), "PYTHONPATH": ""}
        ran = subprocess.run([*command, "-o", str(out)], capture_output=True, text=True, env=environment, cwd=directory)
        if ran.returncode != 0 or not out.is_file():
            raise BuildError(explain(ran.stderr or ran.stdout, path, arguments.project))
        return out.read_bytes()


def explain(output: str, path: list[pathlib.Path], project: pathlib.Path) -> str:
    """What an exception while the module was imported says, with the place in the author's code."""
    frames = re.findall(r'File "/(\d+)/([^"]+)", line (\d+)', output)
    places = []
    for number, file, line in frames:
        root = path[int(number)] if int(number) < len(path) else None
        if root is not None and root != path[0] and root != SDK:
            full = root / file
            shown = full.relative_to(project.resolve()) if full.is_relative_to(project.resolve()) else full
            places.append(f"{shown}:{line}")
    if (message := last_exception(output)) is None:
        return f"componentize-py failed:\n{output.strip()[-4000:]}"
    message = re.sub(r'/(\d+)/([^\s":]+\.py)', lambda at: translated(at, path, project), message)
    message = message.removeprefix("openclaw_skill.errors.DefinitionError: ")
    return f"{places[-1]}: {message}" if places and not message.startswith("src/") else message


def last_exception(output: str) -> str | None:
    """The innermost exception of a traceback: the last line that begins with the name of one, and what follows it."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"(\w+\.)*\w*(Error|Exception|Exit)\b(:|$)", line)]
    starts = [number for number in starts if not lines[number].startswith(("Error:", "AssertionError: Traceback"))]
    if not starts:
        return None
    told = [lines[starts[-1]]]
    for line in lines[starts[-1] + 1 :]:
        if not line.strip() or line.startswith(("Caused by", "Stack backtrace", "Error:")):
            break
        told.append(line)
    return "\n".join(told)


def translated(at: re.Match[str], path: list[pathlib.Path], project: pathlib.Path) -> str:
    """A path inside the build as one of the project."""
    if int(at[1]) >= len(path):
        return at[0]
    full = path[int(at[1])] / at[2]
    return str(full.relative_to(project.resolve()) if full.is_relative_to(project.resolve()) else full)


def write(file: pathlib.Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(file)


if __name__ == "__main__":
    sys.exit(main())
