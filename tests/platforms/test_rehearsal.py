"""What a rehearsal leaves behind, and the pages of its notebooks."""

import asyncio
import json
import os
import re
from queue import Empty
from unittest.mock import AsyncMock

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import NOTEBOOKS, execute, load_script, read

rehearsal = load_script("tools/rehearse.py")
pages = load_script("tools/notebook_page.py")
kernel = load_script("tools/kernel.py")
Problem = rehearsal.workshop.Problem

# Rehearsing


def test_an_answer_whose_news_was_lost_is_found_a_second_later(monkeypatch):
    """As it happens to a cell with a widget on a busy machine: the socket holds the answer and does not wake up."""
    waits = []

    async def get_msg(channel, timeout):
        waits.append(timeout)
        if len(waits) < 3:
            raise Empty
        return "the answer"

    channel = kernel._Channel.__new__(kernel._Channel)
    monkeypatch.setattr(kernel.AsyncZMQSocketChannel, "get_msg", get_msg)
    assert asyncio.run(channel.get_msg(timeout=None)) == "the answer" and waits == [1, 1, 1]
    monkeypatch.setattr(kernel.AsyncZMQSocketChannel, "get_msg", AsyncMock(side_effect=Empty))
    with pytest.raises(Empty):
        asyncio.run(channel.get_msg(timeout=0.1))
    assert kernel.Kernel().client().shell_channel_class is kernel._Channel


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


def test_rehearsal_of_a_good_notebook(notebooks, tmp_path, capfd):
    assert rehearsal.rehearse(["1"], notebooks, tmp_path / "out") == 0
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


def test_a_rehearsal_that_fails_keeps_what_has_run_and_names_the_cell(notebooks, tmp_path, capfd):
    assert rehearsal.rehearse([], notebooks, tmp_path / "out") == 1
    rows = {line.split()[0]: line for line in capfd.readouterr().out.splitlines() if line}
    assert rows["01_good"].endswith("ok")
    assert rows["02_bad"].endswith("FAILED at cell 2: ValueError: last")
    executed = nbformat.read(tmp_path / "out" / "02_bad.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text == "before\n"
    assert "ValueError" in (tmp_path / "out" / "02_bad.html").read_text(encoding="utf-8")


def test_a_row_tells_the_machine_and_the_day_and_the_page_says_so(notebooks, tmp_path):
    rehearsal.rehearse(["1"], notebooks, tmp_path / "out")
    row = json.loads((tmp_path / "out" / "01_good.json").read_text(encoding="utf-8"))
    assert "cores" in row["machine"] and re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"])
    page = (tmp_path / "out" / "01_good.html").read_text(encoding="utf-8")
    assert f"Run from the first cell to the last on {row['date']}, in " in page and row["machine"] in page


@pytest.mark.parametrize(
    ("minutes", "words"), [(0.001, "1 second"), (0.2, "12 seconds"), (1.2, "1 minute"), (3.6, "4 minutes")]
)
def test_how_long_something_took(minutes, words):
    assert rehearsal.duration(minutes) == words


def test_notebooks_are_chosen_by_number(notebooks):
    assert [path.stem for path in rehearsal.choose([], notebooks)] == ["01_good", "02_bad"]
    assert [path.stem for path in rehearsal.choose(["02", "1"], notebooks)] == ["02_bad", "01_good"]
    assert [path.stem for path in rehearsal.choose(["notebooks/02_bad.ipynb"], notebooks)] == ["02_bad"]
    for wrong in ("07", "all", "1,2"):
        with pytest.raises(Problem, match=rf"no notebook {wrong}; there are 01_good, 02_bad"):
            rehearsal.choose([wrong], notebooks)


def outside(tag: str, page: str) -> str:
    """What a reader sees of a page before opening any fold."""
    while f"<{tag}" in page:  # the innermost first
        page = re.sub(rf"(?s)<{tag}\b[^>]*>(?:(?!<{tag}\b).)*?</{tag}>", "", page)
    return page


@pytest.fixture
def page():
    """Return a function that makes the page of cells whose code was run: -> the body of the page."""

    def make(*cells):
        book = new_notebook(cells=list(cells))
        execute(book)
        html = pages.as_page(book)
        assert not re.findall(r"""(?:src=|url\()["']?https?:""", html) and "<script" not in html, "needs the internet"
        return html.split("<body")[1]

    return make


def test_what_answers_a_question_is_folded_on_a_page(page):
    question = new_markdown_cell("**Predict.** What is 6 times 7?")
    shown, shown_too = (new_code_cell("print(1000 + 1)") for _ in range(2))
    hidden = new_code_cell("print(6 * 7 * 1000)")
    body = page(
        shown, question, hidden, new_code_cell("print(6 * 7 * 1000 + 3)"), new_markdown_cell("**Saw** it"), shown_too
    )
    seen = outside("details", body)
    assert body.count("<details><summary>Show what happened</summary>") == 2
    assert "42000" in body and "42000" not in seen and "42003" not in seen
    assert seen.count(">1001\n") == 2 and "6</span>" in seen, "code, and outputs without a question, are in sight"


def test_solutions_and_sealed_cells_stay_folded_on_a_page(page):
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    solution = new_code_cell("# @title Solution: a <sum>\nSECRET = 5\nprint(77 * 1000)", metadata=hidden)
    solution.metadata.tags = ["solution"]
    sealed = new_code_cell("SEALED = 6\nprint(88 * 1000)", metadata=hidden)
    body = page(solution, sealed)
    seen = outside("details", body)
    assert "<summary>Solution: a &lt;sum&gt;</summary>" in body and "<summary>Show the code</summary>" in body
    assert "SECRET" in body and "SECRET" not in seen and "SEALED" not in seen and "77000" not in seen
    assert "88000" in seen, "what a sealed cell shows is the riddle itself"


def test_an_error_is_never_folded():
    cells = [new_markdown_cell("**Predict.** And now?"), new_code_cell("1 / 0")]
    cells[1].outputs = [new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["oh"])]
    assert "Show what happened" not in pages.as_page(new_notebook(cells=cells))


