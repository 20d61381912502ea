"""Every notebook with Colab's versions: installed by its set-up cell, with Drive, without it, and with one that fails.

`google.colab` is a stand-in (tests/colab/google); the paths, /content/drive among them, are Colab's own.
"""

import contextlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_notebooks import NOTEBOOKS, SMALL, bare_widgets, code_cells, each_notebook, pictures, printed, read, shrink
from test_project import COLAB, REPOSITORY

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
HERE = ROOT / "tests" / "colab"
COLAB_VENV = runpy.run_path(str(HERE / "build.py"))
PYTHON = COLAB_VENV["PYTHON"]
CONTENT = Path("/content")
KEPT = CONTENT / "drive" / "MyDrive" / "gans-workshop-files"
LOST = CONTENT / "gans-workshop-files"


@pytest.fixture(scope="module")
def clone(tmp_path_factory, need):
    """A git repository of the package as it stands here, in the place of the public one."""
    if sys.platform != "linux":
        pytest.skip("Colab is Linux")
    if os.environ.get("CI"):
        COLAB_VENV["build"]()
    need(COLAB_VENV["is_built"](), "Colab's versions, from `python tests/colab/build.py`")
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "gans_workshop", folder / "gans_workshop", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "as it stands"]):
        subprocess.run([*git, *command], check=True)
    return folder


