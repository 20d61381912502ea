"""Make RESULTS.md: first the claims of the pages, then the sections of benchmarks/results with their CSVs as tables.

python benchmarks/make_results.py

In a section's text a line such as `[python benchmarks/costs.py](costs.csv)` is where that table goes: the command that
makes the CSV, and the CSV. Behind the name may stand the columns to show: `(failures.csv "game; holds; distance")`.
"""

import re

from claims import CLAIMS, plain_text, tables_of
from common import RESULTS, ROOT, read_csv, table

SECTIONS = ["00", "01", "02", "03", "04", "doctor", "05", "06", "07", "08", "09", "10", "11", "files", "checkpoints"]
SECTIONS += ["rehearsal", "page", "gpu", "many_gpus", "costs", "faces"]
TABLE = re.compile(r'^\[(?P<command>.+)\]\((?P<name>\w+)\.csv(?: "(?P<columns>.+)")?\)$', re.MULTILINE)


def section(name):
    """Return the text of a section."""
    return (RESULTS / f"{name}.md").read_text(encoding="utf-8")


def as_table(found):
    """Turn the line that names a CSV into its command, machine and date, and its table; machines may be a, b, c."""
    if not (RESULTS / f"{found['name']}.csv").exists():
        return f"`{found['command']}`: not measured yet."
    rows, columns = read_csv(found["name"]), found["columns"] and found["columns"].split("; ")
    letters = dict(zip(dict.fromkeys(row["machine"] for row in rows), "abcdefgh"))
    where = [f"{letter}: {name}" if len(letters) > 1 else name for name, letter in letters.items()]
    dates = {row["date"] for row in rows}
    head = [f"`{found['command']}` ([CSV](results/{found['name']}.csv))", *where, *(dates if len(dates) == 1 else [])]
    rows = [row | {"machine": letters[row["machine"]]} for row in rows]
    return f"{'; '.join(head)}.\n\n{table(rows, columns)}"


def claims():
    """Return the table of all claims: the words on the page, the page, the command behind them, the section."""
    origin = {}  # name of a CSV: (command, title of the section)
    for name in SECTIONS:
        title = re.match("## (.*)", section(name))[1]
        for found in TABLE.finditer(section(name)):
            origin.setdefault(found["name"], (found["command"], title))
    lines = ["| claim | page | command | section |", "|---|---|---|---|"]
    for claim in CLAIMS:
        known = [origin[name] for name in tables_of(claim)]
        if known:  # else it only names a setting
            words = plain_text(claim["words"]).replace("|", r"\|")
            commands = ", ".join(dict.fromkeys(f"`{command}`" for command, _ in known))
            links = ", ".join(dict.fromkeys(f"[{title}](#{anchor(title)})" for _, title in known))
            page = f"[{claim['page'].rpartition('/')[2]}](../{claim['page']})"
            lines.append(f"| {words} | {page} | {commands} | {links} |")
    return "\n".join(lines)


def anchor(title):
    """Return the name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def results():
    """Return the whole of RESULTS.md."""
    head = """What the pages state was measured here; ranges are smallest to largest, with the median in brackets.
Made by `python benchmarks/make_results.py` from the claims, the texts and the CSV files in this folder."""
    sections = [TABLE.sub(as_table, section(name)).strip() for name in SECTIONS]
    sections = [re.sub(r"\]\((?!https?:|#|results/)", "](results/", text) for text in sections]
    return "\n\n".join(["# Results", head, "## Claims", claims(), *sections]) + "\n"


if __name__ == "__main__":
    path = ROOT / "benchmarks" / "RESULTS.md"
    path.write_text(results(), encoding="utf-8", newline="\n")
    print(f"{path}: {len(CLAIMS)} claims")
