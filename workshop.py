"""The one command of the workshop; it sets itself up when it needs to.

python workshop.py [options]            open the notebooks in JupyterLab (options go to JupyterLab)
python workshop.py my.ipynb [options]   the same, and open this notebook
python workshop.py test [options]       check that everything is sound (options go to pytest)
python workshop.py rehearse [NN ...]    run whole notebooks, all or e.g. 01 02, and report minutes and memory
python workshop.py slides [kind ...]    build the slides: html, pdf and pptx, or one of them, in presentation/build
python workshop.py site [FOLDER]        make web pages of the last rehearsal, to read without Python, in rehearsal/site;
                                        with a FOLDER of pages and pictures that people handed in, their gallery too

If the running Python already has the workshop's packages (conda, an activated .venv), it is used as it is.
Otherwise they are installed into the folder .venv beside this file, once. Set GANS_TORCH_INDEX to a pip index
to take torch from there.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # this folder: a file in it that is called random.py must not stand in for Python's own

import difflib
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NOTEBOOKS = ROOT / "notebooks"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What to type to begin anew. It empties the folder, which many file managers hide, and works in every shell.
ANEW = f"{'python' if os.name == 'nt' else 'python3'} -m venv --clear --without-pip .venv"
ANEW_313 = ANEW.replace("python3 ", "python3.13 ").replace("python ", "py -3.13 ")

# What a failing installation says -> what a person can do about it. The first match counts, and its line is shown.
ADVICE = (
    (
        r"No space left|Errno 28|Errno 122|WinError 112|ENOSPC|quota exceeded",
        "The disk is full: free 8 GB (2 GB are enough for torch without CUDA), also where temporary files go",
    ),
    (
        r"Read-only file system|Errno 30\b|EROFS|WinError 19\b|(?:Errno 13|WinError 5)\].*[\\/]\.venv'",
        "Nothing can be written here, because this folder is read-only or another person's: "
        "copy it to a place of your own, such as your home folder, change to the copy",
    ),
    (
        r"Long Path support|WinError 206|Errno 36|File name too long|ENAMETOOLONG",
        r"A path is too long for this system: move this folder to a short place, such as C:\gans-workshop",
    ),
    (
        r"certificate has expired|certificate is not yet valid|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID",
        "A certificate seems out of date: look whether the date and time of this computer are right",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)\w*CERT",
        "A certificate is not trusted, as where a school or a firm reads all traffic: take another network, such as "
        "a phone's, or set PIP_CERT (for Marp NODE_EXTRA_CA_CERTS) to the certificate file that its IT gives you",
    ),
    (
        r"requirement torch\S* \(from versions: \d",
        "PyTorch has no such version for this computer (Macs with an Intel processor, old Linux): "
        "take Miniforge, as README.md says under 'On your own computer'",
    ),
    (
        r"onnection|name resolution|getaddrinfo|unreachable|resolve host|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|timed out"
        r"|Proxy|SSL",
        "Check the internet connection (where there is a proxy, HTTPS_PROXY must name it)",
    ),
    (
        r"DO NOT MATCH THE HASHES|IncompleteRead|EINTEGRITY|BadZipFile|incorrect header check",
        "A download came damaged: set PIP_NO_CACHE_DIR=1, so that it is fetched anew",
    ),
    (
        r"'--user' install",
        "pip's settings say `user = true`, which no .venv allows: set PIP_USER=0, or take that line out of pip.conf "
        "(on Windows pip.ini)",
    ),
    (
        r"Permission denied|WinError 5\b|WinError 32|EPERM|EACCES|EBUSY",
        "A file is in use or read-only: close JupyterLab and VSCode",
    ),
    (
        r"No module named '?(?:venv|ensurepip)\b",
        "A part of this Python is missing: on Debian and Ubuntu type `sudo apt install python3-venv`, "
        "elsewhere take the installer from python.org (its 'embeddable package' is not enough)",
    ),
    (
        r"Failed to build|Failed building|metadata-generation-failed|Microsoft Visual C\+\+ 14",
        f"A package is not ready-made for this Python: take Python 3.13 from python.org and type `{ANEW_313}`",
    ),
    (
        r"No matching distribution found for torch",
        "pip finds no PyTorch for this Python on this computer: with an Intel processor in a Mac, or ARM in Windows, "
        "take Miniforge, as README.md says under 'On your own computer'; else take 64-bit Python 3.13 from python.org "
        f"and type `{ANEW_313}` (GANS_TORCH_INDEX, if set, may be wrong)",
    ),
    (
        r"No matching distribution",
        "pip's index has none for this Python: check PIP_INDEX_URL and GANS_TORCH_INDEX, or take Python 3.13 from "
        f"python.org and type `{ANEW_313}`",
    ),
    (
        r"ResolutionImpossible",
        "Wishes contradict each other: look for a line `constraint` in pip's settings "
        f"(`python -m pip config list`), or begin anew with `{ANEW}`",
    ),
    (
        r"WinError 126|WinError 1114|DLL load failed",
        "Windows lacks a part that torch needs: install https://aka.ms/vs/17/release/vc_redist.x64.exe",
    ),
    (
        r"MemoryError|ended by signal 9\b",
        "The memory was not enough: close other programs, set PIP_NO_CACHE_DIR=1",
    ),
    (r"ended by signal 4\b", "This processor is too old for PyTorch: use Colab, which README.md describes"),
)

# What looks at code and words before the tests run.
CHECKS = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["codespell_lib", "."])

# How the tests share the cores: a file at a time, in the order of tests/conftest.py; -n0 does without.
IN_PARALLEL = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")


class Problem(Exception):
    """Something that the person can mend, said in a sentence or two."""


def main(args: list) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this line is for the Pythons that are too old
        raise Problem(f"The workshop needs Python 3.11 or newer, this is {sys.version.split()[0]}: see python.org.")
    command, rest = command_of(args)
    if command is None:
        print(__doc__)
        return 0
    if not (ROOT / "pyproject.toml").exists() or not NOTEBOOKS.is_dir():
        raise Problem(f"workshop.py is alone in {ROOT}: unpack the whole ZIP, and start it in the unpacked folder.")
    if command is not COMMANDS["slides"]:
        lacks = missing_packages()
        if lacks == ["gans-workshop"] and not in_venv():
            raise Problem(
                "This Python has all packages, but not the workshop itself from this folder (was the folder moved?): "
                f"type `python -m pip install --no-deps -e .` in {ROOT}, then run the same command again."
            )
        if lacks and not in_venv():
            print(f"This Python lacks {in_short(lacks)}: using the one in .venv.", flush=True)
            make_venv()
            return run([VENV_PYTHON, __file__, *args])
        if lacks:
            install(lacks)
    return command(rest)


def command_of(args: list) -> tuple:
    """Return the function that these words ask for, or None for help, and the words that are for it."""
    word, rest = (args[0], args[1:]) if args else ("", [])
    if word in ("-h", "--help", "help") or (word in COMMANDS and word != "test" and {"-h", "--help"} & set(rest)):
        return None, []
    if word.endswith(".ipynb") and Path(word).is_file():
        return open_jupyterlab, [str(Path(word).resolve()), *rest]
    if word in COMMANDS:
        return COMMANDS[word], rest
    if word and not word.startswith("-"):
        meant = difflib.get_close_matches(word.lower(), COMMANDS, 1)
        hint = f"did you mean {meant[0]}? " if meant else ""
        raise Problem(f"workshop.py does not know '{word}': {hint}python workshop.py --help shows what it knows.")
    return open_jupyterlab, args


# The environment


def requirements() -> list:
    """List all that pyproject.toml asks for, as strings such as 'torch>=2.8'."""
    import tomllib  # not at the top: Pythons that are too old do not have it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]


def missing_packages() -> list:
    """Name what the running Python lacks; pip installs a package after those that it needs, so it names all."""
    return [line for line in requirements() if not has(line)] + ([] if has_this_checkout() else ["gans-workshop"])


def has(requirement: str) -> bool:
    from importlib import metadata

    name, _, at_least = requirement.partition(">=")
    try:
        return numbers(metadata.version(name)) >= numbers(at_least)
    except metadata.PackageNotFoundError:
        return False


def numbers(version: str) -> list:
    """'2.11.0+cu128' -> [2, 11, 0]; a version that a broken installation does not tell -> []."""
    return [int(n) for n in re.findall(r"\d+", re.match(r"[\d.]*", version or "").group())]


def has_this_checkout() -> bool:
    """Tell whether pip has installed the workshop, and `import gans_workshop` finds it in this very folder."""
    from importlib import metadata, util

    if not any(metadata.distributions(name="gans-workshop")):
        return False
    found = util.find_spec("gans_workshop")
    return bool(found and found.origin) and Path(found.origin).resolve().parent.parent == ROOT


def in_venv() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def make_venv() -> None:
    """Make .venv where its Python does not start. Nothing in it is ever deleted: it may be finished, and gigabytes.

    pip and packages are left to `install`, which that Python calls itself.
    """
    os.environ.pop("PYTHONHOME", None)  # another program's: no Python of a .venv starts with it
    forget_other_code_pages()
    if not complaint_of_venv():
        return
    if VENV.exists() and not VENV.is_dir():
        raise Problem(f"{VENV} is a file, and the workshop needs a folder of this name: give the file another name.")
    ours, theirs = ".".join(map(str, sys.version_info[:2])), python_of_venv()
    if theirs and theirs != ours:
        raise Problem(
            f"The folder .venv belongs to Python {theirs}, which does not start any more, and this is Python {ours}: "
            f"begin anew with `{ANEW}`, then run the same command again."
        )
    for python in VENV_PYTHON.parent.glob("python*"):
        python.unlink()  # a link to a Python that is gone, or one that was killed while it was written
    attempt("Making .venv", [sys.executable, "-P", "-m", "venv", "--without-pip", VENV])
    complaint = complaint_of_venv()
    if complaint:
        raise Problem(
            f"The Python in .venv does not start; nothing in it was deleted. Begin anew with `{ANEW}`, "
            f"then run the same command again.\n  {complaint}"
        )


def complaint_of_venv() -> str:
    """Start the Python in .venv: '' where it does, or the last line of what it says."""
    old = "import sys; sys.exit('it is older than 3.11' if sys.version_info < (3, 11) else 0)"
    try:
        done = subprocess.run([VENV_PYTHON, "-c", old], capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        return str(error)  # there is no .venv, or the Python that it was made from is gone
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return said[-1] if done.returncode else ""


def site_packages() -> list:
    return [*VENV.glob("lib/python3*/site-packages"), *VENV.glob("Lib/site-packages")]


def python_of_venv() -> str:
    """Return the version that the packages in .venv are for, such as '3.12'; '' where there is none to lose."""
    config = VENV / "pyvenv.cfg"
    known = re.search(r"(?m)^version(?:_info)? *= *(\d+\.\d+)", config.read_text("utf-8")) if config.is_file() else None
    return known[1] if known and any(path for place in site_packages() for path in place.iterdir()) else ""


def forget_other_code_pages() -> None:
    """Delete an old .pth of ours whose path has letters beyond ASCII: many Pythons misread it, or do not start."""
    for path in [path for place in site_packages() for path in place.glob("*gans_workshop*.pth")]:
        if not path.read_bytes().isascii():
            path.unlink()  # `has_this_checkout` notices, and pip writes one that has ASCII only


def install(lacks: list) -> None:
    """Install the workshop's packages into the running .venv; what is there already stays."""
    print(f"Installing {in_short(lacks)} into .venv; the first time takes minutes and needs the internet.", flush=True)
    os.environ["PIP_USER"] = "0"  # on some computers pip.conf says `user = true`, which no .venv allows
    pip = [sys.executable, "-P", "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode:
        attempt("Adding pip to .venv", [sys.executable, "-P", "-m", "ensurepip"])
    index = os.environ.get("GANS_TORCH_INDEX", "").strip(" '\"")
    if index:
        if not re.match(r"(?:https?|file)://", index):
            example = "https://download.pytorch.org/whl/cpu"
            raise Problem(f"GANS_TORCH_INDEX is '{index}', and must be an address such as {example}.")
        torch = [line for line in requirements() if line.startswith("torch")]
        attempt("Installing torch", [*pip, "install", "--index-url", index, *torch])
    builds = (
        ["--no-build-isolation"] if has("setuptools>=77") else []
    )  # after a move of this folder: no internet needed
    attempt("Installing the packages", [*pip, "install", *builds, "-e", ".[local,dev]"])
    still = [line for line in requirements() if not has(line)]
    if still:
        raise Problem(
            f"pip has finished, but {in_short(still)} is not in .venv: take lines such as `target` or `prefix` out of "
            f"pip's settings (`python -m pip config list` shows them), or begin anew with `{ANEW}`."
        )
    # In a new process, as this one read its .pth files before pip wrote ours; -P, or this folder would be found anyway
    attempt("Starting PyTorch", [sys.executable, "-P", "-c", "import torch, gans_workshop"])


def attempt(what: str, command: list, otherwise: str = f"begin anew with `{ANEW}`") -> None:
    """Run one step of the installation; raise Problem with advice and the lines of its message that say why."""
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode < 0:
        lines.append(f"It was ended by signal {-done.returncode}.")
    last = [line for line in lines if re.search(r"(?i)error\b.*:", line) and "subprocess" not in line] or lines
    known = [(advice, line) for pattern, advice in ADVICE for line in lines if re.search(pattern, line)]
    advice, cause = known[0] if known else (f"Read the message below, or {otherwise}", "")
    shown = list(dict.fromkeys([cause, *last[-1:]] if cause else last[-2:]))
    raise Problem("\n  ".join([f"{what} failed. {advice}, then run the same command again.", *shown]))


def in_short(names: list) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def run(command: list, **options) -> int:
    """Run a command to its end, also after Ctrl-C: the command got that too and tidies up (JupyterLab asks first)."""
    interrupted = False
    with subprocess.Popen(command, **options) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


# What it can do


def open_jupyterlab(args: list) -> int:
    files = Path.home() / "gans-workshop-files"
    if not writable(NOTEBOOKS) and not os.environ.get("GANS_WORKSHOP_FILES"):
        os.environ["GANS_WORKSHOP_FILES"] = str(files)
        print(
            f"This folder is read-only: what you make goes to {files}, and notebooks are saved by *Save As*.",
            flush=True,
        )
    for file in namesakes(NOTEBOOKS):
        print(
            f"CAREFUL: {file.name} in {file.parent.name} has the name of a part of Python or of a package; a notebook "
            "that needs the real one may stop, or not start: give your file another name.",
            flush=True,
        )
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # -P: JupyterLab looks for its own parts beside the notebooks otherwise, and dies of a file called random.py
    return run([sys.executable, "-P", "-m", "jupyterlab", *as_root, *args], cwd=NOTEBOOKS)


def writable(folder: Path) -> bool:
    probe = folder / f".writable-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def need_writable(folder: Path) -> None:
    if not writable(folder):
        raise Problem(
            f"Nothing can be written in {folder}: copy the workshop to a place of your own, and start it there."
        )


def namesakes(folder: Path) -> list:
    """List the files and packages in a folder that `import` could take for Python's own or for installed ones."""
    from importlib import util

    mine = [path for path in sorted(folder.iterdir()) if path.suffix == ".py" or (path / "__init__.py").is_file()]
    mine = [path for path in mine if path.stem.isidentifier() and not path.stem.startswith("__")]
    return [path for path in mine if path.stem in sys.stdlib_module_names or util.find_spec(path.stem)]


def test(args: list) -> int:
    python = [sys.executable, "-P", "-m"]
    checks = [run([*python, *check], cwd=ROOT) for check in CHECKS]
    if (ROOT / "presentation").is_dir() and COMMANDS["slides"](["fetch"]):
        print("Until then the tests that look at slides are skipped.", flush=True)
    if any(checks):
        print("ruff or codespell has found something, see above; now the tests.", flush=True)
    env = {"OMP_NUM_THREADS": "1", **os.environ}  # two tests at a time must not fight for the same cores
    return run([*python, "pytest", *IN_PARALLEL, *args], cwd=ROOT, env=env) or int(any(checks))


def tool(name: str):
    """Return the function that runs a program of ours in tools/ in this environment."""
    return lambda args: run([sys.executable, "-P", ROOT / "tools" / name, *args])


COMMANDS = {
    "test": test,
    "rehearse": tool("rehearse.py"),
    "slides": tool("make_slides.py"),
    "site": tool("make_site.py"),
}


def begin(work) -> None:
    """Do the work that the command line asks for; what a person can mend is said without a stack trace."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # some terminals on Windows cannot show every character
            stream.reconfigure(errors="replace")
    try:
        sys.exit(work(sys.argv[1:]))
    except (Problem, OSError) as problem:
        sys.exit(f"\n{problem}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    begin(main)
