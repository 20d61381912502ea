"""Notebook 02 shows its own lines and the package's as they are, and its last page runs by itself."""

import ast
import inspect
import re

import matplotlib.pyplot as plt
import pytest
import torch

from gans_workshop import discriminator_step
from tools import code_cells, notebook, read


@pytest.fixture(scope="module")
def book():
    return read(notebook("02"))


@pytest.fixture(scope="module")
def difference(book):
    """The cell that shows both functions: (the lines of the block, the text after it)."""
    (cell,) = [cell for cell in book.cells if cell.id == "s6-difference"]
    _, block, reasons = re.split(r"^```(?:diff)?\n", cell.source, flags=re.MULTILINE)
    return block.splitlines(), reasons


def function_lines(text, name):
    """The lines of a function as they are written, without its docstring and without empty lines."""
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
    docstring = function.body[0] if ast.get_docstring(function) else None
    left_out = range(docstring.lineno, docstring.end_lineno + 1) if docstring else ()
    lines = enumerate(text.splitlines(), start=1)
    wanted = [line for i, line in lines if function.lineno <= i <= function.end_lineno and i not in left_out]
    return [line for line in wanted if line.strip()]


def test_the_difference_shows_both_functions_as_they_are(book, difference):
    lines, _ = difference
    assert {line[0] for line in lines} == set("-+ ")
    yours = [line[1:] for line in lines if line[0] in "- "]
    packaged = [line[1:] for line in lines if line[0] in "+ "]
    (passes,) = [cell for cell in book.cells if cell.id == "passes"]
    assert yours == function_lines(passes.source, "update_d")
    assert packaged == function_lines(inspect.getsource(discriminator_step), "discriminator_step")
    assert set(yours) & set(packaged) == {line[1:] for line in lines if line[0] == " "}, "the same line is shown once"


def test_each_reason_names_what_is_new(difference):
    lines, reasons = difference
    new = "\n".join(line for line in lines if line[0] == "+")
    named = re.findall(r"^- `(\w+)`: \w", reasons, flags=re.MULTILINE)
    assert named and [name for name in named if not re.search(rf"\b{name}\b", new)] == []


def test_the_whole_gan_on_one_page_runs_without_the_package(book):
    page = "\n".join(cell.source for cell in code_cells(book) if cell.id.startswith("page-"))
    assert len(page.splitlines()) == 60  # as the page says
    assert set(re.findall(r"^(?:import|from) (\w+)", page, flags=re.MULTILINE)) == {"matplotlib", "torch"}
    names = {"digits": torch.randint(256, (70, 1, 28, 28), dtype=torch.uint8), "ONE_PAGE_STEPS": 2}
    try:
        exec(page, names)
        (axes,) = plt.gcf().axes
        assert axes.images and axes.get_title()
    finally:
        plt.close("all")
    assert torch.isfinite(names["d_loss"] + names["g_loss"])
