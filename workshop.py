"""The one command of the workshop; it sets itself up when it needs to.

python workshop.py [options]            open the notebooks in JupyterLab (options go to JupyterLab)
python workshop.py test [options]       check that everything is sound (options go to pytest)
python workshop.py rehearse [NN ...]    run whole notebooks, all or e.g. 01 02, and report minutes and memory
python workshop.py slides [kind ...]    build the slides: html, pdf and pptx, or one of them, in presentation/build

If the running Python already has the workshop's packages (conda, an activated .venv), it is used as it is.
Otherwise they are installed into the folder .venv beside this file, once. Set GANS_TORCH_INDEX to a pip index
to take torch from there.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NOTEBOOKS = ROOT / "notebooks"
REHEARSAL = ROOT / "rehearsal"
SLIDES = ROOT / "presentation"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What a failing installation says -> what a person can do about it. The first match counts.
ADVICE = (
    (r"No space left|Errno 28|WinError 112", "The disk is full: free 8 GB (2 GB are enough for torch without CUDA)"),
    (r"onnecti|name resolution|ENOTFOUND|timed out|Proxy|SSL", "Check the internet connection"),
    (r"Permission denied|WinError 5\b|WinError 32", "A file is in use or read-only: close JupyterLab and VSCode"),
    (r"No matching distribution", "pip's index has none for this Python: check GANS_TORCH_INDEX, or take Python 3.13"),
    (r"No module named ensurepip", "Debian and Ubuntu keep it in a package of its own: sudo apt install python3-venv"),
    (r"", "Read the message below, or delete the folder .venv"),
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
    if args[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    command, rest = open_jupyterlab, args
    if args and not args[0].startswith("-"):
        if args[0] not in COMMANDS:
            raise Problem(f"workshop.py does not know '{args[0]}': python workshop.py --help shows what it knows.")
        command, rest = COMMANDS[args[0]], args[1:]
    if command is not slides:
        lacks = missing_packages()
        if lacks and not in_venv():
            print(f"This Python lacks {in_short(lacks)}: using the one in .venv.", flush=True)
            make_venv()
            return run([VENV_PYTHON, __file__, *args])
        if lacks:
            install(lacks)
    return command(rest)


# The environment


def requirements() -> list:
    """List all that pyproject.toml asks for, as strings such as 'torch>=2.8'."""
    import tomllib  # not at the top: Pythons that are too old do not have it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]


def missing_packages() -> list:
    """Name what the running Python lacks; pip installs the workshop itself last, so finding it means pip finished."""
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
    """Tell whether `import gans_workshop` finds the package in this very folder, whatever the working directory."""
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        origin = json.loads(metadata.distribution("gans-workshop").read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return False
    editable = origin.get("dir_info", {}).get("editable", False)
    return editable and Path(url2pathname(urlsplit(origin["url"]).path)).resolve() == ROOT


def in_venv() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def make_venv() -> None:
    """Make .venv unless its Python runs; pip and packages are left to `install`, which that Python calls itself."""
    try:
        if not subprocess.call([VENV_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
            return
    except OSError:
        pass  # there is no .venv, or the Python that it was made from is gone
    attempt("Making .venv", [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV])


def install(lacks: list) -> None:
    """Install the workshop's packages into the running .venv; what is there already stays."""
    print(f"Installing {in_short(lacks)} into .venv; the first time takes minutes and needs the internet.", flush=True)
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode:
        attempt("Adding pip to .venv", [sys.executable, "-m", "ensurepip"])
    index = os.environ.get("GANS_TORCH_INDEX")
    if index:
        torch = [line for line in requirements() if line.startswith("torch")]
        attempt("Installing torch", [*pip, "install", "--index-url", index, *torch])
    attempt("Installing the packages", [*pip, "install", "-e", ".[local,dev]"])
    still = missing_packages()
    if still:
        raise Problem(f"pip has finished, but {in_short(still)} is not there: delete the folder .venv and try again.")


def attempt(what: str, command: list) -> None:
    """Run one step of the installation; raise Problem with advice and the last lines of its message."""
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    last = [line for line in lines if re.search(r"(?i)error\b.*:", line) and "subprocess" not in line] or lines
    advice = next(advice for pattern, advice in ADVICE if re.search(pattern, done.stderr))
    raise Problem("\n  ".join([f"{what} failed. {advice}, then run the same command again.", *last[-2:]]))


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
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return run([sys.executable, "-m", "jupyterlab", *as_root, *args], cwd=NOTEBOOKS)


