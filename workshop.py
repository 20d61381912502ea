"""The one command of the workshop; it sets itself up when it needs to.

python workshop.py [options]            open the notebooks in JupyterLab (options go to JupyterLab)
python workshop.py my.ipynb [options]   the same, and open this notebook
python workshop.py test [options]       check that everything is sound (options go to pytest)
python workshop.py rehearse [NN ...]    run whole notebooks, all or e.g. 01 02, and report minutes and memory
python workshop.py slides [kind ...]    build the slides: html, pdf and pptx, or one of them, in presentation/build

If the running Python already has the workshop's packages (conda, an activated .venv), it is used as it is.
Otherwise they are installed into the folder .venv beside this file, once. Set GANS_TORCH_INDEX to a pip index
to take torch from there.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # this folder: a file in it that is called random.py must not stand in for Python's own

import base64
import difflib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
from html import unescape
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent
NOTEBOOKS = ROOT / "notebooks"
REHEARSAL = ROOT / "rehearsal"
SLIDES = ROOT / "presentation"
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


# Where a browser may be: its command, or its place on macOS and Windows. The first one counts.
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
BROWSER_FILES = (
    "/Applications/{0}.app/Contents/MacOS/{0}",
    "{PROGRAMFILES}/{1}/Application/{2}.exe",
    "{PROGRAMFILES(X86)}/{1}/Application/{2}.exe",
    "{LOCALAPPDATA}/{1}/Application/{2}.exe",
)
BROWSER_NAMES = (
    ("Google Chrome", "Google/Chrome", "chrome"),
    ("Chromium", "Chromium", "chrome"),
    ("Microsoft Edge", "Microsoft/Edge", "msedge"),
)


# What a slide may show or play, and how a page names its kind. Browsers show nothing else (no HEIC, no TIFF).
KINDS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), "image/jpeg"),
    **dict.fromkeys((".png", ".apng"), "image/png"),
    **{f".{kind}": f"image/{kind}" for kind in ("gif", "webp", "avif", "bmp")},
    **{".svg": "image/svg+xml", ".ico": "image/x-icon", ".mp4": "video/mp4", ".m4v": "video/mp4"},
    **{".webm": "video/webm", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav"},
    **{f".{kind}": f"font/{kind}" for kind in ("woff2", "woff", "ttf", "otf")},
}
# Where a page names such files: in a tag, in the style of a tag, and in a style sheet.
TAG = r"<(?:img|image|video|audio|source|input)\b[^>]*>"
ATTRIBUTE = r"""(\s(?:src|poster|href|xlink:href)=")([^"]+)(")"""
STYLES = r"""(?s)\sstyle="[^"]*"|<style\b.*?</style>"""
URL = r"""(?<!@import )(\burl\((&quot;|"|'|))(.+?)(\2\))"""


# The pages of a rehearsal: nbconvert's own, with folds, and without the programs that it fetches from the internet.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>.jp-CodeCell summary { margin: 8px 82px; font: 14px sans-serif; }
.jp-OutputArea-output pre { word-break: normal !important; overflow-wrap: anywhere; }</style>{%- endblock -%}
{%- macro under(words, inside) -%}
{%- if words -%}<details><summary>{{ words | escape }}</summary>{{ inside }}</details>
{%- else -%}{{ inside }}{%- endif -%}
{%- endmacro -%}
{%- block input_group -%}{{ under(cell.metadata.code_under, super()) }}{%- endblock -%}
{%- block output_group -%}{{ under(cell.metadata.outputs_under, super()) }}{%- endblock -%}
"""
FORMULA = r"(?s)```.*?```|`[^`\n]*`|\$\$(.+?)\$\$|\$([^$\n]+)\$"

# What looks at code and words before the tests run.
CHECKS = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["codespell_lib", "."])

# How the tests share the cores: a file at a time, in the order of tests/conftest.py; -n0 does without.
IN_PARALLEL = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")


class Problem(Exception):
    """Something that the person can mend, said in a sentence or two."""


def main(args: list) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this line is for the Pythons that are too old
        raise Problem(f"The workshop needs Python 3.11 or newer, this is {sys.version.split()[0]}: see python.org.")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # some terminals on Windows cannot show every character
    command, rest = command_of(args)
    if command is None:
        print(__doc__)
        return 0
    if not (ROOT / "pyproject.toml").exists() or not NOTEBOOKS.is_dir():
        raise Problem(f"workshop.py is alone in {ROOT}: unpack the whole ZIP, and start it in the unpacked folder.")
    if command is not slides:
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
    if word in ("-h", "--help", "help") or (word in ("slides", "rehearse") and {"-h", "--help"} & set(rest)):
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
    if SLIDES.is_dir():
        try:
            marp_command()
        except Problem as problem:
            print(f"{problem}\nUntil then the tests that look at slides are skipped.", flush=True)
    if any(checks):
        print("ruff or codespell has found something, see above; now the tests.", flush=True)
    env = {"OMP_NUM_THREADS": "1", **os.environ}  # two tests at a time must not fight for the same cores
    return run([*python, "pytest", *IN_PARALLEL, *args], cwd=ROOT, env=env) or int(any(checks))


def slides(args: list, decks: Path = SLIDES, folder: Path = SLIDES / "build") -> int:
    """Build each deck of `decks` as one HTML file that needs nothing else, as PDF with notes, and for PowerPoint."""
    ways = {"html": [], "pdf": ["--pdf", "--pdf-notes"], "pptx": ["--pptx", "--image-scale", "1.5"]}
    kinds = [kind.lower().lstrip(".-") for kind in args] or list(ways)
    unknown = [kind for kind in kinds if kind not in ways]
    if unknown:
        raise Problem(f"Slides cannot be built as '{unknown[0]}'; there are {', '.join(ways)}.")
    chosen = [path for path in sorted(decks.glob("*.md")) if is_deck(path)]
    if not chosen:
        raise Problem(
            f"There is no deck in {decks}: one is a file such as mine.md that begins with ---, marp: true, ---."
        )
    marp = [*marp_command(), "--no-stdin", "--config-file", SLIDES / "marp.json", "--theme", SLIDES / "theme.css"]
    marp += ["--allow-local-files", "--browser-path", find_browser(), "--browser-timeout", "120"]
    for deck in chosen:
        with tempfile.TemporaryDirectory() as place:  # the page says first which pictures are missing, in any kind
            page = build(marp, deck, Path(place) / f"{deck.stem}.html").read_text(encoding="utf-8")
            page = with_pictures_inside(page, deck)
        for kind in kinds:
            made = folder / f"{deck.stem}.{kind}"
            if kind == "html":
                folder.mkdir(parents=True, exist_ok=True)
                made.write_text(page, encoding="utf-8")
            else:
                build([*marp, *ways[kind]], deck, made)
    print(f"The slides are in {folder}: {', '.join(deck.stem for deck in chosen)} as {', '.join(kinds)}.", flush=True)
    return 0


def is_deck(path: Path) -> bool:
    """Tell whether `marp: true` is in the front matter of a Markdown file; say so where only that is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{path.name} is not in UTF-8: save it again in an editor, with UTF-8 as its encoding.") from None
    front = re.match(r"-{3,}[ \t]*\n(.*?)^-{3,}[ \t]*$", text, re.DOTALL | re.MULTILINE)
    if front and not re.search(r"(?m)^marp:[ \t]*true\b", front[1]):
        print(f"{path.name} is not built: the lines between its first two --- lack `marp: true`.", flush=True)
        return False
    return bool(front)


def build(marp: list, deck: Path, made: Path) -> Path:
    try:
        made.unlink(missing_ok=True)
    except PermissionError:
        raise Problem(
            f"{made.name} is open in another program: close it there, and run the same command again."
        ) from None
    if run([*marp, deck, "-o", made], cwd=ROOT) or not made.exists():
        raise Problem(f"Marp has not made {made.name}: its message stands above.")
    return made


def marp_command() -> list:
    """Return the command of the Marp that presentation/package-lock.json fixes; fetch it the first time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or numbers(subprocess.getoutput(f'"{node}" --version').lstrip("v")) < [18]:
        where = "get it from nodejs.org, or on Debian and Ubuntu with: sudo apt install nodejs npm"
        raise Problem(f"The slides need Node.js 18 or newer with npm: {where}.")
    if not has_marp():
        need_writable(SLIDES)
        print("Fetching Marp into presentation/node_modules; the first time needs the internet.", flush=True)
        attempt(
            "Fetching Marp",
            [npm, "ci", "--prefix", SLIDES, "--no-audit", "--no-fund"],
            otherwise="delete the folder presentation/node_modules",
        )
    return [node, SLIDES / "node_modules" / "@marp-team" / "marp-cli" / "marp-cli.js"]


def has_marp() -> bool:
    """Tell whether npm has fetched all that package-lock.json fixes, by versions: a checkout changes all times."""

    def versions(file: Path) -> dict:
        packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
        return {name: info.get("version") for name, info in packages.items() if name and not info.get("optional")}

    try:
        there = versions(SLIDES / "node_modules" / ".package-lock.json")
    except (OSError, ValueError):
        return False
    return versions(SLIDES / "package-lock.json").items() <= there.items()


def find_browser() -> str:
    """Find Chrome, Chromium or Edge; CHROME_PATH names another one."""
    places = [os.environ.get("CHROME_PATH")] if os.environ.get("CHROME_PATH") else []
    places += [shutil.which(name) for name in BROWSERS]
    folders = {"PROGRAMFILES": "", "PROGRAMFILES(X86)": "", "LOCALAPPDATA": "", **os.environ}
    places += [file.format(*names, **folders) for file in BROWSER_FILES for names in BROWSER_NAMES]
    for place in filter(None, places):
        if Path(place).is_file():
            return place
    where = "get one from google.com/chrome, or on Debian and Ubuntu with: sudo apt install chromium"
    raise Problem(f"The slides need Chrome, Chromium or Edge: {where}. CHROME_PATH may name its program file.")


def with_pictures_inside(page: str, deck: Path) -> str:
    """Put pictures, films and fonts into the page of a deck, so that one file is the whole deck."""

    def data(match) -> str:
        return match[1] + as_data(unescape(match[match.lastindex - 1]), deck) + match[match.lastindex]

    def inside(match) -> str:
        return re.sub(URL, data, match.group())

    parts = re.split(r"(?s)(<script\b.*?</script>)", page)  # what belongs to Marp's own program is left alone
    for i, part in enumerate(parts[::2]):
        part = re.sub(TAG, lambda tag: re.sub(ATTRIBUTE, data, tag.group()), part)
        parts[2 * i] = re.sub(STYLES, inside, part)
    styles = "".join(re.findall(STYLES, "".join(parts[::2])))
    fetched = sorted(
        set(re.findall(r"""(?:@import\s*|url\()["']?https?://([^/"')]+)""", styles.replace("@import url(", "@import ")))
    )
    if fetched:
        print(f"CAREFUL: {deck.stem} takes fonts from {', '.join(fetched)}: without internet it looks different.")
    return "".join(parts)


def as_data(address: str, deck: Path) -> str:
    """Turn the address of a picture into the picture itself; one that needs no file comes back as it is."""
    if re.match(r"data:|#|about:|blob:", address):
        return address
    if re.match(r"(?:https?:)?//", address):
        if KINDS.get(Path(address).suffix.lower(), "").startswith("font"):
            return address
        raise Problem(
            f"{deck.name} shows {address}, which needs the internet: save it beside {deck.name}, and name that."
        )
    file = file_of(address, deck)
    if file.suffix.lower() not in KINDS:
        raise Problem(
            f"{deck.name} shows {file.name}, which no browser can: save it as JPEG, PNG or MP4, and name that."
        )
    return f"data:{KINDS[file.suffix.lower()]};base64,{base64.b64encode(file.read_bytes()).decode()}"


def file_of(address: str, deck: Path) -> Path:
    """Find the file of an address, as it is spelled or with %20 and ?v=2 read as browsers do; else raise Problem."""
    bare = re.sub(r"[?#].*", "", address)
    spellings = dict.fromkeys([address, unquote(address), bare, unquote(bare)])
    for spelling in spellings:
        for folder in (deck.parent, SLIDES):  # theme.css names files from its own folder
            file = folder / re.sub(r"^file://(?:/(?=[A-Za-z]:))?", "", spelling)
            if "\0" not in spelling and file.is_file():
                return file
    raise Problem(f"{deck.name} shows {unquote(bare)}, which is not there{instead(deck.parent / unquote(bare))}")


def instead(gone: Path) -> str:
    """Say what to do about a file that is not there: there may be one of nearly the same name."""
    here = [path.name for path in gone.parent.iterdir() if path.is_file()] if gone.parent.is_dir() else []
    if "\\" in gone.name:
        return ": write / for \\ in its path."
    if unicodedata.normalize("NFC", gone.name) in [unicodedata.normalize("NFC", name) for name in here]:
        return " in this spelling (Macs store ä as two signs): type the name of the file and of the slide anew."
    near = [name for name in here if name.casefold() == gone.name.casefold()]
    near = near or difflib.get_close_matches(gone.name, here, 1, cutoff=0.8)
    if near:
        return f": is it {near[0]}?"
    if gone.parent.name == "presentation-images" and gone.suffix == ".png":
        return ": put it there, or make ours again with python presentation-images/make_images.py."
    return f": put it into {gone.parent.resolve()}."


def rehearse(args: list, notebooks: Path = NOTEBOOKS, folder: Path = REHEARSAL) -> int:
    """Run each notebook in a process of its own, whose only child, the kernel, is the one whose memory is measured."""
    results = []
    chosen = choose(args, notebooks)
    need_writable(folder if folder.is_dir() else folder.parent)
    for notebook in chosen:
        record = folder / f"{notebook.stem}.json"
        record.unlink(missing_ok=True)
        code = run([sys.executable, __file__, "rehearse-one", notebook, folder])
        died = {"notebook": notebook.stem, "verdict": f"FAILED: the rehearsal itself ended with exit code {code}"}
        results.append(json.loads(record.read_text(encoding="utf-8")) if record.exists() else died)
    print("\n" + table(results) + f"\n\nThe executed notebooks and their HTML are in {folder}")
    return int(any(result["verdict"] != "ok" for result in results))


def choose(numbers: list, notebooks: Path) -> list:
    """List the notebooks with these numbers ('2' and '02' are the same), or all of them."""
    known = {path.name.partition("_")[0]: path for path in sorted(notebooks.glob("[0-9]*_*.ipynb"))}
    wanted = [Path(number).name.partition("_")[0].zfill(2) for number in numbers]  # 2, 02 and notebooks/02_... are one
    for number, name in zip(wanted, numbers):
        if number not in known:
            there = ", ".join(path.stem for path in known.values())
            raise Problem(f"There is no notebook {name}; there are {there}.")
    return [known[number] for number in wanted] or list(known.values())


def rehearse_one(args: list) -> int:
    """Execute one notebook; write it with its outputs, as HTML, and its row of the table."""
    import nbformat  # here and below: only the prepared environment has them

    if len(args) != 2:
        raise Problem("rehearse-one is a part of rehearse: type python workshop.py rehearse 02")
    source, folder = map(Path, args)
    files = folder / "files" / source.stem  # fresh each time; the person's own files stay out of it
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    os.environ["GANS_WORKSHOP_FILES"] = str(files)

    book = nbformat.read(source, as_version=4)
    start = time.monotonic()
    verdict = execute(book, source)
    minutes = (time.monotonic() - start) / 60
    progress(f"{source.stem}: {verdict}, {minutes:.1f} minutes", last=True)

    nbformat.write(book, folder / source.name)
    (folder / f"{source.stem}.html").write_text(as_page(book), encoding="utf-8")
    row = {"notebook": source.stem, "minutes": minutes, "peak_mb": peak_memory(), "verdict": verdict}
    (folder / f"{source.stem}.json").write_text(json.dumps(row, indent=1), encoding="utf-8")
    return int(verdict != "ok")


def as_page(book) -> str:
    """Turn an executed notebook into one HTML page that needs no internet and folds what answers a question."""
    import nbconvert
    from jinja2 import DictLoader

    films_as_html(book)
    controls_as_words(book)
    fold(book)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(FORMULA, formula, cell.source)
    template = DictLoader({"folded.html.j2": TEMPLATE})
    page, _ = nbconvert.HTMLExporter(template_file="folded.html.j2", extra_loaders=[template]).from_notebook_node(book)
    return page


def films_as_html(book) -> None:
    """Give each GIF as HTML too: nbconvert knows no other way to show one."""
    for output in [output for cell in book.cells for output in cell.get("outputs", [])]:
        gif = output.get("data", {}).get("image/gif")
        if gif:
            alt = output.metadata.get("image/gif", {}).get("alt", "a film")
            output.data["text/html"] = f'<img src="data:image/gif;base64,{gif}" alt="{alt}">'


def fold(book) -> None:
    """Name in each cell's metadata what hides its code (solutions, sealed cells) and its outputs (after a Predict)."""
    guess = False
    for cell in book.cells:
        if cell.cell_type != "code":
            guess = "**Predict" in cell.source
            continue
        title = re.match(r"# @title (.*)", cell.source)
        if cell.metadata.get("jupyter", {}).get("source_hidden") or "solution" in cell.metadata.get("tags", []):
            cell.metadata.code_under = title[1] if title else "Show the code"
        failed = any(output.output_type == "error" for output in cell.outputs)
        hidden = guess or "solution" in cell.metadata.get("tags", [])
        if hidden and cell.outputs and not failed:
            cell.metadata.outputs_under = "Show what happened"


def controls_as_words(book) -> None:
    """Put a word where a slider or a button was: on a page nothing moves it, and drawing it needs the internet."""
    book.metadata.pop("widgets", None)
    for output in [output for cell in book.cells for output in cell.get("outputs", [])]:
        if output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None):
            output.data["text/html"] = "<p><em>Here the notebook has something to move or to watch.</em></p>"


def formula(match) -> str:
    """Turn a formula into MathML, which browsers draw by themselves; code, and what is no formula, stays."""
    from latex2mathml.converter import convert

    tex, display = (match[1], "block") if match[1] else (match[2], "inline")
    if not tex:
        return match.group()
    try:
        drawn = convert(tex, display=display)
    except Exception:  # whatever the library says: the formula can still be read as TeX
        return match.group()
    drawn = drawn.replace("<mi>ln</mi>", '<mi>ln</mi><mspace width="0.17em" />')
    return drawn.replace("*", "&#x2A;").replace("_", "&#x5F;")  # no marks of Markdown


def execute(book, source: Path) -> str:
    """Run all cells in a fresh kernel, with no limit of time; return 'ok' or what failed where."""
    import nbclient

    code = [i for i, cell in enumerate(book.cells) if cell.cell_type == "code" and cell.source.strip()]
    number, start = 0, time.monotonic()

    def show_progress(cell, cell_index):
        nonlocal number
        number = code.index(cell_index) + 1  # the [n] that JupyterLab shows
        progress(f"{source.stem}: cell {number} of {len(code)}, {(time.monotonic() - start) / 60:.1f} minutes so far")

    place = {"metadata": {"path": str(source.parent)}}
    client = nbclient.NotebookClient(book, timeout=None, kernel_name="python3", resources=place)
    client.on_cell_execute = show_progress
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel's log; what cells write there is in their outputs
    except Exception as error:  # whatever it is, the cells before it are worth keeping
        return f"FAILED at cell {number}: {reason(error)}"
    return "ok"


def progress(line: str, last: bool = False) -> None:
    """Print one line that is written over on a terminal, and a line each time elsewhere."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns - 1
    print("\r" + line[:width].ljust(width) if terminal else line, end="" if terminal and not last else "\n", flush=True)


def reason(error: Exception) -> str:
    """Give the name of an error and the last line of its message."""
    if type(error).__name__ == "DeadKernelError":
        return "its process died; often the memory was not enough"
    lines = str(getattr(error, "evalue", error)).strip().splitlines()
    return f"{getattr(error, 'ename', type(error).__name__)}: {lines[-1] if lines else ''}"


def peak_memory():
    """Give the most memory in MB that a finished child of this process held; None on Windows, which does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # macOS counts bytes, the others kB


def table(results: list) -> str:
    rows = [("notebook", "minutes", "peak memory", "verdict")]
    for result in results:
        minutes = f"{result['minutes']:.1f}" if "minutes" in result else "-"
        memory = f"{result['peak_mb']:.0f} MB" if result.get("peak_mb") else "not measured"
        rows.append((result["notebook"], minutes, memory, result["verdict"]))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


COMMANDS = {"test": test, "rehearse": rehearse, "rehearse-one": rehearse_one, "slides": slides}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Problem, OSError) as problem:
        sys.exit(f"\n{problem}")
    except KeyboardInterrupt:
        sys.exit(130)
