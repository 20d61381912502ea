"""workshop.py: what it runs, how it sets itself up, and what it says when that fails."""

import ast
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import ROOT, load_script

SCRIPT = ROOT / "workshop.py"
IN_PARALLEL = " ".join(load_script(SCRIPT).IN_PARALLEL)


@pytest.fixture
def workshop():
    return load_script(SCRIPT)


# What it runs


@pytest.fixture
def commands(workshop, monkeypatch):
    """The commands that workshop.py would run, in an environment that has everything."""
    seen = []
    monkeypatch.setattr(workshop, "missing_packages", list)
    monkeypatch.setattr(workshop, "run", lambda command, **options: seen.append((command, options["cwd"])) or 0)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return seen


@pytest.mark.parametrize("args", [[], ["--no-browser", "--port", "9999"]])
def test_jupyterlab_gets_the_options(workshop, commands, args):
    assert workshop.main(args) == 0
    assert commands == [([sys.executable, "-m", "jupyterlab", *args], workshop.NOTEBOOKS)]


def test_jupyterlab_may_run_as_root_only_when_it_does(workshop, commands, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    workshop.main(["--no-browser"])
    monkeypatch.delattr(os, "geteuid")  # Windows
    workshop.main(["--no-browser"])
    assert ["--allow-root" in command for command, _ in commands] == [True, False]


def test_help_and_slides_need_no_packages(workshop, monkeypatch, capsys):
    monkeypatch.setattr(workshop, "missing_packages", lambda: pytest.fail("looked for packages"))
    assert workshop.main(["--help"]) == 0
    assert "python workshop.py rehearse [NN ...]" in capsys.readouterr().out
    with pytest.raises(workshop.Problem, match="cannot be built as 'doc'; there are html, pdf, pptx"):
        workshop.main(["slides", "doc"])


def test_an_unknown_word_is_named(workshop):
    with pytest.raises(workshop.Problem, match=r"does not know 'tset'.*--help"):
        workshop.main(["tset"])


def test_an_old_python_can_read_the_file_and_says_what_it_needs(workshop, monkeypatch):
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(workshop.Problem, match=r"needs Python 3\.11 or newer"):
        workshop.main([])


@pytest.mark.skipif(os.name == "nt", reason="a signal to a process group")
def test_ctrl_c_lets_the_command_tidy_up(tmp_path):
    begin = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may have it ignored
    child = begin + "import time\ntry:\n print('ready', flush=True)\n time.sleep(60)\n"
    child += "except BaseException: time.sleep(1)\nprint('tidied', flush=True)"
    parent = begin + f"import sys, workshop\ntry: workshop.run([sys.executable, '-c', {child!r}])\n"
    parent += "except KeyboardInterrupt: print('stopped')"
    options = {"cwd": SCRIPT.parent, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", parent], **options) as process:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "tidied\nstopped\n"


# What the running Python has


def pretend_installed(folder: Path, name: str, version: str, *, origin: dict | None = None) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin:
        (info / "direct_url.json").write_text(json.dumps(origin))


@pytest.mark.parametrize(
    ("version", "enough"),
    [("2.8", True), ("2.8.0", True), ("2.11.0+cu128", True), ("3.0a1", True), ("2.7.9", False), ("1.26.4", False)],
)
def test_versions_are_compared_as_numbers(workshop, monkeypatch, tmp_path, version, enough):
    pretend_installed(tmp_path, "gans_fake_torch", version)
    monkeypatch.syspath_prepend(tmp_path)
    assert workshop.has("gans-fake-torch>=2.8") is enough


def test_a_package_that_is_absent_or_half_written_is_missing(workshop, monkeypatch, tmp_path):
    (tmp_path / "gans_fake_half-1.0.dist-info").mkdir()  # the installation was killed before METADATA was written
    monkeypatch.syspath_prepend(tmp_path)
    assert not workshop.has("gans-fake-half>=1")
    assert not workshop.has("gans-fake-nothing>=1")


def test_the_package_must_come_from_this_checkout(workshop, monkeypatch, tmp_path):
    here, elsewhere, editable = workshop.ROOT.as_uri(), tmp_path.as_uri(), {"editable": True}
    origins = [
        ({"url": here, "dir_info": editable}, True),
        ({"url": here, "dir_info": {}}, False),  # a copy, which does not follow when this folder changes
        ({"url": elsewhere, "dir_info": editable}, False),
        (None, False),  # from a package index
    ]
    for number, (origin, expected) in enumerate(origins):
        folder = tmp_path / str(number)
        folder.mkdir()
        pretend_installed(folder, "gans_workshop", "0.1.0", origin=origin)
        monkeypatch.syspath_prepend(folder)
        assert workshop.has_this_checkout() is expected, origin


def test_the_environment_of_these_tests_is_complete(workshop):
    assert workshop.missing_packages() == []


# Setting up, with the real pip and venv, on a project that is tiny and needs no network


def make_wheel(folder, name, version, files, requires=()):
    info = f"{name}-{version}.dist-info"
    metadata = "".join([f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", *(f"{r}\n" for r in requires)])
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    filename = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / filename, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return filename


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    requires = [f"Requires-Dist: {line}" for line in project["dependencies"]]
    for extra, lines in project["optional-dependencies"].items():
        requires += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {line}; extra == "{extra}"' for line in lines)]
    return make_wheel(wheel_directory, "gans_workshop", "0.1.0", {"gans_workshop.pth": str(Path.cwd())}, requires)


class TinyProject:
    """A checkout with workshop.py, stubs for what it runs, and a shelf of wheels in place of PyPI."""

    def __init__(self, folder: Path):
        self.root, self.shelf, self.torch_index = folder / "a checkout", folder / "shelf", folder / "torch index"
        for path in (self.root / "notebooks", self.shelf, self.torch_index / "torch"):
            path.mkdir(parents=True)
        shutil.copy(SCRIPT, self.root)
        backend = "import tomllib, zipfile\nfrom pathlib import Path\n"
        (self.root / "backend.py").write_text(
            backend + inspect.getsource(make_wheel) + inspect.getsource(build_editable)
        )
        for stub in ("jupyterlab", "ruff", "codespell_lib", "pytest"):
            (self.root / f"{stub}.py").write_text(
                f"import os, sys\nprint('{stub} ' + ' '.join(sys.argv[1:]) + ' in ' + os.path.basename(os.getcwd()))\n"
                f"sys.exit('FAIL_{stub}' in os.environ)\n"
            )
        make_wheel(self.shelf, "gans_fake_tool", "1.2", {})
        wheel = make_wheel(self.torch_index / "torch", "torch", "99.0+cpu", {})
        (self.torch_index / "torch" / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
        self.venv = self.root / ".venv"
        self.needs("torch>=99")

    def needs(self, *requirements: str) -> None:
        (self.root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\n'
            f'name = "gans-workshop"\nversion = "0.1.0"\ndependencies = {list(requirements)}\n'
            '[project.optional-dependencies]\nlocal = []\ndev = ["gans-fake-tool>=1"]\n'
        )

    def run(self, *args: str, **more_environment: str) -> subprocess.CompletedProcess:
        leave_out = ("PIP_", "GANS_", "PYTHONPATH", "VIRTUAL_ENV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(leave_out)}
        empty_index = self.shelf.as_uri()
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": empty_index, "PIP_FIND_LINKS": str(self.shelf)}
        environment |= {"GANS_TORCH_INDEX": self.torch_index.as_uri(), **more_environment}
        command = [sys.executable, str(self.root / "workshop.py"), *args]
        return subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A tiny project after its first start."""
    project = TinyProject(tmp_path_factory.mktemp("tiny"))
    project.first = project.run("--port", "9999")
    return project


def last_line(done: subprocess.CompletedProcess) -> str:
    return done.stdout.splitlines()[-1]


def test_the_first_start_installs_with_torch_from_the_index_that_is_named(ready):
    assert ready.first.returncode == 0, ready.first.stdout + ready.first.stderr
    assert "Installing torch>=99" in ready.first.stdout
    assert last_line(ready.first).startswith("jupyterlab ")
    assert last_line(ready.first).endswith("--port 9999 in notebooks")
    assert list(ready.venv.rglob("torch-99.0+cpu.dist-info"))


def test_later_starts_do_not_install(ready):
    done = ready.run("--no-browser")
    assert done.returncode == 0
    assert "Installing" not in done.stdout
    assert last_line(done).endswith("--no-browser in notebooks")


def test_pytest_comes_last_and_a_failing_check_counts(ready):
    done = ready.run("test", "-k", "digits")
    words = [line.split(" in ")[0] for line in done.stdout.splitlines()[-4:]]
    pytest_line = f"pytest {IN_PARALLEL} -k digits"
    assert words == ["ruff check .", "ruff format --check .", "codespell_lib .", pytest_line]
    assert done.returncode == 0
    for check in ("FAIL_ruff", "FAIL_codespell_lib"):
        failing = ready.run("test", **{check: "1"})
        assert failing.returncode == 1
        assert last_line(failing).startswith("pytest ")
    assert ready.run("test", FAIL_pytest="1").returncode == 1


def test_a_new_requirement_is_installed_at_the_next_start(ready):
    make_wheel(ready.shelf, "gans_fake_new", "3.1", {})
    ready.needs("torch>=99", "gans-fake-new>=3")
    done = ready.run()
    assert done.returncode == 0, done.stderr
    assert "Installing gans-fake-new>=3 into .venv" in done.stdout
    assert "Installing" not in ready.run().stdout


def test_an_installation_that_was_killed_is_completed(ready):
    for half_installed in ready.venv.rglob("gans_workshop-*.dist-info"):
        shutil.rmtree(half_installed)
    for pip in ready.venv.rglob("site-packages/pip*"):
        shutil.rmtree(pip)
    done = ready.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installing gans-workshop into .venv" in done.stdout
    assert last_line(done).startswith("jupyterlab ")


def test_a_failing_installation_says_what_to_do_and_shows_no_stack_trace(ready):
    ready.needs("torch>=99", "gans-fake-nowhere>=7")
    done = ready.run()
    assert done.returncode == 1
    assert "Installing the packages failed. pip's index has none for this Python" in done.stderr
    assert "No matching distribution found for gans-fake-nowhere>=7" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert "jupyterlab" not in done.stdout


def test_a_venv_without_a_python_that_runs_is_made_anew(workshop, monkeypatch, tmp_path):
    python = tmp_path / ".venv" / workshop.VENV_PYTHON.relative_to(workshop.VENV)
    monkeypatch.setattr(workshop, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(workshop, "VENV_PYTHON", python)
    python.parent.mkdir(parents=True)
    python.write_text("killed while it was being written")
    workshop.make_venv()
    prefix = subprocess.check_output([python, "-c", "import sys; print(sys.prefix)"], text=True).strip()
    assert Path(prefix).samefile(workshop.VENV)
    (workshop.VENV / "kept").touch()
    workshop.make_venv()
    assert (workshop.VENV / "kept").exists()  # a Python that runs is left alone


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying: NewConnectionError\nERROR: No matching distribution found for torch", "internet"),
        ("ERROR: [WinError 5] Access is denied: 'torch.dll'", "close JupyterLab and VSCode"),
        ("/usr/bin/python3: No module named ensurepip", "sudo apt install python3-venv"),
        ("ERROR: something that nobody has seen before", "delete the folder .venv"),
    ],
)
def test_each_known_failure_has_its_advice(workshop, message, advice):
    failing = [sys.executable, "-c", f"import sys; sys.exit({message!r})"]
    with pytest.raises(workshop.Problem) as problem:
        workshop.attempt("Installing torch", failing)
    assert str(problem.value).startswith("Installing torch failed. ")
    assert advice in str(problem.value)
    assert str(problem.value).endswith(message.splitlines()[-1])


# Rehearsing


@pytest.fixture
def notebooks(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    writes = "from pathlib import Path; import os\nPath(os.environ['GANS_WORKSHOP_FILES'], 'mine.txt').write_text('x')"
    holds_memory = "held = bytearray(b'1') * (300 * 2**20)\nprint(len(held), Path.cwd().name)"
    film = "from IPython.display import Image\nImage(b'GIF89a', format='gif', metadata={'alt': 'A film'})"
    good = [new_markdown_cell("# A good one"), new_code_cell(writes), new_code_cell(holds_memory), new_code_cell(film)]
    bad = [new_code_cell("print('before')"), new_code_cell(""), new_code_cell("raise ValueError('first\\nlast')")]
    nbformat.write(new_notebook(cells=good), folder / "01_good.ipynb")
    nbformat.write(new_notebook(cells=bad), folder / "02_bad.ipynb")
    return folder


def test_rehearsal_of_a_good_notebook(workshop, notebooks, tmp_path, capfd):
    assert workshop.rehearse(["1"], notebooks, tmp_path / "out") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("01_good: cell 1 of 3")
    header, row = (line.split() for line in lines[lines.index("") + 1 :][:2])
    assert header == ["notebook", "minutes", "peak", "memory", "verdict"]
    assert (row[0], row[-1]) == ("01_good", "ok")
    if os.name != "nt":
        assert 300 < float(row[2]) < 1000
    executed = nbformat.read(tmp_path / "out" / "01_good.ipynb", as_version=4)
    assert executed.cells[2].outputs[0].text == f"{300 * 2**20} notebooks\n"
    page = (tmp_path / "out" / "01_good.html").read_text(encoding="utf-8")
    assert str(300 * 2**20) in page
    assert re.search(r'<img alt="A film" src="data:image/gif;base64,R0lGODlh"', page)
    assert "text/html" not in executed.cells[3].outputs[0].data  # the notebook stays as it ran
    assert (tmp_path / "out" / "files" / "01_good" / "mine.txt").exists()
    assert [path.name for path in notebooks.iterdir() if path.name != "02_bad.ipynb"] == ["01_good.ipynb"]


def test_a_rehearsal_that_fails_keeps_what_has_run_and_names_the_cell(workshop, notebooks, tmp_path, capfd):
    assert workshop.rehearse([], notebooks, tmp_path / "out") == 1
    rows = {line.split()[0]: line for line in capfd.readouterr().out.splitlines() if line}
    assert rows["01_good"].endswith("ok")
    assert rows["02_bad"].endswith("FAILED at cell 2: ValueError: last")
    executed = nbformat.read(tmp_path / "out" / "02_bad.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text == "before\n"
    assert "ValueError" in (tmp_path / "out" / "02_bad.html").read_text(encoding="utf-8")


def test_notebooks_are_chosen_by_number(workshop, notebooks):
    assert [path.stem for path in workshop.choose([], notebooks)] == ["01_good", "02_bad"]
    assert [path.stem for path in workshop.choose(["02", "1"], notebooks)] == ["02_bad", "01_good"]
    with pytest.raises(workshop.Problem, match=r"no notebook 07; there are 01_good, 02_bad"):
        workshop.choose(["07"], notebooks)
