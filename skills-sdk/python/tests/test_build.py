"""The build, as far as it needs no toolchain: what is refused before it, and how faults are told."""

import pathlib

import pytest

import build
import component
import imports


def project(directory: pathlib.Path, **files: str) -> pathlib.Path:
    for name, text in files.items():
        file = directory / "src" / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return directory


def scan(directory: pathlib.Path, entry: str = "skill") -> imports.Found:
    packages = directory / "packages"
    return imports.Scan([directory / "src", packages], directory).follow(entry)


def test_a_module_that_is_not_there_is_named_with_its_place(tmp_path):
    project(tmp_path, skill="import json\nfrom helpers import far\n", helpers__init="", helpers__far="import requestz\n")
    (tmp_path / "src/helpers/init.py").rename(tmp_path / "src/helpers/__init__.py")
    with pytest.raises(imports.ImportProblem, match=r"src/helpers/far.py:1: there is no module requestz: add its package"):
        scan(tmp_path)


def test_a_part_of_the_standard_library_that_is_not_in_a_component_is_named(tmp_path):
    with pytest.raises(imports.ImportProblem, match=r"src/skill.py:2: there is no module ssl: Python in a component"):
        scan(project(tmp_path, skill="\nimport ssl\n"))


def test_a_fault_of_syntax_has_its_place(tmp_path):
    with pytest.raises(imports.ImportProblem, match=r"src/skill.py:2: "):
        scan(project(tmp_path, skill="x = 1\ndef f(:\n"))


def test_an_entry_that_is_not_there_is_named(tmp_path):
    with pytest.raises(imports.ImportProblem, match=r"src/other.py: the entry module other is not there"):
        scan(project(tmp_path, skill=""), "other")


def test_what_the_code_does_without_is_no_fault(tmp_path):
    text = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import nothing_at_all
try:
    import orjson
except ImportError:
    orjson = None
"""
    assert scan(project(tmp_path, skill=text)).notes == []


def test_modules_of_functions_are_taken_in_and_those_that_are_missing_are_named(tmp_path):
    text = """
import json

def f():
    import json
    import wave
    import helper
    import nothing_here
    import bz2
