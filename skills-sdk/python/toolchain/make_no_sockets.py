"""Makes `no_sockets.wasm`, which takes the place of `wasi:sockets` in a Python component.

CPython's C library imports sockets, whatever the code does, and the host of skills has none. This component exports
the same interfaces, and refuses what begins anything: creating a socket and looking up a name are answered with
`access-denied`, which Python raises as `PermissionError`. Nobody ever holds a socket, so all else is unreachable.

    python make_no_sockets.py ../../../wit/deps no_sockets.wasm     (needs `wasm-tools` 1.262 on the PATH)
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

INTERFACES = ("network", "instance-network", "udp", "udp-create-socket", "tcp", "tcp-create-socket", "ip-name-lookup")

# `result::err(error-code::access-denied)`: a tag, and at the payload's place the second case of the enum.
REFUSAL = r'(data (i32.const 16) "\01\00\00\00\01\00\00\00")'
REFUSED = ("create-udp-socket", "create-tcp-socket", "resolve-addresses")


def main(deps: str, out: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        shutil.copytree(deps, directory / "wit/deps")
        # A duration is a number, for which the clock need not be there yet where sockets are imported.
        sockets = directory / "wit/deps/sockets.wit"
        use = "use wasi:clocks/monotonic-clock@0.2.12.{duration};"
        sockets.write_text(sockets.read_text().replace(use, "type duration = u64;"))
        exports = "".join(f"    export wasi:sockets/{interface}@0.2.12;\n" for interface in INTERFACES)
        world = f"package openclaw:no-sockets;\n\nworld no-sockets {{\n{exports}}}\n"
        (directory / "wit/world.wit").write_text(world)
        dummy = run("component", "embed", "--dummy", str(directory / "wit"), "-w", "no-sockets", "-t")
        (directory / "module.wat").write_text(module(dummy))
        run("component", "new", str(directory / "module.wat"), "-o", out)
        run("strip", "-a", out, "-o", out)


def module(dummy: str) -> str:
    """The module of unreachable functions that wasm-tools writes, with bodies where something can be called."""
    body = {name: "i32.const 16" for name in REFUSED}
    # Where the name that is looked up is put: nobody reads it, so each may lie over the one before.
    body["realloc"] = "i32.const 1024"
    body["instance-network"] = "i32.const 0 call $network_new"
    index = {}
    lines = []
    for line in dummy.splitlines():
        if line.lstrip().startswith("(import") and '"network_new"' not in line:
            continue
        if re.search(r'_(post|dtor)" \(func', line):
            continue
        export = re.search(r'\(export "cm32p2[|_](?:[^"]*\|)?([^"|]+)" \(func (\d+)\)\)', line)
        if export and export[1] in body:
            index[export[2]] = body[export[1]]
        lines.append(line)
    return named(lines, index)


def named(lines: list[str], bodies: dict[str, str]) -> str:
    """Gives each function a name in place of its number, since most imports are gone, and bodies to some."""
    out = []
    current = None
    for line in lines:
        if '"network_new"' in line:
            line = re.sub(r"\(func \(;\d+;\)", "(func $network_new", line)
        line = re.sub(r"\(func \(;(\d+);\)", r"(func $f\1", line)
        line = re.sub(r"\(func (\d+)\)", r"(func $f\1)", line)
        line = line.replace("(memory (;0;) 0)", f"(memory (;0;) 2) {REFUSAL}")
        if found := re.match(r"\s*\(func \$f(\d+)", line):
            current = found[1]
        if line.strip() == "unreachable" and current in bodies:
            line = f"    {bodies[current]}"
        out.append(line)
    return "\n".join(out)


def run(*arguments: str) -> str:
    return subprocess.run(["wasm-tools", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
