"""What mybinder.org reads: the same packages as everywhere, and a Python that repo2docker does not have to guess."""

import os
import re
import subprocess

from tools import PROJECT, ROOT

BINDER = ROOT / ".binder"


def packages(path):
    return re.findall(r"^  - ([a-z0-9-]+)([>=][\d.=]+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_binder_has_the_packages_of_the_notebooks_and_no_cuda():
    everywhere, here = dict(packages(ROOT / "environment.yml")), dict(packages(BINDER / "environment.yml"))
    for_tests = {re.split(">=", line)[0] for line in PROJECT["optional-dependencies"]["dev"]} - {"setuptools"}
    expected = {name: version for name, version in everywhere.items() if name not in for_tests}
    expected["pytorch-cpu"] = expected.pop("pytorch")
    version = expected.pop("python"), here.pop("python")
    assert here == expected
    assert re.fullmatch(r"=3\.\d+", version[1]), "repo2docker knows only python=3.x, and takes 3.10 otherwise"
    lowest, ours = (tuple(map(int, re.findall(r"\d+", text))) for text in version)
    assert ours >= lowest


def test_binder_installs_the_workshop_with_what_is_there():
    script = BINDER / "postBuild"
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "\r" not in text
    mode = subprocess.run(["git", "ls-files", "-s", script], cwd=ROOT, capture_output=True, text=True).stdout
    assert mode.startswith("100755") or (not mode and (os.name == "nt" or os.access(script, os.X_OK)))
    (line,) = re.findall(r"^python -m pip install (.*)$", text, flags=re.MULTILINE)
    assert line.split() == ["--no-deps", "--no-build-isolation", "-e", "."]