"""
    found = scan(project(tmp_path, skill=text, helper="def g():\n    import colorsys\n"))
    assert found.lazy == ["wave", "helper", "colorsys"]
    assert any("src/skill.py:8: nothing_here is missing at run time" in note for note in found.notes)
    assert any("src/skill.py:9: bz2 is missing at run time: Python in a component" in note for note in found.notes)
    assert any("wave (src/skill.py:6)" in note for note in found.notes)


def test_what_the_standard_library_imports_late_is_taken_in(tmp_path):
    assert scan(project(tmp_path, skill="import fractions\n")).lazy == ["decimal"]
    assert scan(project(tmp_path, skill="import xml.etree.ElementTree\n")).lazy == ["pyexpat"]


def test_functions_of_packages_are_looked_through_in_silence(tmp_path):
    package = tmp_path / "packages/pack"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .inner import f\n")
    (package / "inner.py").write_text("def f():\n    from . import late\n    import gone\n")
    (package / "late.py").write_text("")
    found = scan(project(tmp_path, skill="import pack\n"))
    assert "pack.late" in found.lazy
    assert found.notes == []


@pytest.mark.parametrize("name", ["x.cpython-314-x86_64-linux-gnu.so", "x.pyd", "lib.so.1"])
def test_native_code_of_the_skill_is_refused(tmp_path, name):
    project(tmp_path, skill="")
    (tmp_path / "src" / name).touch()
    with pytest.raises(build.BuildError, match=f"src/{name}: this is native code"):
        build.refuse_vendored(tmp_path, tmp_path / "src")


def test_native_wheels_are_refused_and_pure_ones_are_not(tmp_path):
    project(tmp_path, skill="")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/a-1.0-py3-none-any.whl").touch()
    build.refuse_vendored(tmp_path, tmp_path / "src")
    (tmp_path / "vendor/b-1.0-cp314-cp314-manylinux_2_28_x86_64.whl").touch()
    with pytest.raises(build.BuildError, match="this wheel is native"):
        build.refuse_vendored(tmp_path, tmp_path / "src")


def distribution(packages: pathlib.Path, name: str, *files: str) -> None:
    for file in files:
        (packages / file).parent.mkdir(parents=True, exist_ok=True)
        (packages / file).touch()
    information = packages / f"{name}.dist-info"
    information.mkdir(parents=True)
    (information / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))


def test_packages_with_native_code_are_refused_by_name(tmp_path):
    distribution(tmp_path, "pure-1.0", "pure/__init__.py")
    distribution(tmp_path, "pydantic_core-2.41.5", "pydantic_core/_core.cpython-314-x86_64-linux-gnu.so")
    with pytest.raises(build.BuildError, match=r"requirements.txt: native code .* pydantic_core 2.41.5 \(pydantic_core/"):
        build.refuse_native(pathlib.Path("requirements.txt"), tmp_path)


def test_accelerators_are_taken_out(tmp_path):
    distribution(tmp_path, "markupsafe-3.0", "markupsafe/__init__.py", "markupsafe/_speedups.cpython-314.so")
    build.refuse_native(pathlib.Path("requirements.txt"), tmp_path)
    assert not list(tmp_path.rglob("*.so"))
    assert (tmp_path / "markupsafe/__init__.py").exists()


def test_requirements_are_read_without_comments_and_without_the_sdk(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# a\nattrs==25.1.0 \\\n  --hash=sha256:00\nopenclaw-skill==0.1\n\nyarl  # b\n")
    assert build.requirements(file) == ["attrs==25.1.0 --hash=sha256:00", "yarl"]
    assert build.requirements(tmp_path / "nothing.txt") == []


def test_the_entry_is_named_like_the_skill_or_skill(tmp_path):
    project(tmp_path, csv_stats="")
    assert build.default_entry(tmp_path / "src", "acme/csv-stats") == "csv_stats"
    assert build.default_entry(tmp_path / "src", "acme/other") == "skill"


TRACEBACK = '''AssertionError: Traceback (most recent call last):
  File "/0/openclaw_entry.py", line 6, in <module>
    import skill
  File "/1/skill.py", line 3, in <module>
    CONF = json.loads("{")
           ~~~~~~~~~~^^^^^
  File "/python/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting property name: line 1 column 2 (char 1)

Caused by:
    0: wasm trap
'''


def test_an_exception_while_building_is_told_with_its_place(tmp_path):
    path = [tmp_path / "entry", tmp_path / "src", build.SDK]
    told = build.explain(TRACEBACK, path, tmp_path)
    assert told == "src/skill.py:3: json.decoder.JSONDecodeError: Expecting property name: line 1 column 2 (char 1)"
    last = "openclaw_skill.errors.DefinitionError: /1/skill.py:2: the tool `greet`: it has no docstring"
    refused = TRACEBACK.replace("json.decoder.JSONDecodeError: Expecting property name: line 1 column 2 (char 1)", last)
    assert build.explain(refused, path, tmp_path) == "src/skill.py:2: the tool `greet`: it has no docstring"
    assert build.explain("odd", path, tmp_path) == "componentize-py failed:\nodd"


def test_what_is_no_component_is_refused():
    with pytest.raises(component.ComponentError, match="not a component"):
        component.close(b"\0asm\1\0\0\0")


def test_the_world_names_the_skill(tmp_path):
    (tmp_path / "world.wit").write_text("package acme:hello;\n\nworld hello {\n}\n")
    assert build.skill_name(tmp_path) == "acme/hello"
    with pytest.raises(build.BuildError, match="no package"):
        build.skill_name(tmp_path / "nothing")


def test_numbers_are_written_as_webassembly_has_them():
    for value in (0, 127, 128, 624485):
        assert component.Reader(component.number(value)).number() == value


@pytest.mark.parametrize(
    "line",
    ["./evil", "-e .", "-r more.txt", "--no-binary idna", "--index-url https://h/", "git+https://h/x", "x @ https://h/x.tar.gz", "x==1 --global-option=y"],
)
def test_what_could_have_pip_run_code_is_refused_with_its_line(tmp_path, line):
    file = tmp_path / "requirements.txt"
    file.write_text(f"idna==3.10\n# a comment\n{line}\n")
    with pytest.raises(build.BuildError, match=r"requirements\.txt:3: "):
        build.requirements(file)
