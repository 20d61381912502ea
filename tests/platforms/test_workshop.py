"""workshop.py: what it runs, how it sets itself up, and what it says when that fails."""

import ast
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

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
    assert commands == [([sys.executable, "-P", "-m", "jupyterlab", *args], workshop.NOTEBOOKS)]


def test_a_notebook_can_be_named(workshop, commands, tmp_path, monkeypatch):
    (tmp_path / "mine.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    workshop.main(["mine.ipynb", "--no-browser"])
    assert commands[0][0][3:] == ["jupyterlab", str(tmp_path / "mine.ipynb"), "--no-browser"]


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
    assert workshop.main(["slides", "doc"]) == 1


@pytest.mark.parametrize("word", ["rehearse", "site"])
def test_what_is_in_tools_runs_in_this_environment_and_gets_the_words(workshop, monkeypatch, word):
    seen = []
    monkeypatch.setattr(workshop, "missing_packages", list)
    monkeypatch.setattr(workshop, "run", lambda command, **options: seen.append(command) or 3)
    assert workshop.main([word, "02", "1"]) == 3
    ((python, safe, program, *rest),) = seen
    assert (python, safe, rest) == (sys.executable, "-P", ["02", "1"])
    assert program.is_file() and program.parent == ROOT / "tools"


def test_a_program_in_tools_says_what_to_mend_in_one_sentence():
    for words, said in (
        (["slides", "doc"], "cannot be built as 'doc'; there are html"),
        (["site", "x"], "takes one folder"),
    ):
        done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True)
        assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1 and said in done.stderr


@pytest.mark.parametrize("args", [["help"], ["-h"], ["slides", "--help"], ["rehearse", "-h"], ["site", "-h"]])
def test_help_is_where_people_look_for_it(workshop, args, capsys):
    assert workshop.main(args) == 0
    assert capsys.readouterr().out.strip() == workshop.__doc__.strip()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("tset", "did you mean test"), ("Slides", "did you mean slides"), ("install", "--help"), ("gone.ipynb", "--help")],
)
def test_an_unknown_word_is_named(workshop, word, hint):
    with pytest.raises(workshop.Problem, match=rf"does not know '{word}': .*{hint}.*--help shows|'{word}'.*--help"):
        workshop.main([word])


