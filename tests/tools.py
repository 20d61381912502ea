"""What several test files need, as plain functions; fixtures are in conftest.py. No test imports from another test."""

import ast
import importlib.util
import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]

# What replaces the constants of each notebook's `parameters` cell, so that it runs in seconds.
SMALL = {
    "00_pictures_are_numbers.ipynb": {"EPOCHS": 1, "DREAM_STEPS": 5},
    "01_slanted_land.ipynb": {"ROUNDS": 20, "ROUNDS_PER_COLUMN": 5},
    "02_mnist_dcgan.ipynb": {"HAND_STEPS": 3, "ROUNDS": 30, "SHORT_STEPS": 2},
    "03_your_own_images.ipynb": {"MINUTES": 0.03, "TRIAL_MINUTES": 0.01, "SHORT_STEPS": 2, "FEW": 8},
    "04_when_gans_fail.ipynb": {"STEPS": 2, "BATCH_SIZE": 8},
    "05_textures.ipynb": {
        "PATCHES": 40,
        "HAND_STEPS": 2,
        "DCGAN_STEPS": 4,
        "TEXTURE_STEPS": 4,
        "SHORT_STEPS": 2,
        "COMPARED": 16,
    },
    "06_points_playground.ipynb": {"ROUNDS": 60, "ROUNDS_PER_SCENE": 2},
    "07_ask_for_it.ipynb": {"SHORT_STEPS": 2, "ROUNDS": 4, "FACE_ROUNDS": 2, "OWN_STEPS": 2},
    "08_draw_and_it_paints.ipynb": {"FIRST_STEPS": 2, "SHORT_STEPS": 2, "ROUNDS": 4, "SEE_ROUNDS": 2, "BATCH_SIZE": 2},
    "11_a_style_for_every_size.ipynb": {"ROUNDS": 2, "COUNT": 10, "LABELLED": 200, "SEARCH_STEPS": 2},
    "09_without_pairs.ipynb": {"SHORT_STEPS": 2, "ROUNDS": 4, "FACE_ROUNDS": 2, "BATCH_SIZE": 2},
    "10_find_yourself.ipynb": {
        "NEW_GAN": True,
        "ROUNDS": 20,
        "TRIES": 20,
        "SEARCH_STEPS": 3,
        "COUNT": 20,
        "EYE_STEPS": 2,
    },
}