def test(args: list) -> int:
    python = [sys.executable, "-m"]
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
    unknown = [kind for kind in args if kind not in ways]
    if unknown:
        raise Problem(f"Slides cannot be built as '{unknown[0]}'; there are {', '.join(ways)}.")
    marp = [*marp_command(), "--no-stdin", "--no-config-file", "--theme", SLIDES / "theme.css"]
    marp += ["--allow-local-files", "--browser-path", find_browser(), "--browser-timeout", "120"]
    for deck in [path for path in sorted(decks.glob("*.md")) if "marp: true" in path.read_text(encoding="utf-8")[:200]]:
        for kind in args or ways:
            made = folder / f"{deck.stem}.{kind}"
            made.unlink(missing_ok=True)
            code = run([*marp, *ways[kind], deck, "-o", made], cwd=ROOT)
            if code or not made.exists():
                raise Problem(f"Marp has not made {made.name}: its message stands above.")
            if kind == "html":
                made.write_text(with_pictures_inside(made.read_text(encoding="utf-8"), deck.parent), encoding="utf-8")
    print(f"The slides are in {folder}", flush=True)
    return 0


def marp_command() -> list:
    """Return the command of the Marp that presentation/package-lock.json fixes; fetch it the first time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or numbers(subprocess.getoutput(f'"{node}" --version').lstrip("v")) < [18]:
        where = "get it from nodejs.org, or on Debian and Ubuntu with: sudo apt install nodejs npm"
        raise Problem(f"The slides need Node.js 18 or newer with npm: {where}.")
    wanted, there = SLIDES / "package-lock.json", SLIDES / "node_modules" / ".package-lock.json"
    if not there.exists() or there.stat().st_mtime < wanted.stat().st_mtime:
        print("Fetching Marp into presentation/node_modules; the first time needs the internet.", flush=True)
        attempt("Fetching Marp", [npm, "ci", "--prefix", SLIDES, "--no-audit", "--no-fund"])
    return [node, SLIDES / "node_modules" / "@marp-team" / "marp-cli" / "marp-cli.js"]


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


def with_pictures_inside(html: str, folder: Path) -> str:
    """Put the pictures into the page, so that one file is the whole deck."""

    def picture(match) -> str:
        file = folder / match.group()
        if not file.exists():
            raise Problem(f"A slide shows {file.name}, which is not there: python presentation-images/make_images.py")
        return f"data:image/{file.suffix[1:]};base64,{base64.b64encode(file.read_bytes()).decode()}"

    return re.sub(r"(?:\.\./)+[\w/-]+/[\w-]+\.(?:png|gif)", picture, html)


def rehearse(args: list, notebooks: Path = NOTEBOOKS, folder: Path = REHEARSAL) -> int:
    """Run each notebook in a process of its own, whose only child, the kernel, is the one whose memory is measured."""
    results = []
    for notebook in choose(args, notebooks):
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
    for number in numbers:
        if number.zfill(2) not in known:
            there = ", ".join(path.stem for path in known.values())
            raise Problem(f"There is no notebook {number}; there are {there}.")
    return [known[number.zfill(2)] for number in numbers] or list(known.values())


def rehearse_one(args: list) -> int:
    """Execute one notebook; write it with its outputs, as HTML, and its row of the table."""
    import nbconvert  # here and below: only the prepared environment has them
    import nbformat

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
    films_as_html(book)
    html, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    (folder / f"{source.stem}.html").write_text(html, encoding="utf-8")
    row = {"notebook": source.stem, "minutes": minutes, "peak_mb": peak_memory(), "verdict": verdict}
    (folder / f"{source.stem}.json").write_text(json.dumps(row, indent=1), encoding="utf-8")
    return int(verdict != "ok")


def films_as_html(book) -> None:
    """Give each GIF as HTML too: nbconvert knows no other way to show one."""
    for output in [output for cell in book.cells for output in cell.get("outputs", [])]:
        gif = output.get("data", {}).get("image/gif")
        if gif:
            alt = output.metadata.get("image/gif", {}).get("alt", "a film")
            output.data["text/html"] = f'<img src="data:image/gif;base64,{gif}" alt="{alt}">'


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
