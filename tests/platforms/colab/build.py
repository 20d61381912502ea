"""Build .colab-venv, an environment with Colab's versions: python tests/platforms/colab/build.py (a minute, once)."""

import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PINS = Path(__file__).with_name("pins.txt")
VENV = ROOT / ".colab-venv"
PYTHON = VENV / "bin" / "python"
WHEELS = VENV / "wheels"  # what pip needs to build the workshop's package without a network
STAMP = VENV / "built-for"
SHARED = ("torch", "torchvision")
BUILDS = ("setuptools>=77",)  # as [build-system] in pyproject.toml says
LEFT_OUT = ("jedi",)  # ipython asks for it, Colab removes it, and so pip brings it with the workshop's package


def wanted():
    """Name all that the environment depends on: another name means that it must be built again."""
    versions = [metadata.version(name) for name in SHARED]
    parts = [PINS.read_text(encoding="utf-8"), Path(__file__).read_text(encoding="utf-8"), sys.version, sys.prefix]
    return hashlib.sha256("\n".join(parts + versions).encode()).hexdigest()


def is_built():
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted()


def share(site_packages, names):
    """Link the installed packages `names`, and what they need and the pins do not bring, into the environment."""
    there_already = {canonicalize_name(found.name) for found in metadata.distributions(path=[str(site_packages)])}
    todo, done = [Requirement(name) for name in names], set()
    while todo:
        need = todo.pop()
        if canonicalize_name(need.name) in there_already or (need.name, *need.extras) in done:
            continue
        done.add((need.name, *need.extras))
        there = metadata.distribution(need.name)
        for top in {file.parts[0] for file in there.files} - {"..", "__pycache__"}:
            if not (site_packages / top).exists():
                (site_packages / top).symlink_to(there.locate_file(top))
        needs = [Requirement(line) for line in there.requires or []]
        extras = ["", *need.extras]
        todo += [n for n in needs if not n.marker or any(n.marker.evaluate({"extra": extra}) for extra in extras)]


def build():
    if is_built():
        return
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "setuptools"], check=True)  # Python 3.11 brings an old one
    subprocess.run([*pip, "install", "--quiet", "-r", PINS], check=True)
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", *LEFT_OUT], check=True)
    subprocess.run([*pip, "download", "--quiet", "--dest", WHEELS, *BUILDS, *LEFT_OUT], check=True)
    (site_packages,) = VENV.glob("lib/python*/site-packages")
    share(site_packages, SHARED)
    STAMP.write_text(wanted(), encoding="utf-8")


if __name__ == "__main__":
    build()
    print(f"Colab's versions are in {VENV}")