# Sections in which a printed answer makes the point of the widget.
SAID_IN_WORDS = {"6. A network that recognises it", "1. Bring your pictures"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# Reading a notebook


def notebook(number):
    """Return the path of the notebook with this number, such as '02'."""
    (path,) = [path for path in NOTEBOOKS if path.name.startswith(f"{number}_")]
    return path


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def source_of(number, cell_id):
    (cell,) = [cell for cell in code_cells(read(notebook(number))) if cell.id == cell_id]
    return without_magics(cell.source)


def tags(cell):
    return cell.metadata.get("tags", [])


def parameters_cell(book):
    (cell,) = [cell for cell in code_cells(book) if "parameters" in tags(cell)]
    return cell


def without_magics(source):
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def text_of(cells):
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def parts(book):
    """Split the cells at the headings of level 2, each the first line of its cell: [(heading, cells)]."""
    found = []
    for cell in book.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append((cell.source.splitlines()[0].removeprefix("## "), []))
        if found:
            found[-1][1].append(cell)
    return found


def sections(book):
    return [(heading, cells) for heading, cells in parts(book) if re.match(r"\d+\. ", heading)]


def prose_lines(text):
    """The lines of Markdown that hold sentences: no code, no formulas, tables, headings or data, and no list marks."""
    text = re.sub(r"^```.*?^```$|\$\$.*?\$\$", "", text, flags=re.DOTALL | re.MULTILINE)
    for line in text.splitlines():
        if not re.match(r"\s*(\||#|\[\w+\]: |<)", line):
            line = re.sub(r"`[^`]*`|!?\[[^\]]*\](?:\([^)]*\)|\[\w+\])", "`x`", re.sub(r"\$[^$]*\$", "", line))
            yield re.sub(r"^\s*(?:> )?(?:[-*] )?(?:\[ \] )?(?:\d+\. )?(?:\*\*[^*]+\*\* )?", "", line)


def holds_two_sentences(line):
    """Tell whether a second sentence begins in a line; a question in a row of questions may have its answer there."""
    begins = r"[.!?][\"'*_)`\]]*\s+[\"'(*_`\[]*[A-Z]"
    return re.search(rf"(?<!\bal)(?<!\bsec)(?<!\be\.g)(?<!\bi\.e)(?<!\bvs){begins}", line) is not None


def words_outside_folds(book):
    """Count what a reader has before her eyes: no folded answers, data, or addresses of links."""
    text = re.sub(r"<details>.*?</details>|^\[\w+\]: [^\n]*$", " ", text_of(book.cells), flags=re.DOTALL | re.MULTILINE)
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


def measured_numbers(line):
    """The decimal numbers and percentages of a sentence; a range counts once, years and formulas do not."""
    number = r"-?\d[\d,]*(?:\.\d+)?(?: ?%)?"
    line = re.sub(r"https?://\S+|ln\([^)]*\)|\(\d\.\d\)", "", line)
    line = re.sub(rf"({number})(?: (?:to|and|or) |-)({number})", r"\1", line)
    return [found for found in re.findall(number, line) if "." in found or "%" in found]


def is_watched(source):
    """Tell whether a cell, and not a function that it defines, calls something with `watch=...`."""
    steps = [step for step in ast.parse(without_magics(source)).body if not isinstance(step, ast.FunctionDef)]
    calls = [node for step in steps for node in ast.walk(step) if isinstance(node, ast.Call)]
    return any(keyword.arg == "watch" for call in calls for keyword in call.keywords)


# Running one


def shrink(book, values):
    """Replace constants in the parameters cell in place; fail for a name that is gone."""
    cell = parameters_cell(book)
    for name, value in values.items():
        cell.source, count = re.subn(
            rf"^{name} = .*?(  #|$)", rf"{name} = {value!r}\1", cell.source, flags=re.MULTILINE
        )
        assert count == 1, f"the parameters cell has no constant {name}"
    return book


def ask_for_solutions(book):
    """Set each solution's switch, as a student does who has tried the exercise."""
    for cell in [cell for cell in code_cells(book) if "solution" in tags(cell)]:
        cell.source, count = re.subn(r"^SHOW = False  #", "SHOW = True  #", cell.source, flags=re.MULTILINE)
        assert count == 1, cell.id
    return book


def run(book, folder, monkeypatch):
    """Run all cells in a fresh kernel whose files go to `folder`."""
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(folder / "files"))
    monkeypatch.setenv("GANS_WORKSHOP_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return execute(book, resources={"metadata": {"path": str(folder)}})


def execute(book, kernel_name="python3", **options):
    """Run all cells in a fresh kernel."""
    client = NotebookClient(book, timeout=300, kernel_name=kernel_name, kernel_manager_class=Kernel, **options)
    client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells write there is in their outputs
    return book


def load_notebook(number, *cells, **constants):
    """Return what a notebook defines, as a namespace in which its functions live.

    All imports are done, and the cells that are tagged `parameters` or `algorithm` or named in `cells` by their id are
    run, but for lines that are only a call: no game is played and nothing is drawn. `constants` replaces parameters.
    """
    names = SimpleNamespace(device=torch.device("cpu"), display=lambda _: None)
    for cell in code_cells(shrink(read(notebook(number)), constants)):
        chosen = {"parameters", "algorithm"} & set(tags(cell)) or cell.id in cells
        kinds = (ast.stmt,) if chosen else (ast.Import, ast.ImportFrom)
        tree = ast.parse(without_magics(cell.source))
        tree.body = [step for step in tree.body if isinstance(step, kinds) and not isinstance(step, ast.Expr)]
        exec(compile(tree, f"{number}[{cell.id}]", "exec"), vars(names))
    return names


def load_script(path):
    """Import a script of ours that belongs to no package; as when Python runs it, it may import from its own folder."""
    path, before = ROOT / path, list(sys.path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


Kernel = load_script("tools/kernel.py").Kernel


# What a cell has shown


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def pictures(cell):
    return [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]


def bare_widgets(book):
    """List what is lost on a page without widgets (GitHub, a printed page): each needs a picture beside it."""
    kinds = {cell.id: {kind for o in cell.outputs for kind in o.get("data", {})} for cell in code_cells(book)}
    lost = []
    for heading, cells in parts(book):
        shown = set().union(*(kinds[cell.id] for cell in code_cells(SimpleNamespace(cells=cells))))
        widget = "application/vnd.jupyter.widget-view+json" in shown
        if widget and heading not in SAID_IN_WORDS and not any(kind.startswith("image/") for kind in shown):
            lost.append(heading)
    html, _ = HTMLExporter().from_notebook_node(book)
    images = re.findall(r'<img[^>]*src="data:image/', html)
    if len(images) < sum(any(kind.startswith("image/") for kind in found) for found in kinds.values()):
        lost.append("pictures in the HTML page")
    return lost


# Pictures to learn from


def scene(seed, size=(90, 60)):
    """A picture unlike all others: smooth colours from few random numbers."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def packed(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# Figures


def check_figure(make):
    """Make a figure: it must be returned, forgotten by pyplot, cut off nowhere, and have no word that is too small."""
    fig = make()
    assert isinstance(fig, Figure) and plt.get_fignums() == []
    FigureCanvasAgg(fig).draw()
    drawn, (width, height) = fig.get_tightbbox(), fig.get_size_inches()
    assert drawn.x0 > -0.01 and drawn.y0 > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01
    words = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert [text.get_text() for text in words if text.get_fontsize() < 10] == []
