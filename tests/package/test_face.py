"""The face of the package: what notebooks and slides import from it is there, and importing it is quick."""

import ast
import re
import subprocess
import sys

import pytest

import gans_workshop
from tools import NOTEBOOKS, ROOT, code_cells, read, without_magics


def imported_names(source):
    """The names that a page takes from the package itself."""
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports if node.module == "gans_workshop" for alias in node.names}


def pages():
    """The code of each notebook, and that on the slides."""
    found = {path.stem: "\n".join(without_magics(c.source) for c in code_cells(read(path))) for path in NOTEBOOKS}
    deck = (ROOT / "presentation" / "gans-with-python.md").read_text(encoding="utf-8")
    found["slides"] = "\n".join(re.findall(r"```python\n(.*?)```", deck, re.DOTALL))
    return found


@pytest.mark.parametrize("page", pages())
def test_what_a_page_imports_is_there(page):
    assert {name for name in imported_names(pages()[page]) if not hasattr(gans_workshop, name)} == set()


def test_pages_import_from_the_face_only():
    inside = {page: re.findall(r"(?:from|import) gans_workshop\.[\w.]+", source) for page, source in pages().items()}
    assert {page: found for page, found in inside.items() if found} == {}


def test_imports_are_read_in_every_spelling():
    source = "from gans_workshop import a, b as c\ndef f():\n    from gans_workshop import d\nfrom torch import nn"
    assert imported_names(source) == {"a", "b", "d"}


def test_the_package_imports_quickly():
    """No timing: the slow libraries are just not there after the import."""
    program = "import sys, gans_workshop; print([name for name in sys.argv[1:] if name in sys.modules])"
    slow = ["matplotlib", "ipywidgets", "torchvision"]
    loaded = subprocess.check_output([sys.executable, "-c", program, *slow], cwd=ROOT, text=True)
    assert loaded.strip() == "[]"