def test_a_script_that_was_taken_out_of_the_zip_alone_says_so(tmp_path):
    shutil.copy(SCRIPT, tmp_path)
    done = subprocess.run([sys.executable, tmp_path / "workshop.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "workshop.py is alone in" in done.stderr and "unpack the whole ZIP" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


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


def pretend_installed(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


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


@pytest.mark.parametrize(
    ("installed", "found", "expected"),
    [
        (True, "here", True),
        (True, "elsewhere", False),  # a copy, or another checkout
        (True, None, False),  # a .pth that this Python has misread
        (False, "here", False),  # pip was killed before it finished
    ],
)
def test_the_package_must_be_found_in_this_checkout(workshop, monkeypatch, tmp_path, installed, found, expected):
    from importlib import metadata, util
    from importlib.machinery import ModuleSpec

    place = {"here": workshop.ROOT, "elsewhere": tmp_path}.get(found)
    spec = place and ModuleSpec("gans_workshop", None, origin=str(place / "gans_workshop" / "__init__.py"))
    monkeypatch.setattr(util, "find_spec", lambda name: spec)
    monkeypatch.setattr(metadata, "distributions", lambda name: iter(["gans-workshop"] if installed else []))
    assert workshop.has_this_checkout() is expected


def test_a_python_that_lacks_only_the_checkout_gets_no_second_environment(workshop, monkeypatch):
    """As conda's after the folder was moved: one line of pip mends it, and 6 GB in .venv would not be needed."""
    monkeypatch.setattr(workshop, "missing_packages", lambda: ["gans-workshop"])
    monkeypatch.setattr(workshop, "make_venv", lambda: pytest.fail("made a .venv"))
    monkeypatch.setattr(workshop, "in_venv", lambda: False)
    with pytest.raises(workshop.Problem, match=r"has all packages.*python -m pip install --no-deps -e \."):
        workshop.main([])


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
        for path in (self.root / "notebooks", self.root / "gans_workshop", self.shelf, self.torch_index / "torch"):
            path.mkdir(parents=True)
        shutil.copy(SCRIPT, self.root)
        (self.root / "gans_workshop" / "__init__.py").touch()
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
        wheel = make_wheel(self.torch_index / "torch", "torch", "99.0+cpu", {"torch.py": ""})
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


def test_settings_of_pip_and_python_that_a_venv_does_not_bear_are_switched_off(ready):
    for half_installed in ready.venv.rglob("gans_workshop-*.dist-info"):
        shutil.rmtree(half_installed)
    done = ready.run(PIP_USER="1", PYTHONHOME=sys.base_prefix)  # a variable of pip's counts more than its pip.conf
    assert done.returncode == 0, done.stderr
    assert "Installing gans-workshop" in done.stdout and last_line(done).startswith("jupyterlab ")


def test_an_index_that_is_no_address_is_named(ready):
    for half_installed in ready.venv.rglob("gans_workshop-*.dist-info"):
        shutil.rmtree(half_installed)
    assert "GANS_TORCH_INDEX is 'cpu', and must be an address such as https" in ready.run(GANS_TORCH_INDEX="cpu").stderr
    quoted = ready.run(GANS_TORCH_INDEX=f'"{ready.torch_index.as_uri()}"')  # as `set` on Windows leaves it
    assert quoted.returncode == 0, quoted.stderr


def test_files_that_are_called_like_parts_of_python_stop_nothing(ready):
    """Beside the notebooks and beside workshop.py; those beside the notebooks are named."""
    names = ("random", "calendar", "types", "re")
    for folder in (ready.root, ready.root / "notebooks"):
        for name in names:
            (folder / f"{name}.py").write_text("raise SystemExit('not the real one')")
    try:
        done = ready.run("--no-browser")
    finally:
        for folder in (ready.root, ready.root / "notebooks"):
            for name in names:
                (folder / f"{name}.py").unlink()
    assert done.returncode == 0, done.stderr
    assert last_line(done).endswith("--no-browser in notebooks")
    said = re.findall(r"CAREFUL: (\w+)\.py in notebooks", done.stdout)
    assert sorted(said) == sorted(names)


def test_a_failing_installation_says_what_to_do_and_shows_no_stack_trace(ready):
    ready.needs("torch>=99", "gans-fake-nowhere>=7")
    done = ready.run()
    assert done.returncode == 1
    assert "Installing the packages failed. pip's index has none for this Python" in done.stderr
    assert "No matching distribution found for gans-fake-nowhere>=7" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert "jupyterlab" not in done.stdout


@pytest.fixture
def place(workshop, monkeypatch, tmp_path):
    """A folder in which workshop.py makes its .venv."""
    monkeypatch.setattr(workshop, "VENV_PYTHON", tmp_path / ".venv" / workshop.VENV_PYTHON.relative_to(workshop.VENV))
    monkeypatch.setattr(workshop, "VENV", tmp_path / ".venv")
    return tmp_path / ".venv"


def fill(venv: Path, *, python: str) -> Path:
    """Make a finished environment whose Python does not start; return a file in it that was hard to get."""
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"home = /gone\nversion = {python}\n", encoding="utf-8")
    packages = venv / ("Lib" if os.name == "nt" else f"lib/python{python}") / "site-packages"
    packages.mkdir(parents=True)
    (packages / "torch.so").write_text("gigabytes")
    return packages / "torch.so"


THIS = ".".join(map(str, sys.version_info[:2]))


def test_a_venv_without_a_python_that_runs_gets_one_and_keeps_its_packages(workshop, place):
    torch = fill(place, python=THIS)
    workshop.VENV_PYTHON.parent.mkdir(exist_ok=True)
    workshop.VENV_PYTHON.write_text("killed while it was being written")
    workshop.make_venv()
    prefix = subprocess.check_output([workshop.VENV_PYTHON, "-c", "import sys; print(sys.prefix)"], text=True).strip()
    assert Path(prefix).samefile(place)
    assert torch.exists()
    (place / "kept").touch()
    workshop.make_venv()
    assert (place / "kept").exists()  # a Python that runs is left alone


def test_a_venv_of_another_python_is_not_emptied(workshop, place):
    torch = fill(place, python="3.8")
    with pytest.raises(
        workshop.Problem, match=rf"belongs to Python 3\.8, .*this is Python {THIS}: begin anew with `py"
    ):
        workshop.make_venv()
    assert torch.exists()


def test_a_venv_that_cannot_be_mended_is_not_emptied(workshop, place, monkeypatch):
    """Its Python dies as it starts, whatever is done: here of a .pth that belongs to somebody else."""
    torch = fill(place, python=THIS)
    (torch.parent / "theirs.pth").write_text("import os; print('no start today', file=os.sys.stderr); os._exit(3)\n")
    with pytest.raises(workshop.Problem, match=r"does not start; nothing in it was deleted(.|\n)*no start today"):
        workshop.make_venv()
    assert torch.exists()


def test_the_way_to_begin_anew_works_in_every_shell(workshop, place):
    torch = fill(place, python="3.8")
    _, *words = workshop.ANEW.split()
    subprocess.run([sys.executable, *words], cwd=place.parent, check=True)
    assert not torch.exists() and not workshop.complaint_of_venv()
    with_313 = "py -3.13" if os.name == "nt" else "python3.13"
    assert workshop.ANEW_313.split() == [*with_313.split(), *words]


def test_a_file_called_venv_is_named(workshop, place):
    place.write_text("an old text")
    with pytest.raises(workshop.Problem, match=r"\.venv is a file.*give the file another name"):
        workshop.make_venv()
    assert place.read_text() == "an old text"


@pytest.mark.skipif(os.name == "nt", reason="a locale")
def test_an_old_installation_that_the_locale_misreads_is_repaired_and_not_emptied(workshop, place, monkeypatch):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python3*/site-packages")
    (packages / "torch.so").write_text("gigabytes")
    (packages / "_editable_impl_gans_workshop.pth").write_text("/home/me/Universität", encoding="utf-8")
    (packages / "other_gans_workshop.pth").write_text("/home/me", encoding="utf-8")
    monkeypatch.setenv("LC_ALL", "C")
    assert ("codec" in workshop.complaint_of_venv()) == (sys.version_info < (3, 13))
    workshop.make_venv()
    assert workshop.complaint_of_venv() == ""
    assert sorted(path.name for path in packages.glob("*gans*")) == ["other_gans_workshop.pth"]
    assert (packages / "torch.so").exists()


def test_the_installation_leaves_no_letter_beyond_ascii_in_a_pth(tmp_path):
    """Python up to 3.12 reads a .pth in the code page of the system, and Windows' is not UTF-8."""
    checkout = tmp_path / "OneDrive - Universität" / "Ářж 日本"
    (checkout / "gans_workshop").mkdir(parents=True)
    (checkout / "gans_workshop" / "__init__.py").write_text("here = True")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    back = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["build-backend"]
    make = f"import {back} as backend; backend.build_editable({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-P", "-c", make], cwd=checkout, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    pths = list((tmp_path / "site").glob("*.pth"))
    assert pths and all(path.read_bytes().isascii() for path in pths)
    use = f"import site; site.addsitedir({str(tmp_path / 'site')!r}); import gans_workshop; assert gans_workshop.here"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for locale in ("C", "C.UTF-8"):
        subprocess.run([sys.executable, "-S", "-P", "-c", use], cwd=tmp_path, env=env | {"LC_ALL": locale}, check=True)


NONE = "ERROR: Could not find a version that satisfies the requirement {0} (from versions: {1})\n"
NONE += "ERROR: No matching distribution found for {0}"
REFUSED = "WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
REFUSED += "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in chain')': /simple/torch/\n"


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: [Errno 122] Disk quota exceeded", "disk is full"),
        ("npm error code ENOSPC", "disk is full"),
        ("WARNING: Retrying: NewConnectionError\n" + NONE.format("torch>=2.8", "none"), "internet"),
        ("npm error getaddrinfo EAI_AGAIN registry.npmjs.org", "internet"),
        ("ERROR: Could not install: ProxyError('Cannot connect to proxy.', 407)", "HTTPS_PROXY"),
        ("ERROR: [WinError 5] Access is denied: 'torch.dll'", "close JupyterLab and VSCode"),
        ("Error: [Errno 13] Permission denied: '/opt/course/.venv'", "copy it to a place of your own"),
        ("Error: [WinError 5] Access is denied: 'Z:\\\\course\\\\.venv'", "copy it to a place of your own"),
        ("Error: [Errno 30] Read-only file system: 'x/.venv'", "read-only"),
        ("npm error EROFS: read-only file system, mkdir 'node_modules'", "read-only"),
        ("/usr/bin/python3: No module named ensurepip", "sudo apt install python3-venv"),
        ("C:\\embedded\\python.exe: No module named venv", "installer from python.org"),
        (NONE.format("torch>=2.8", "2.2.0, 2.2.1, 2.2.2"), "Macs with an Intel processor, old Linux): take Miniforge"),
        (
            NONE.format("torch>=2.8", "none"),
            "take Miniforge, as README.md says under 'On your own computer'; else take 64-bit Python 3.13",
        ),
        (NONE.format("torchvision>=0.23", "none"), "Miniforge"),
        (NONE.format("pillow-heif>=0.18", "none"), "pip's index has none for this Python"),
        ("ERROR: Can not perform a '--user' install. User site-packages are not visible.", "PIP_USER=0"),
        (REFUSED + NONE.format("torch>=2.8", "none"), "PIP_CERT"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"),
        ("SSLError: certificate verify failed: certificate is not yet valid", "date and time"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "PIP_NO_CACHE_DIR=1"),
        ("error: Microsoft Visual C++ 14.0 or greater is required.", "take Python 3.13"),
        ("HINT: This system does not have Windows Long Path support enabled.", "too long"),
        ("OSError: [WinError 126] Error loading 'fbgemm.dll' or one of its dependencies.", "vc_redist"),
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io", "`constraint`"),
        ("MemoryError", "memory"),
        ("ERROR: something that nobody has seen before", "--clear --without-pip .venv"),
    ],
)
def test_each_known_failure_has_its_advice(workshop, message, advice):
    failing = [sys.executable, "-c", f"import sys; sys.exit({message!r})"]
    with pytest.raises(workshop.Problem) as problem:
        workshop.attempt("Installing torch", failing)
    first, *shown = str(problem.value).splitlines()
    assert first.startswith("Installing torch failed. ") and first.endswith(", then run the same command again.")
    assert advice in first
    assert str(problem.value).endswith(message.splitlines()[-1])
    assert len(shown) <= 2
    known = [pattern for pattern, text in workshop.ADVICE if text in first]
    assert not known or any(re.search(known[0], line) for line in shown), "the line that says it is shown"


