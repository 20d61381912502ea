"""Run whole notebooks and report minutes and memory. `python workshop.py rehearse [NN ...]` runs it.

Each notebook comes out with its outputs, as a page that needs no internet, and as a row of numbers, in rehearsal/.
"""

import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbclient
import nbformat

sys.path.extend(map(str, Path(__file__).resolve().parents[:2]))  # last: no file there stands in for Python's own
from kernel import Kernel
from notebook_page import as_page

import workshop

REHEARSAL = workshop.ROOT / "rehearsal"
ONE = "--one"  # what this file says to itself


def main(args: list) -> int:
    """Rehearse the notebooks that are named, or all; in a process of its own, one of them."""
    return rehearse_one(*map(Path, args[1:])) if args[:1] == [ONE] else rehearse(args)


def rehearse(args: list, notebooks: Path = workshop.NOTEBOOKS, folder: Path = REHEARSAL) -> int:
    """Run each notebook in a process of its own, whose only child, the kernel, is the one whose memory is measured."""
    results = []
    chosen = choose(args, notebooks)
    workshop.need_writable(folder if folder.is_dir() else folder.parent)
    for notebook in chosen:
        record = folder / f"{notebook.stem}.json"
        record.unlink(missing_ok=True)
        code = workshop.run([sys.executable, "-P", __file__, ONE, notebook, folder])
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
            raise workshop.Problem(f"There is no notebook {name}; there are {there}.")
    return [known[number] for number in wanted] or list(known.values())


def rehearse_one(source: Path, folder: Path) -> int:
    """Execute one notebook; write it with its outputs, as a page, and its row of the table."""
    sys.path.append(str(workshop.ROOT / "benchmarks"))
    from common import machine  # not at the top: it brings torch

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
    row = {"notebook": source.stem, "minutes": minutes, "peak_mb": peak_memory(), "verdict": verdict}
    row |= {"machine": machine(), "date": datetime.date.today().isoformat()}
    (folder / f"{source.stem}.html").write_text(as_page(book, origin=origin(row)), encoding="utf-8")
    (folder / f"{source.stem}.json").write_text(json.dumps(row, indent=1), encoding="utf-8")
    return int(verdict != "ok")


def origin(row: dict) -> str:
    """Say when, where and how fast a notebook was run, as far as a rehearsal has written it down."""
    where = f" on {row['machine']}" if row.get("machine") else ""
    failed = "" if row["verdict"] == "ok" else f": {row['verdict']}"
    when = f" on {row['date']}" if row.get("date") else ""
    return f"Run from the first cell to the last{when}, in {duration(row['minutes'])}{where}{failed}."


def duration(minutes: float) -> str:
    """Say how long something took: '11 seconds', '1 minute', '4 minutes'."""
    count, unit = (minutes, "minute") if minutes >= 1 else (60 * minutes, "second")
    return f"{max(count, 1):.0f} {unit}{'s' * (round(max(count, 1)) > 1)}"


def execute(book, source: Path) -> str:
    """Run all cells in a fresh kernel, with no limit of time; return 'ok' or what failed where."""
    code = [i for i, cell in enumerate(book.cells) if cell.cell_type == "code" and cell.source.strip()]
    number, start = 0, time.monotonic()

    def show_progress(cell, cell_index):
        nonlocal number
        number = code.index(cell_index) + 1  # the [n] that JupyterLab shows
        progress(f"{source.stem}: cell {number} of {len(code)}, {(time.monotonic() - start) / 60:.1f} minutes so far")

    place = {"metadata": {"path": str(source.parent)}}
    client = nbclient.NotebookClient(
        book, timeout=None, kernel_name="python3", kernel_manager_class=Kernel, resources=place
    )
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


if __name__ == "__main__":
    workshop.begin(main)
