"""Hold the numbers on the pages against the CSVs: benchmarks/claims.csv says which number comes from where.

python benchmarks/claims.py [PAGE ...]     # what is wrong, and which measured numbers are in no claim

A claim is a row of claims.csv:

page     notebooks/00_pictures_are_numbers.ipynb
words    between 93.9 and 96.0 % over 20 seeds, median 95.4 %   as on the page; markup and line breaks do not matter
table    pictures_are_numbers                                   a CSV of benchmarks/results
row      what=right                                             a=1;b=2 for two columns, a=1|2 for either
numbers  value*100; seeds; value.median*100                     what the numbers in the words are, in their order

In `numbers`, `value` takes two numbers if the CSV has value.min and value.max. `*100` and `/60` do what they say,
` up 5` rounds up to the next multiple, ` about` allows a tenth of difference, `sum seeds` adds up all rows that fit (of
several rows a range is the widest). A plain number is a setting and not measured. `table:row:column` is a number from
elsewhere. Numbers in code, in formulas and in names such as 'section 3' do not count, nor do the minutes of Reading and
Working, which a test computes from the words.
"""

import csv
import functools
import json
import math
import re
import sys

from common import ROOT, read_csv

CODE, HEAD = "\ue000\ue001"  # code and formulas are between two of the first, heads of tables after the second
NUMBER = re.compile(r"(?:(?<![^\s(|])-)?(?<![A-Za-z0-9_.])\d+(?:,\d{3})*(?:\.\d+)?")
PAGES = [str(path.relative_to(ROOT).as_posix()) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PAGES += ["presentation/gans-with-python.md", "presentation/gans-that-do-as-you-ask.md"]
PAGES += ["presentation/INSTRUCTOR.md", "README.md"]

# What counts as measured: in a sentence or a cell of a table where one of these is found, each number needs a claim
MEASURED = re.compile(
    r"(?i:\b(?:over|in|of|after)) (?:\w+ )?\d+ (?:\w+ )?(?:seeds|runs|games|networks|pairs)\b"  # over 20 seeds
    r"|\bmedians?\b"
    r"|\b\d+ (?:(?:seeds|times|games|runs) )?of \d+\b"  # 9 of 10
    r"|(?<!from )(?<![\d.-])-?\d[\d.,]* to -?\d|\d\.\d+ (?:to|and) -?\d|\d (?:to|and) -?\d+\.\d"  # 0.54 to 0.62
)
MINUTES = re.compile(r"\d (?:seconds?|minutes?|[MG]B)\b")  # only in a cell of a table: on slides minutes are a plan
# In the summary above a table or in its head: then all of the table is measured
TABLE = re.compile(r"The numbers|\b(?:of \d+|seeds|runs|smallest)\b")
NAME = re.compile(r"(?i:\b(?:notebook|section|step|exercise|rule|row|page|slide)s?) \d+(?:(?:, | and | to |-)\d+)*")

with open(ROOT / "benchmarks" / "claims.csv", encoding="utf-8", newline="") as file:
    CLAIMS = list(csv.DictReader(file))


# Pages


def read_page(page):
    """Return the Markdown of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return text


def units(markdown):
    """Split Markdown into sentences and cells of tables, without markup: (text, what follows it, its kind)."""
    text = re.sub(r"^\| (?:Reading|Working) \|.*\n", "", markdown, flags=re.MULTILINE)
    text = re.sub(r"^\[\w+\]: .*$|<!--|-->|(?<=!\[)[wh]:\d+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"^ *```.*\n((?:.*\n)*?) *```", rf"\n{CODE}\1{CODE}\n", text, flags=re.MULTILINE)
    text = re.sub(r"\$\$?([^$]+)\$\$?|`([^`\n]+)`", rf"{CODE}\1\2{CODE}", text)
    text = re.sub(r"^\|(.*)\n\|[-:| ]+$", rf"|{HEAD}\1", text, flags=re.MULTILINE)
    text = re.sub(r"</?summary>", "\n\n", text)
    for _ in range(2):  # a picture may stand in a link
        text = re.sub(r"!?\[([^][]*)\](?:\([^)]*\)|\[\w+\])", r"\1", text)
    text = re.sub(r"<[^>]+>|\*+", "", text)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-|#]|\d+\. ))", text):
        block = " ".join(re.sub(r"^\s*(?:[-#]+ |\d+\. )", "", block).split())
        if block.startswith("|"):
            kind = "head" if HEAD in block else "cell"
            cells = [cell.strip() for cell in block.replace(HEAD, "").strip("|").split("|")]
            for number, cell in enumerate(cells, start=1):
                yield cell, " " if number == len(cells) else " | " if cell else "| ", kind
        elif block:
            yield from ((part, " ", "sentence") for part in re.split(r"(?<=[.?!])[)']* (?=[A-Z'(\d])", block))


@functools.cache
def plain_text(markdown):
    """Return the words only: what a claim's words and a page have in common."""
    return "".join(text + after for text, after, _ in units(markdown)).replace(CODE, "").strip()


def numbers_in(markdown):
    """List the numbers in the words, as they are printed, but for those in code, formulas and names of sections."""
    marked = "".join(text + after for text, after, _ in units(markdown))
    return NUMBER.findall(NAME.sub("", re.sub(f"{CODE}.*?{CODE}", "", marked)))


# Claims


def tables_of(claim):
    """List the CSVs that a claim speaks of."""
    others = [part.partition(":")[0] for part in claim["numbers"].split("; ") if ":" in part]
    return list(dict.fromkeys(name.split()[-1] for name in [claim["table"], *others] if name))


def rows_of(table, row):
    """Return the rows of a CSV that fit: `a=1;b=2|3`."""
    wanted = [part.partition("=")[::2] for part in row.split(";") if part]
    found = [line for line in read_csv(table) if all(line[key] in value.split("|") for key, value in wanted)]
    if not found:
        raise LookupError(f"{table}.csv has no row {row}")
    return found


def look_up(claim):
    """Return what the numbers in a claim's words should be: (value, how far off they may be), None for any rounding."""
    values = []
    for part in claim["numbers"].split("; "):
        if NUMBER.fullmatch(part):
            values.append((float(part.replace(",", "")), 0))
            continue
        form = r"(?P<sum>sum )?(?:(?P<table>\w+):(?P<row>.*):)?(?P<column>.+?)"
        form += r"(?P<factor>[*/][\d.]+)?(?: up (?P<up>\d+)|(?P<about> about))?"
        if not (how := re.fullmatch(form, part)):
            raise LookupError(f"what is '{part}'?")
        rows = rows_of(how["table"] or claim["table"], claim["row"] if how["table"] is None else how["row"])
        factor = float((how["factor"] or "*1")[1:]) ** (-1 if "/" in (how["factor"] or "") else 1)
        for value in column_of(rows, how["column"], total=bool(how["sum"])):
            value *= factor
            if how["up"]:
                value, off = math.ceil(round(value, 6) / int(how["up"])) * int(how["up"]), 0
            else:
                off = abs(value) / 10 if how["about"] else None
            values.append((value, off))
    return values


def column_of(rows, column, *, total):
    """Return the numbers of a column: one, or smallest and largest if it is a range."""
    if f"{column}.min" in rows[0]:
        return [column_of(rows, f"{column}.{which}", total=total)[0] for which in ("min", "max")]
    values = [float(row[column]) for row in rows if row[column]]
    choose = sum if total else {"min": min, "max": max}.get(column.rpartition(".")[2])
    if not choose and len(set(values)) != 1:
        raise LookupError(f"{column}: {len(values)} rows fit, and they differ")
    return [choose(values) if choose else values[0]]


def problems(claim, page):
    """List what is wrong with a claim, given the Markdown of its page."""
    words, printed = plain_text(claim["words"]), numbers_in(claim["words"])
    found = [] if words in plain_text(page) else [f"not on the page {claim['page']}: {words}"]
    try:
        values = look_up(claim) if claim["numbers"] else []
    except (LookupError, ValueError) as error:
        return [*found, f"{words}: {error}"]
    if len(printed) != len(values):
        return [*found, f"{words}: {len(printed)} numbers in the words, {len(values)} in the table"]
    for text, (value, off) in zip(printed, values):
        off = 0.5 * 10.0 ** -len(text.partition(".")[2]) if off is None else off
        if abs(float(text.replace(",", "")) - value) > off + 1e-9:
            found.append(f"{words}: {text} on the page, {value:g} in the CSV")
    return found


def unclaimed(page, claims):
    """List the sentences and cells of a page (Markdown) with measured numbers that are in no claim."""
    clean, covered, pieces, in_code, in_table = "", [], [], False, False
    for marked, after, kind in units(page):
        start, text = len(clean), marked.replace(CODE, "")
        clean += text + after
        for part in re.split(f"({CODE})", marked + after):
            in_code ^= part == CODE
            covered += [in_code] * len(part.replace(CODE, ""))
        in_table = (in_table and kind != "sentence") or (kind != "cell" and bool(TABLE.search(text)))
        is_measured = MEASURED.search(NAME.sub("", text)) or (kind == "cell" and (in_table or MINUTES.search(text)))
        pieces += [(start, text)] if is_measured else []
    for words in [plain_text(claim["words"]) for claim in claims] + [found[0] for found in NAME.finditer(clean)]:
        for found in re.finditer(re.escape(words), clean):
            covered[found.start() : found.end()] = [True] * len(words)
    missing = []
    for start, text in pieces:
        numbers = [found[0] for found in NUMBER.finditer(clean, start, start + len(text)) if not covered[found.start()]]
        missing += [f"{', '.join(numbers)} in: {text}"] if numbers else []
    return missing


def main(pages):
    """Print what is wrong."""
    for page in pages or PAGES:
        text, claims = read_page(page), [claim for claim in CLAIMS if claim["page"] == page]
        wrong = [line for claim in claims for line in problems(claim, text)]
        print(f"\n{page}: {len(claims)} claims, {len(wrong)} wrong", *wrong, sep="\n  ")
        print(*(f"  no claim: {line}" for line in unclaimed(text, claims)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