@pytest.mark.skipif(os.name == "nt", reason="a signal")
def test_a_step_that_the_system_ends_without_a_word_has_its_advice(workshop):
    for number, advice in ((9, "memory was not enough"), (4, "too old for PyTorch")):
        with pytest.raises(workshop.Problem, match=rf"{advice}(.|\n)*signal {number}\."):
            workshop.attempt("Starting torch", [sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})"])


def test_the_second_way_of_the_readme_is_where_the_advice_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Miniforge" in readme.split("\n## On your own computer\n")[1].split("\n## ")[0]


# Beside the notebooks


def test_in_a_read_only_folder_files_go_home(workshop, commands, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    monkeypatch.setattr(workshop, "writable", lambda folder: False)
    monkeypatch.setattr(workshop.Path, "home", lambda: tmp_path)
    workshop.main([])
    assert os.environ.pop("GANS_WORKSHOP_FILES") == str(tmp_path / "gans-workshop-files")
    assert "read-only: what you make goes to" in capsys.readouterr().out


def test_writable_tries_it(workshop, tmp_path):
    assert workshop.writable(tmp_path) and not list(tmp_path.iterdir())
    assert not workshop.writable(tmp_path / "gone")


def test_namesakes_are_those_of_python_and_of_what_is_installed(workshop, tmp_path):
    for name in ("types.py", "numpy.py", "my_helpers.py", "two words.py", "__init__.py", "notes.txt"):
        (tmp_path / name).touch()
    for package in ("torch", "random"):
        (tmp_path / package).mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    assert [path.name for path in workshop.namesakes(tmp_path)] == ["numpy.py", "torch", "types.py"]