@pytest.fixture
def content(clone, need):
    """Colab's folder /content, empty, and gone afterwards; other runs on this machine wait for it."""
    import fcntl  # not on Windows, where the fixture `clone` has skipped the test

    with (Path(tempfile.gettempdir()) / "gans-workshop-content.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = not CONTENT.exists()
        with contextlib.suppress(OSError):
            CONTENT.mkdir(exist_ok=True)
        need(os.access(CONTENT, os.W_OK) and not any(CONTENT.iterdir()), "an empty folder /content to write to")
        yield
        for entry in CONTENT.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if made:
            CONTENT.rmdir()


def pip(*args):
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def installed():
    return set(pip("freeze").splitlines())


@pytest.fixture
def colab(clone, content, tmp_path, monkeypatch):
    """Return a function that runs a notebook as in a new Colab session: -> (the executed notebook, downloads)."""
    pip("uninstall", "-y", "-q", "gans-workshop")
    (tmp_path / "kernels" / "colab").mkdir(parents=True)
    argv = [str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = f'{{"argv": {argv}, "display_name": "Colab", "language": "python"}}'.replace("'", '"')
    (tmp_path / "kernels" / "colab" / "kernel.json").write_text(spec, encoding="utf-8")
    for name in ("GANS_WORKSHOP_FILES", "GANS_WORKSHOP_CACHE", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    downloads = tmp_path / "downloads.txt"
    settings = {
        "JUPYTER_PATH": tmp_path,
        "HOME": tmp_path,
        "PYTHONPATH": HERE,
        "COLAB_DOWNLOADS": downloads,
        "PIP_NO_INDEX": 1,  # nothing but the workshop's package may be missing
        "PIP_FIND_LINKS": COLAB_VENV["WHEELS"],
        "GIT_CONFIG_COUNT": 1,
        "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))

    def run(book, *, drive="works", **options):
        monkeypatch.setenv("COLAB_DRIVE", str(drive))
        place = {"metadata": {"path": str(CONTENT)}}
        client = NotebookClient(book, timeout=300, kernel_name="colab", resources=place, **options)
        client.execute(stderr=subprocess.DEVNULL)
        return book, downloads.read_text(encoding="utf-8").split() if downloads.exists() else []

    return run


def small(path):
    return shrink(read(path), SMALL[path.name])


def uses(path, words):
    return any(re.search(words, cell.source) for cell in code_cells(read(path)))


ASKS_FOR_A_FOLDER = r"workshop_folder\(\)"


def each_that(*words):
    """All notebooks whose code holds all these words."""
    chosen = [path for path in NOTEBOOKS if all(uses(path, word) for word in words)]
    return pytest.mark.parametrize("path", chosen, ids=lambda path: path.stem)


def test_the_environment_is_colabs(clone):
    pins = [line.partition("#")[0].strip() for line in (HERE / "pins.txt").read_text(encoding="utf-8").splitlines()]
    pins = [Requirement(line) for line in pins if line]
    there = {canonicalize_name(name): number for name, _, number in (line.partition("==") for line in installed())}
    assert [str(pin) for pin in pins if there[pin.name] not in pin.specifier] == []
    assert there["torch"] == version("torch")
    assert "jupyterlab" not in there
    recorded = {name: number for name, number in COLAB["newest"].items() if name in {pin.name for pin in pins}}
    assert {pin.name for pin in pins} >= set(COLAB["newest"]) - {"python", "torch", "torchvision"}
    assert [str(pin) for pin in pins if pin.name in recorded and str(pin.specifier) != f"=={recorded[pin.name]}"] == []


@each_notebook
def test_runs_in_a_new_session(path, colab):
    before = installed()
    book, downloads = colab(small(path))
    assert [line.partition(" @ ")[0] for line in installed() ^ before] == ["gans-workshop"]
    complaints = [(cell.id, printed(cell)) for cell in code_cells(book) if re.search(r"Warning|Error", printed(cell))]
    assert complaints == []
    assert bare_widgets(book) == []
    assert [cell.id for cell in code_cells(book) if "watch=" in cell.source and not pictures(cell)] == []
    assert bool(downloads) == uses(path, r"files\.download\(")
    asks = uses(path, ASKS_FOR_A_FOLDER)
    assert sorted(entry.name for entry in CONTENT.iterdir()) == (["drive"] if asks else [])
    if asks:
        assert [file for file in KEPT.rglob("*") if file.is_file()]


@each_that(ASKS_FOR_A_FOLDER)
def test_runs_without_drive(path, colab):
    book, _ = colab(small(path), drive="refused")
    said = "".join(printed(cell) for cell in code_cells(book))
    assert re.search(r"CAREFUL.*\(Error: credential propagation was unsuccessful\).*vanish with the session", said)
    assert sorted(entry.name for entry in CONTENT.iterdir()) == ["gans-workshop-files"]
    assert [file for file in LOST.rglob("*") if file.is_file()]


@each_that(ASKS_FOR_A_FOLDER, r"\btrain\(")
def test_a_drive_that_fails_half_way_stops_no_training(path, colab):
    """What cannot be saved is said in a sentence of ours; nothing else fails, and no cell that trains."""
    book, _ = colab(small(path), drive="unfinished", allow_errors=True)
    failed = {cell.id: output for cell in code_cells(book) for output in cell.outputs if output.output_type == "error"}
    trained = [cell.id for cell in code_cells(book) if re.search(r"\btrain\(", cell.source)]
    assert trained and not set(trained) & set(failed), failed
    assert [
        error for error in failed.values() if not re.search(r"The (folder|file) /content/drive/", error.evalue)
    ] == []


def test_the_stand_in_drive_really_fails(colab):
    """Without this, the test above might have tested a Drive that works."""
    cells = [
        "from google.colab import drive; drive.mount('/content/drive')",
        "open('/content/drive/MyDrive/a', 'w').write('a')",
        "open('/content/drive/MyDrive/b', 'w')",
        "import os; os.path.isdir('/content/drive/MyDrive')",
        "import tempfile; tempfile.TemporaryFile(dir='/content/drive/MyDrive')",
        "os.replace('/content/drive/MyDrive/a', '/content/drive/MyDrive/c')",
        "open('/content/elsewhere', 'w').write('a')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    colab(book, drive="/b", allow_errors=True)
    words = ["".join(output.get("evalue", "") for output in cell.outputs) for cell in book.cells]
    assert ["endpoint is not connected" in said for said in words] == [False, False, True, False, True, True, False]
    assert book.cells[3].outputs[0].data["text/plain"] == "False"
