"""The code of the README, run as it stands there."""

import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).parents[1] / "README.md"
SDK = README.parent / "src"


def test_the_skill_of_the_readme_passes_its_own_tests(tmp_path):
    skill, tests = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "journal.py").write_text(skill)
    (tmp_path / "test_journal.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(command, env={"PYTHONPATH": f"{SDK}:{tmp_path}"}, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_the_template_passes_its_own_tests(tmp_path):
    template = README.parent / "template"
    values = {"name": "git-helper", "publisher": "acme", "title": "Git helper"}
    for file in filter(pathlib.Path.is_file, template.rglob("*")):
        text = file.read_text()
        for name, value in values.items():
            text = text.replace("{{%s}}" % name, value)
        assert "{{" not in text, file
        made = tmp_path / file.relative_to(template)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, env={"PYTHONPATH": str(SDK)}, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout
