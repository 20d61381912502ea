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
    decks = [path.read_text(encoding="utf-8") for path in (ROOT / "presentation").glob("gans-*.md")]
    found["slides"] = "\n".join(re.findall(r"```python\n(.*?)```", "\n".join(decks), re.DOTALL))
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


OLD = """
from gans_workshop.evaluation import digit_histogram, frechet_distance, look, nearest_images
from gans_workshop.plots import CRIMINAL, draw_losses, figure_with_axes, finish, plot_curves, tile, to_png
from gans_workshop.sketches import SHEET, show_fields, show_game, show_screens, show_visits
from gans_workshop.models import Discriminator, Generator, MLPGenerator, start_small
from gans_workshop.augment import cut_out, shift
from gans_workshop.pictures import known_formats
from gans_workshop.training import GAN, train
import gans_workshop.live, gans_workshop.exports as exports
from gans_workshop import look as judge, classify_digits, label_axes, contact_sheet, small_weights
assert (look, finish, tile, start_small) == (classify_digits, label_axes, contact_sheet, small_weights)
assert judge is look and exports.save_gif and gans_workshop.live.LiveView
"""


def test_copies_of_older_notebooks_find_what_they_import():
    subprocess.run([sys.executable, "-c", OLD], cwd=ROOT, check=True)
    assert set(gans_workshop.__all__).isdisjoint({"look", "finish", "tile", "start_small", "plots", "evaluation"})


def test_what_is_gone_is_said_with_what_takes_its_place(make_gan):
    with pytest.raises(ImportError, match="diff_augment is gone: write GAN") as refusal:
        from gans_workshop import diff_augment  # noqa: F401
    names = {name: getattr(gans_workshop, name) for name in ("cut_out", "shift")}
    make_gan(augment=eval(re.search("augment=(lambda .*)\\)", str(refusal.value))[1], names))
    assert not hasattr(gans_workshop, "looks")


def test_the_package_imports_quickly():
    """No timing: the slow libraries are just not there after the import."""
    program = "import sys, gans_workshop; print([name for name in sys.argv[1:] if name in sys.modules])"
    slow = ["matplotlib", "ipywidgets", "torchvision"]
    loaded = subprocess.check_output([sys.executable, "-c", program, *slow], cwd=ROOT, text=True)
    assert loaded.strip() == "[]"