def test_formulas_and_controls_need_no_internet_on_a_page(page):
    text = "A line $D(x_i)$ and\n\n$$\\frac{1}{m} \\ln(1 - D(G(z)))$$\n\n`$not$` but code.\n\n```\n$neither$\n```"
    slider = new_code_cell("import ipywidgets\nipywidgets.interact(lambda n: print(n * 1000), n=(1, 3));")
    body = page(new_markdown_cell(text), slider)
    assert len(re.findall(r"<math[ >]", body)) == 2 and "<mfrac>" in body and "<msub>" in body
    assert "$not$" in body and "$neither$" in body and "frac{" not in body
    assert "something to move or to watch" in body


def test_every_picture_has_a_text_and_a_picture_from_elsewhere_becomes_its_text(page):
    draw = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()"
    badge = "[![Open in Colab](https://example.org/badge.svg)](https://example.org)"
    body = page(new_markdown_cell(f"## 3. Slopes\n\n{badge}"), new_code_cell(draw))
    assert re.findall(r'<img [^>]*alt="([^"]*)"', body) == ["What the code draws here, in the section '3. Slopes'"]
    assert '<a href="https://example.org">Open in Colab</a>' in body


def test_links_between_notebooks_lead_to_pages(page):
    body = page(
        new_markdown_cell("[next](01_slanted_land.ipynb#a-part) and [old](https://x.org/01_slanted_land.ipynb)")
    )
    assert 'href="01_slanted_land.html#a-part"' in body and 'href="https://x.org/01_slanted_land.ipynb"' in body


def test_every_formula_of_the_notebooks_is_drawn_without_the_internet():
    drawn = 0
    for path in NOTEBOOKS:
        for cell in read(path).cells:
            if cell.cell_type == "markdown":
                made = re.sub(pages.FORMULA, pages.formula, cell.source)
                assert re.sub(r"(?s)```.*?```|`[^`\n]*`", "", made).count("$") == 0, f"{path.name}: {cell.id}"
                drawn += made.count("<math")
    assert drawn > 50


def test_in_a_read_only_folder_a_rehearsal_says_where_to_go(monkeypatch, notebooks, tmp_path):
    monkeypatch.setattr(rehearsal.workshop, "writable", lambda folder: False)
    with pytest.raises(Problem, match="copy the workshop to a place of your own"):
        rehearsal.rehearse(["1"], notebooks, tmp_path / "out")
