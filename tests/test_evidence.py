"""The numbers on pages and slides are those that were measured: benchmarks/claims.csv ties each to a CSV."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import claims  # noqa: E402
import make_results  # noqa: E402

PAGES = claims.PAGES


def of_page(page):
    return [claim for claim in claims.CLAIMS if claim["page"] == page]


# The table of claims


@pytest.mark.parametrize("page", claims.PAGES)
def test_a_claim_is_on_its_page_and_each_of_its_numbers_in_a_csv(page):
    text = claims.read_page(page)
    assert [wrong for claim in of_page(page) for wrong in claims.problems(claim, text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_measured_number_is_without_a_claim(page):
    assert claims.unclaimed(claims.read_page(page), of_page(page)) == []


def test_each_claim_speaks_of_a_page_that_exists():
    assert {claim["page"] for claim in claims.CLAIMS} <= set(claims.PAGES)


# The check sees what it should


@pytest.mark.parametrize("page", PAGES)
def test_a_number_changed_by_hand_on_a_page_is_seen(page):
    """Change the last digit of a number of each claim: on the page only, then in the claim as well."""
    text = claims.plain_text(claims.read_page(page))
    for claim in of_page(page):
        words = claims.plain_text(claim["words"])
        number = claims.numbers_in(claim["words"])[-1]
        changed = words.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10))
        page_with_it = text.replace(words, changed)
        (wrong,) = claims.problems(claim, page_with_it)
        assert wrong.startswith("not on the page")
        if "about" not in claim["numbers"]:
            assert "on the page" in claims.problems(claim | {"words": changed}, page_with_it)[0]


def test_a_number_changed_by_hand_in_a_csv_is_seen(monkeypatch):
    page = "notebooks/00_pictures_are_numbers.ipynb"
    claim = next(claim for claim in of_page(page) if "in the median" in claim["words"])
    rows = claims.read_csv(claim["table"])
    for row in rows:
        row["value.median"] = "0.961"
    monkeypatch.setattr(claims, "read_csv", lambda name: rows)
    (wrong,) = claims.problems(claim, claims.read_page(page))
    assert wrong.endswith("95.4 on the page, 96.1 in the CSV")


CLAIM = {"page": "", "table": "pictures_are_numbers", "row": "what=right"}


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("**93.9 to 96.0 %**\nof 2,000 digits with `seed=5` in section 3", "value*100; 2000"),
        ("| right | 0.94 to 0.96 (0.95) |", "value; value.median"),
        ("20 seeds, 0.4 networks, half of them", "seeds; seeds/50"),
        ("at least 90 %, at most 100 %", "value.min*100 about; value.max*100 up 10"),
        ("12 to 16 %", "pictures_are_numbers:what=right, black on white:value.median*100; pictures_are_numbers:what="
         "real digits: share of pixels off the background:value.max*100"),
        ("40 trainings", "sum pictures_are_numbers:what=right|seconds:seeds"),
        ("0.939 to 1.530", "pictures_are_numbers:what=right|seconds:value"),
    ],
)  # fmt: skip
def test_how_numbers_are_named(words, numbers):
    claim = CLAIM | {"words": words, "numbers": numbers}
    assert claims.problems(claim, f"Before.\n\n{words}\nand after.") == []


@pytest.mark.parametrize(
    ("words", "numbers", "complaint"),
    [
        ("93.9 %", "value*100", "1 numbers in the words, 2 in the table"),
        ("94 %", "what", "could not convert"),
        ("94 %", "share", "share"),
        ("94 %", "", "1 numbers in the words, 0 in the table"),
        ("94 %", "pictures_are_numbers:what=wrong:value.min", "has no row what=wrong"),
        ("0.9", "pictures_are_numbers:what=right|seconds:value.median", "2 rows fit, and they differ"),
    ],
)
def test_a_claim_that_cannot_be_looked_up_is_a_problem(words, numbers, complaint):
    (wrong,) = claims.problems(CLAIM | {"words": words, "numbers": numbers}, words)
    assert complaint in wrong


MEASURED = """\
Over 20 seeds it was right.
It was 0.54 to 0.62, see notebook 2.
Nine of ten, or 9 of 10.
The median was 4.

| | |
|---|---|
| Run all on a 2-core CPU | about 4 minutes |
| Teaching, a plan on a slide | 4 |

| wins | of 20 games |
|---|---|
| D | 13 |

<details><summary>The numbers over 11 seeds</summary>

| what | range |
|---|---|
| D(x) | 7 |

</details>

After a break of 15 minutes go on from 0 to 255, with `steps=5` and $p = 0.3$ in 2 of 3 lines.
"""


def test_what_counts_as_measured():
    found = claims.unclaimed(MEASURED, [])
    numbers = [re.match("[^a-z]*(?= in: )", line)[0] for line in found]
    assert numbers == ["20", "0.54, 0.62", "9, 10", "4", "4", "20", "13", "11", "7", "15, 0, 255, 2, 3"]
    assert claims.unclaimed(MEASURED, [{"words": MEASURED}]) == []


# RESULTS.md


def test_results_are_what_the_command_makes():
    made = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    assert made == make_results.results(), "run python benchmarks/make_results.py"
    assert made.index("| claim | page | command | section |") < made.index("## 00")


def test_every_csv_has_its_place_machine_and_date():
    text = "".join(make_results.section(name) for name in make_results.SECTIONS)
    placed = {found["name"] for found in make_results.TABLE.finditer(text)}
    there = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.csv")}
    assert there <= placed
    for name in there:
        assert all(row["machine"] and row["date"] for row in claims.read_csv(name)), name


def test_the_links_to_sections_lead_somewhere():
    text = make_results.results()
    headings = {make_results.anchor(title) for title in re.findall("^##+ (.*)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= headings
