"""Every notebook with Colab's versions: installed by its set-up cell, with Drive, without it, and with one that fails.

`google.colab` is a stand-in (tests/platforms/colab/google); the paths, /content/drive among them, are Colab's own.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import (
    NOTEBOOKS,
    PROJECT,
    REPOSITORY,
    ROOT,
    SMALL,
    bare_widgets,
    code_cells,
    each_notebook,
    execute,
    is_watched,
    load_script,
    notebook,
    pictures,
    printed,
    read,
    shrink,
)

# The Colab runtimes on offer (2026-08); of the past ones only Python, torch and torchvision are recorded.
COLAB = {
    "newest": {
        "python": "3.13.15",
        "torch": "2.11.0",
        "torchvision": "0.26.0",
        "numpy": "2.1.3",
        "matplotlib": "3.10.0",
        "pillow": "11.3.0",
        "ipywidgets": "7.7.1",
        "tqdm": "4.67.3",
        "imageio": "2.37.4",
        "scipy": "1.16.3",
    },
}
for torch, torchvision in (("2.11.0", "0.26.0"), ("2.10.0", "0.25.0"), ("2.9.0", "0.24.0"), ("2.8.0", "0.23.0")):
    COLAB[f"past, torch {torch}"] = {"python": "3.12.0", "torch": torch, "torchvision": torchvision}

HERE = ROOT / "tests" / "platforms" / "colab"
COLAB_VENV = load_script(HERE / "build.py")
PYTHON = COLAB_VENV.PYTHON
CONTENT = Path("/content")
KEPT = CONTENT / "drive" / "MyDrive" / "gans-workshop-files"
LOST = CONTENT / "gans-workshop-files"


@pytest.fixture(scope="module")
def clone(tmp_path_factory, need):
    """A git repository of the package as it stands here, in the place of the public one."""
    if sys.platform != "linux":
        pytest.skip("Colab is Linux")
    if os.environ.get("CI"):
        COLAB_VENV.build()
    need(COLAB_VENV.is_built(), "Colab's versions, from `python tests/platforms/colab/build.py`")
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "gans_workshop", folder / "gans_workshop", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "as it stands"]):
        subprocess.run([*git, *command], check=True)
    return folder


@contextlib.contextmanager
def taken(folder, need):
    """Lend `folder` where it is absent or empty, and leave it so; other runs on this machine wait meanwhile."""
    import fcntl  # not on Windows, where the fixture `clone` has skipped the test

    above = os.open(folder.parent, os.O_RDONLY)
    try:
        fcntl.flock(above, fcntl.LOCK_EX)
        made = not folder.exists()
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
        free = os.access(folder, os.W_OK) and not any(folder.iterdir())
        need(free, f"the path {folder}, empty: it is Colab's own. What you have there is left alone")
        try:
            yield
        finally:
            for entry in folder.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            if made:
                folder.rmdir()
    finally:
        os.close(above)  # and with it goes the lock


@pytest.fixture
def content(clone, need):
    with taken(CONTENT, need):
        yield


def pip(*args):
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def installed():
    return set(pip("freeze").splitlines())


@pytest.fixture
def colab(clone, content, tmp_path, monkeypatch):
    """Return a function that runs a notebook as in a new Colab session: -> (the executed notebook, downloads)."""
    pip("uninstall", "-y", "-q", "gans-workshop", *COLAB_VENV.LEFT_OUT)
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
        "PIP_FIND_LINKS": COLAB_VENV.WHEELS,
        "GIT_CONFIG_COUNT": 1,
        "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))

    def run(book, *, drive="works", **options):
        monkeypatch.setenv("COLAB_DRIVE", str(drive))
        place = {"metadata": {"path": str(CONTENT)}}
        execute(book, "colab", resources=place, **options)
        return book, downloads.read_text(encoding="utf-8").split() if downloads.exists() else []

    return run


def small(path):
    return shrink(read(path), SMALL[path.name])


def uses(path, words):
    return any(re.search(words, cell.source) for cell in code_cells(read(path)))


ASKS_FOR_A_FOLDER = r"workshop_folder\(\)"
# Drive's bad days are the package's affair: the notebook that writes most meets them, the others only good ones.
WRITES_MOST = notebook("03")


@pytest.mark.parametrize("runtime", COLAB)
def test_installing_into_colab_changes_no_version(runtime):
    there = COLAB[runtime]
    needed = [Requirement(line) for line in PROJECT["dependencies"]]
    needed.append(Requirement("python" + PROJECT["requires-python"]))
    if runtime == "newest":
        assert {requirement.name for requirement in needed} <= set(there)
    assert [str(needs) for needs in needed if needs.name in there and there[needs.name] not in needs.specifier] == []


@pytest.mark.skipif(sys.platform != "linux", reason="Colab is Linux")
def test_a_folder_in_use_is_left_alone_and_runs_wait_for_each_other(tmp_path, need):
    import fcntl

    folder = tmp_path / "content"
    with taken(folder, need):
        (folder / "drive").mkdir()
        other_run = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other_run, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other_run)
    assert not folder.exists()

    folder.mkdir()
    (folder / "mine").write_text("mine")
    refusal = pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="left alone")
    with refusal, taken(folder, need):
        pass
    assert (folder / "mine").read_text() == "mine"


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


def test_the_weekly_run_takes_colabs_torch():
    weekly = (ROOT / ".github" / "workflows" / "weekly.yml").read_text(encoding="utf-8")
    newest = COLAB["newest"]
    assert f" torch=={newest['torch']} torchvision=={newest['torchvision']}\n" in weekly
    assert newest["python"].startswith("3.13.") and 'python-version: "3.13"' in weekly


@each_notebook
def test_runs_in_a_new_session(path, colab):
    before = installed()
    book, downloads = colab(small(path))
    assert before <= installed(), "nothing that was there is changed"
    new = {re.split(" @ |==", line)[0] for line in installed() - before}
    assert new == {"gans-workshop", *COLAB_VENV.LEFT_OUT}
    complaints = [(cell.id, printed(cell)) for cell in code_cells(book) if re.search(r"Warning|Error", printed(cell))]
    assert complaints == []
    assert bare_widgets(book) == []
    assert [cell.id for cell in code_cells(book) if is_watched(cell.source) and not pictures(cell)] == []
    assert bool(downloads) == uses(path, r"files\.download\(|show_page\(")
    asks = uses(path, ASKS_FOR_A_FOLDER)
    assert sorted(entry.name for entry in CONTENT.iterdir()) == (["drive"] if asks else [])
    if asks:
        assert [file for file in KEPT.rglob("*") if file.is_file()]


def test_without_the_internet_the_setup_cell_ends_with_what_to_do(colab, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{(tmp_path / 'gone').as_uri()}.insteadOf")
    setup = code_cells(read(notebook("00")))[0]
    book, _ = colab(nbformat.v4.new_notebook(cells=[setup]), allow_errors=True)
    (error,) = [output for output in book.cells[0].outputs if output.output_type == "error"]
    assert re.match(r"No internet\? In Kaggle switch it on\. VSCode: choose another kernel\.", error.evalue)


def test_all_set_up_cells_begin_alike():
    sources = [code_cells(read(path))[0].source for path in NOTEBOOKS]
    beginnings = {source[: source.index("\n", source.index("\nassert ") + 1)] for source in sources}
    assert len(beginnings) == 1 and "%pip install -q git+" in beginnings.pop()


def test_runs_without_drive(colab):
    book, _ = colab(small(WRITES_MOST), drive="refused")
    said = "".join(printed(cell) for cell in code_cells(book))
    assert re.search(r"CAREFUL.*\(Error: credential propagation was unsuccessful\).*vanish with the session", said)
    assert sorted(entry.name for entry in CONTENT.iterdir()) == ["gans-workshop-files"]
    assert [file for file in LOST.rglob("*") if file.is_file()]


def test_a_drive_that_fails_half_way_stops_no_cell(colab):
    """Trainings go on, and what is exported after that goes to Colab's own disk, said in words."""
    book, downloads = colab(small(WRITES_MOST), drive="unfinished", allow_errors=True)
    failed = {cell.id: output.evalue for cell in code_cells(book) for output in cell.outputs if "evalue" in output}
    assert failed == {}
    said = "".join(printed(cell) for cell in code_cells(book))
    assert re.search(r"CAREFUL.*vanish with the session", said, re.DOTALL)
    assert downloads and all(path.startswith(f"{LOST}/") for path in downloads)
    assert [file for file in LOST.rglob("*.gif")]


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
