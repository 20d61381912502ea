"""What the benchmarks share: a notebook's functions, ranges over seeds, and the small CSV files behind RESULTS.md.

Each benchmark writes CSVs into benchmarks/results, or into the folder that GANS_WORKSHOP_RESULTS names: do that for a
trial run. Then `python benchmarks/make_results.py` makes RESULTS.md from all of them.
"""

import argparse
import ast
import csv
import datetime
import json
import math
import os
import platform
import re
import statistics
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


# Notebooks


def read_cells(number):
    """Return the source of each code cell of a notebook, say "04", by the name of the cell; `!` and `%` do nothing."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}
    return {name: re.sub(r"^( *)[!%].*", r"\1pass", source, flags=re.MULTILINE) for name, source in sources.items()}


def load_notebook(number, **names):
    """Return what a notebook imports, defines and names in CAPITALS, as a dict; nothing else of it is run.

    names: what its functions also need and its cells would make, say `digits`; `device` is the CPU.
    """
    names = {"device": torch.device("cpu")} | names
    for name, source in read_cells(number).items():
        kept = [part for part in ast.parse(source).body if _is_definition(part)]
        exec(compile(ast.Module(kept, []), f"notebook {number}, {name}", "exec"), names)
    return names


def _is_definition(part):
    if isinstance(part, ast.Assign):
        return all(re.fullmatch("[A-Z][A-Z0-9_]+", ast.unparse(target)) for target in part.targets)
    return isinstance(part, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


# All of MNIST: the package has a sixth of it


def load_all_digits(*, test=False):
    """Load all 60,000 training or 10,000 test digits, (N, 1, 28, 28) uint8, and their labels; fetched once, 12 MB."""
    from torchvision.datasets import MNIST

    from gans_workshop.files.workspace import cache_folder

    try:
        digits = MNIST(cache_folder(), train=not test, download=True)
    except (RuntimeError, OSError) as error:
        raise SystemExit(f"All of MNIST is needed, and it could not be fetched ({error}): nothing was done.") from None
    return digits.data.unsqueeze(1), digits.targets


# Histories


def last(history, count):
    """Return the notes of the last `count` rounds of a history, {name: NumPy array}."""
    import numpy as np

    from gans_workshop.game.notes import NOTES

    return {name: np.array(getattr(history, name)[-count:]) for name in NOTES}


# Seeds and ranges


def seeds(text):
    """Read an option: "5" means the seeds 0 to 4, "100-109" the seeds 100 to 109, "100-109,42-42" those and 42."""
    if "," in text:
        return [seed for part in text.split(",") for seed in seeds(part)]
    first, _, last = text.rpartition("-")
    return range(int(first), int(last) + 1) if first else range(int(last))


def ranges(name, values, form=".2f"):
    """Return the columns `name.min`, `name.median` and `name.max`; empty where a value is not a number."""
    three = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    missing = any(math.isnan(value) for value in values)
    return {f"{name}.{which}": "" if missing else f"{value:{form}}" for which, value in three.items()}


def row_of(keys, runs, form):
    """Return a row of a table: the keys, how many seeds, and the range of each number as `form(name)` writes it."""
    row = keys | {"seeds": len(runs)}
    for name in runs[0]:
        row |= ranges(name, [run[name] for run in runs], form(name))
    return row


def verdicts(keys, wanted, said):
    """Return a row of a table: the keys, what the doctor should say, how often he said it, and what else he said."""
    others = ", ".join(f"{said.count(other)} x {other}" for other in sorted({*said} - {wanted}))
    return keys | {"should be": wanted, "games": len(said), "right": said.count(wanted), "otherwise": others or "none"}


def span(low, middle, high):
    """Say smallest to largest (median), as far as they are known; one number where all are the same."""
    low, middle, high = (f"{int(x):,}" if re.fullmatch(r"\d{4,}", x) else x for x in (low, middle, high))
    if low == high:
        return low or middle
    words = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    return f"{words} ({middle})" if middle else words


# Command lines


def run_parts(parts, doc, folder):
    """Measure the parts that are named on the command line, or all: each takes seeds, and a folder for its pictures."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="all if none is given")
    parser.add_argument("--seeds", type=seeds, default=range(5))
    parser.add_argument("--folder", type=Path, default=folder, help="for the pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.parts or parts:
        parts[part](options.seeds, options.folder)


# CSV files


def machine():
    """Describe this machine: GPU where there is one, processor, cores, threads, system, Python and PyTorch."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        processor = re.sub(r"\((?:R|TM)\)| Processor| CPU| @.*", "", found[1]) if found else processor
    system = f"{platform.system()} {platform.release()}"
    if platform.system() == "Linux" and Path("/etc/os-release").exists():
        named = platform.freedesktop_os_release()
        system = f"{named['NAME'].split()[0]} {named.get('VERSION_ID', '')}".strip()
    threads = torch.get_num_threads()
    words = f"{os.cpu_count()} cores of {processor}", f"{threads} thread{'s' * (threads > 1)}", system
    if torch.cuda.is_available():
        words = torch.cuda.get_device_name(), *words
    return ", ".join([*words, f"Python {platform.python_version()}", f"torch {torch.__version__.partition('+')[0]}"])


def read_csv(name, folder=RESULTS):
    """Return the rows of a CSV, {column: text}."""
    with open(folder / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(name, rows, keys=1):
    """Print the rows and put them into a CSV, with machine and date; what was measured on other machines stays.

    keys: how many columns, from the first on, say which case a row is. A case that this machine has measured before is
    replaced, so that a run may measure some cases only.
    """
    folder = Path(os.environ.get("GANS_WORKSHOP_RESULTS", RESULTS))
    here, today = machine(), datetime.date.today().isoformat()
    rows = [{key: str(value) for key, value in row.items()} | {"machine": here, "date": today} for row in rows]
    print(f"\n{table(rows)}\n", flush=True)
    case = [*rows[0]][:keys] + ["machine"]
    measured = {tuple(row[key] for key in case) for row in rows}
    old = read_csv(name, folder) if (folder / f"{name}.csv").exists() else []
    rows = [row for row in old if tuple(row[key] for key in case) not in measured] + rows
    columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in ("machine", "date")]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*columns, "machine", "date"], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(rows, columns=None):
    """Make a Markdown table; columns x.min, x.median and x.max become one; machine and date only if they differ."""
    for same in ("machine", "date"):
        if len({row.get(same) for row in rows}) == 1:
            rows = [{key: value for key, value in row.items() if key != same} for row in rows]
    names = columns or list(dict.fromkeys(re.sub(r"\.(min|median|max)$", "", key) for row in rows for key in row))
    lines = [f"| {' | '.join(cells)} |" for cells in [names, *([_cell(row, name) for name in names] for row in rows)]]
    return "\n".join([lines[0], "|---" * len(names) + "|", *lines[1:]])


def _cell(row, name):
    three = (row.get(f"{name}.{which}") or "" for which in ("min", "median", "max"))
    return span("", row[name], "") if name in row else span(*three)
