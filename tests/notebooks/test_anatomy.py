"""Every notebook keeps the limits of the house and runs from top to bottom, in a small size."""

import ast
import base64
import io
import re
import statistics
import symtable

import nbformat
import pytest
from PIL import Image

from gans_workshop import picture_places
from tools import (
    NOTEBOOKS,
    SMALL,
    ask_for_solutions,
    bare_widgets,
    code_cells,
    each_notebook,
    holds_two_sentences,
    measured_numbers,
    parameters_cell,
    parts,
    pictures,
    printed,
    prose_lines,
    read,
    run,
    sections,
    shrink,
    tags,
    text_of,
    without_magics,
    words_outside_folds,
)

# What JupyterLab, Colab and VSCode (github.com/microsoft/vscode-notebook-renderers, and its own) can all draw.
SHOWN_EVERYWHERE = {"text/plain", "text/html", "image/png", "image/gif", "image/jpeg"}
SHOWN_EVERYWHERE |= {"application/vnd.jupyter.widget-view+json"}


# The file


@each_notebook
def test_the_file_is_clean(path):
    book = read(path)
    nbformat.validate(book)
    assert [cell.id for cell in code_cells(book) if cell.outputs or cell.execution_count is not None] == []
    assert "widgets" not in book.metadata
    assert book.metadata.kernelspec.name == "python3"
    assert book.metadata.colab.private_outputs is True
    assert book.metadata.get("accelerator", "GPU") == "GPU"
    assert set(book.metadata) <= {"kernelspec", "language_info", "colab", "accelerator"}
    assert {key for cell in book.cells for key in cell.metadata} <= {"tags", "cellView", "jupyter"}
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", cell.id) for cell in book.cells), "ids are words, so that they stay"


@each_notebook
def test_code_cells_are_few_and_short(path):
    book = read(path)
    lines = {cell.id: len(cell.source.splitlines()) for cell in code_cells(book)}
    assert {cell: count for cell, count in lines.items() if count > 30} == {}
    assert statistics.median(lines.values()) <= 8
    assert sum(lines.values()) <= 300
    assert len(book.cells) - len(lines) >= 1.2 * len(lines)
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in book.cells)
    assert "cccc" not in kinds


@each_notebook
def test_magics_stand_only_in_the_setup_cell(path):
    setup, *others = code_cells(read(path))
    assert len([line for line in setup.source.splitlines() if line.strip()]) <= 10
    assert [cell.id for cell in others if without_magics(cell.source) != cell.source] == []
    for line in re.findall(r"^.*pip install.*$", setup.source, flags=re.MULTILINE):
        assert line.startswith(" ") and "find_spec" in setup.source, "install only where the package is missing"


@each_notebook
def test_every_constant_has_a_comment_and_a_use(path):
    book = read(path)
    cell = parameters_cell(book)
    names = [node.targets[0].id for node in ast.parse(cell.source).body if isinstance(node, ast.Assign)]
    assert names
    for line in filter(None, cell.source.splitlines()):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]* = \S.*  # \w.*", line), f"NAME = value  # why: {line}"
    for name in names:
        assert used_elsewhere(book, name), f"nothing uses {name}"


# The page


@each_notebook
def test_each_sentence_has_a_line_of_its_own(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    assert [(cell.id, line) for cell in cells for line in prose_lines(cell.source) if holds_two_sentences(line)] == []


@each_notebook
def test_a_sentence_has_two_measured_numbers_at_most(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    lines = [(cell.id, line) for cell in cells for line in prose_lines(cell.source)]
    assert [(where, line) for where, line in lines if len(measured_numbers(line)) > 2] == []


def test_two_sentences_and_three_numbers_are_found():
    text = "One is here. Two is there.\n- **Note.** See [a. B](c.html): it fell to 0.5, e.g. by 3 %.\n| a. B | c |"
    first, second = prose_lines(text)
    assert holds_two_sentences(first) and not holds_two_sentences(second)
    assert measured_numbers(second) == ["0.5", "3 %"]
    assert measured_numbers("0.54 to 0.62, 0.38 and 1.07, in 10 of 11 games") == ["0.54", "0.38"]
    assert not holds_two_sentences("Radford et al. 2016, sec. 4, say so (Goodfellow et al. Also 2014)")


@each_notebook
def test_the_first_cell_shows_what_they_will_make(path):
    text = read(path).cells[0].source
    assert re.match(r"# \S", text)
    pictures = re.findall(r"!\[([^\]]*)\]\[(\w+)\]", text)
    assert len(pictures) == 1
    alt, reference = pictures[0]
    assert len(alt.split()) >= 5
    (data,) = re.findall(rf"^\[{reference}\]: data:image/png;base64,(\S+)$", text, flags=re.MULTILINE)
    png = base64.b64decode(data, validate=True)
    assert png.startswith(b"\x89PNG\r\n") and len(png) < 12 * 1024
    Image.open(io.BytesIO(png)).load()  # torn ones raise


@each_notebook
def test_the_facts_are_stated(path):
    book = read(path)
    before_setup = text_of(book.cells[: book.cells.index(code_cells(book)[0])])
    lines = before_setup.splitlines()
    assert any(re.search(r"2-core CPU.*\d+ (second|minute)s?", line) for line in lines)
    assert any(re.search(r"\bT4\b.*(\d+ (second|minute)s?|not measured yet)", line) for line in lines)
    goals = before_setup.partition("**You will**")[2]
    assert 3 <= len(re.findall(r"^- ", goals, flags=re.MULTILINE)) <= 5


@each_notebook
def test_the_time_to_read_is_stated_and_short(path):
    book = read(path)
    words, text = words_outside_folds(book), text_of(book.cells)
    assert words <= 2200
    (reading,) = re.findall(r"^\| Reading \| about (\d+) minutes", text, flags=re.MULTILINE)
    (working,) = re.findall(r"^\| Working \| about (\d+) minutes", text, flags=re.MULTILINE)
    assert int(reading) == round(words / 200)
    assert int(working) >= 1.5 * int(reading), "guesses, sliders and waiting take time too"


def test_words_outside_folds_are_counted():
    fold = "<details><summary>Answer</summary>\n\nUnseen.\n\n</details>"
    fold = f"Two [words](https://a.b).\n\n{fold}\n\n[hero]: data:x\nThree."
    assert words_outside_folds(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(fold)])) == 3


@each_notebook
def test_the_page_says_how_to_walk_through_it(path):
    book = read(path)
    before_setup = text_of(book.cells[: book.cells.index(code_cells(book)[0])])
    assert "**Shift+Enter**" in before_setup
    assert "glossary.md" in before_setup
    for heading, cells in sections(book):
        first = cells[0].source.split("\n", 1)[1].strip().splitlines()[0]
        assert re.fullmatch(r"\*Read\.\*|\*Skip at first: .*\.\*", first), heading


def test_every_notebook_ends_with_the_same_map():
    ends = {read(path).cells[-1].source for path in NOTEBOOKS}
    assert len(ends) == 1
    (the_map,) = ends
    assert [path.name for path in NOTEBOOKS if the_map.count(path.name) != 1] == []


@each_notebook
def test_every_picture_has_alt_text(path):
    text = text_of(read(path).cells)
    assert [alt for alt in re.findall(r"!\[([^\]]*)\]", text) if len(alt.strip()) < 5] == []
    assert re.findall(r"<img(?![^>]*alt=\"[^\"]{5})", text) == []


@each_notebook
def test_the_chapters_come_in_order(path):
    headings = [heading for heading, _ in parts(read(path))]
    numbered = [heading for heading in headings if re.match(r"\d+\. ", heading)]
    assert [int(heading.split(".")[0]) for heading in numbered] == list(range(1, len(numbered) + 1))
    assert 4 <= len(numbered) <= 7
    first = headings.index(numbered[0])
    after = headings[first + len(numbered) :]
    assert headings[first : first + len(numbered)] == numbered
    assert [heading.split(":")[0] for heading in after] == ["Break it", "Exercises", "Recap", "Where next"]


@each_notebook
def test_each_section_says_why_and_what_was_seen(path):
    for heading, cells in sections(read(path)):
        why = cells[0].source.partition("\n")[2].split("**Predict")[0]
        words = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|<details>.*?</details>", " ", why, flags=re.DOTALL).split()
        assert 10 <= len(words) <= 120, heading
        text = text_of(cells)
        assert "**Predict" in text and "**What you saw" in text, heading
        assert any(cell.cell_type == "code" for cell in cells), heading


@each_notebook
def test_every_prediction_is_answered_after_the_code_and_folded(path):
    for heading, cells in parts(read(path)):
        events = ""
        for cell in cells:
            marks = re.findall(r"\*\*Predict|<details", cell.source) if cell.cell_type == "markdown" else ["code"]
            events += "".join({"**Predict": "P", "<details": "A", "code": "c"}[mark] for mark in marks)
        for after in events.split("P")[1:]:  # from each question to the next one
            assert re.match(r"c+A", after), f"{heading}: question, code, folded answer; found {events}"


@each_notebook
def test_details_are_closed_and_leave_room_for_markdown(path):
    text = text_of(read(path).cells)
    assert text.count("<details>") == text.count("</details>")
    assert len(re.findall(r"<details><summary>[^<]+</summary>\n\n", text)) == text.count("<details>")


@each_notebook
def test_break_it_and_exercises_run_as_they_stand(path):
    book = read(path)
    chapters = dict(parts(book))
    assert any(cell.cell_type == "code" for cell in chapters["Break it"])
    assert 2 <= len(exercise_chunks(chapters["Exercises"])) <= 4
    for chunk in exercise_chunks(chapters["Exercises"]):
        code = [cell for cell in chunk if cell.cell_type == "code"]
        assert code and "solution" not in tags(code[0]), "an exercise starts with a cell that runs"
        assert "<details>" in text_of(chunk) or any("solution" in tags(cell) for cell in code), "and has a solution"


def exercise_chunks(cells):
    """The cells of each exercise: a heading of level 3 begins one."""
    chunks = []
    for cell in cells:
        if cell.cell_type == "markdown" and re.search(r"^### ", cell.source, flags=re.MULTILINE):
            chunks.append([])
        if chunks:
            chunks[-1].append(cell)
    return chunks


@each_notebook
def test_solutions_are_folded_and_silent_until_they_are_asked_for(path):
    cells = code_cells(read(path))
    solutions = [cell for cell in cells if "solution" in tags(cell)]
    for cell in solutions:
        assert cell.metadata.get("cellView") == "form" and cell.metadata.get("jupyter", {}).get("source_hidden"), (
            cell.id
        )
        title, switch, *_ = cell.source.splitlines()
        assert re.fullmatch(r"# @title Solution: \S.*", title), cell.id
        assert switch == 'SHOW = False  # @param {type:"boolean"}', cell.id
        _, choice = ast.parse(cell.source).body  # nothing outside the `if`
        assert isinstance(choice, ast.If) and ast.unparse(choice.test) == "SHOW" and not choice.orelse, cell.id
    only_there = set().union(*(bound_inside(cell.source) for cell in solutions))
    others = [ast.parse(without_magics(cell.source)) for cell in cells if cell not in solutions]
    only_there -= set().union(*map(bound, others))
    assert {name.id for tree in others for name in ast.walk(tree) if isinstance(name, ast.Name)} & only_there == set()


def bound_inside(source):
    """The names that a solution binds when it is shown."""
    return bound(ast.Module(body=ast.parse(source).body[1].body, type_ignores=[]))


@each_notebook
def test_the_recap_has_five_lines_and_the_end_has_sources(path):
    chapters = dict(parts(read(path)))
    assert len(re.findall(r"^(?:\d\.|-) ", text_of(chapters["Recap"]), flags=re.MULTILINE)) == 5
    assert "**Sources" in text_of(chapters["Where next"])


# Running


def used_elsewhere(book, name):
    trees = [ast.parse(without_magics(cell.source)) for cell in code_cells(book) if "parameters" not in tags(cell)]
    return any(isinstance(node, ast.Name) and node.id == name for tree in trees for node in ast.walk(tree))


def test_the_table_of_small_sizes_and_the_notebooks_agree():
    assert set(SMALL) == {path.name for path in NOTEBOOKS}


@each_notebook
def test_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    book = run(ask_for_solutions(shrink(read(path), SMALL[path.name])), tmp_path, monkeypatch)
    cells = code_cells(book)
    assert all(cell.execution_count for cell in cells if cell.source)
    assert [(cell.id, printed(cell)) for cell in cells if re.search(r"Warning|Traceback", printed(cell))] == []
    assert [cell.id for cell in cells if len(set(pictures(cell))) < len(pictures(cell))] == [], "a picture shown twice"
    for cell in cells:
        for output in cell.outputs:
            plain = output.get("data", {}).get("text/plain", "")
            assert "image/png" in output.get("data", {}) or not plain.startswith(("<Figure", "Figure(")), cell.id
    assert any(pictures(cell) for cell in cells)
    (tmp_path / "files").mkdir(exist_ok=True)
    assert picture_places(tmp_path / "files") == [], "what a notebook saves is no choice in notebook 03's menu"
    kinds = {kind for cell in cells for output in cell.outputs for kind in output.get("data", {})}
    assert kinds <= SHOWN_EVERYWHERE
    assert bare_widgets(book) == []


@each_notebook
def test_a_walk_that_skips_what_may_be_skipped_runs(path, tmp_path, monkeypatch):
    """No later cell needs what a section marked *Skip at first* does, unless its mark says that its cells are run."""
    book = shrink(read(path), SMALL[path.name])
    marks = [(cells[0].source.split("\n", 1)[1].strip().splitlines()[0], cells) for _, cells in sections(book)]
    skipped = [cells for mark, cells in marks if mark.startswith("*Skip at first") and "do run" not in mark]
    if not skipped:
        pytest.skip("every section of it is read")
    skipped_ids = {cell.id for cells in skipped for cell in cells}
    book.cells = [cell for cell in book.cells if cell.cell_type == "markdown" or cell.id not in skipped_ids]
    run(book, tmp_path, monkeypatch)


def test_a_widget_without_a_picture_is_found_out():
    widget = "application/vnd.jupyter.widget-view+json"

    def book(*kinds):
        kinds = (*kinds, "text/plain")
        outputs = [
            nbformat.v4.new_output("display_data", {kind: {"model_id": "gone"} if kind == widget else "..."})
            for kind in kinds
        ]
        cell = nbformat.v4.new_code_cell("...", outputs=outputs)
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("## Sliders"), cell])

    assert bare_widgets(book(widget)) == ["Sliders"]
    assert bare_widgets(book(widget, "image/png")) == bare_widgets(book()) == []


def test_shrinking_fails_for_a_constant_that_is_gone():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("ROUNDS = 1000  # how long")])
    book.cells[0].metadata["tags"] = ["parameters"]
    assert shrink(book, {"ROUNDS": 2}).cells[0].source == "ROUNDS = 2  # how long"
    with pytest.raises(AssertionError, match="no constant EPOCHS"):
        shrink(book, {"EPOCHS": 2})


# What a widget calls later, when all cells have run


def bound(tree):
    """The names that a cell binds at its top level."""
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in (node for top in outside for node in ast.walk(top)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names


def read_late(source):
    """For each function of a cell (a lambda by its line): the global names that it reads when it is called."""
    found, todo = {}, symtable.symtable(source, "cell", "exec").get_children()
    for table in todo:
        todo += table.get_children()  # todo grows meanwhile: functions in functions
        if table.get_type() == "function":
            name = table.get_lineno() if table.get_name() == "lambda" else table.get_name()
            found.setdefault(name, set()).update(table.get_globals())
    return found


def used_by_callbacks(tree, functions):
    """The names that the callbacks of a cell's widgets read, and the functions of the notebook that these call."""
    todo, names = [], set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        if ast.unparse(call.func).split(".")[-1] in ("observe", "on_click", "interact", "interactive_output"):
            callback = call.args[0]
            todo.append(callback.lineno if isinstance(callback, ast.Lambda) else ast.unparse(callback))
    for name in todo:  # which grows: what a callback calls reads names too
        new = functions.get(name, set()) - names
        names |= new
        todo += new
    return names


def bound_anew(sources):
    """List the names that a later cell binds although a callback of an earlier one reads them."""
    sources = [without_magics(source) for source in sources]
    trees, late = [ast.parse(source) for source in sources], [read_late(source) for source in sources]
    found = []
    for i, tree in enumerate(trees):
        functions = {name: read for cell in late[: i + 1] for name, read in cell.items() if isinstance(name, str)}
        names = used_by_callbacks(tree, functions | late[i]) & set().union(*map(bound, trees[: i + 1]))
        found += [(name, i, j) for j in range(i + 1, len(trees)) for name in sorted(names & bound(trees[j]))]
    return found


@each_notebook
def test_no_later_cell_binds_a_name_that_a_callback_uses(path):
    assert bound_anew([cell.source for cell in code_cells(read(path))]) == []


def test_a_name_that_a_callback_uses_is_found():
    choose = "def keep(_):\n    save(places[choice.index])\n\nplaces = []\nchoice = Dropdown()\nchoice.observe(keep)"
    assert bound_anew([choose, "distances, places = nearest()"]) == [("places", 0, 1)]
    assert bound_anew(["b.on_click(lambda _: places)", "for places in (): pass"]) == []  # not known when it was made
    assert bound_anew(["places = 1\nb.on_click(lambda _: places)", "def places(): pass"]) == [("places", 0, 1)]
    inner = "def f(a):\n    b = a\n    def g(_):\n        return a, b\n    w.on_click(g)\n\na = b = 1"
    assert bound_anew([inner, "a = b = 2"]) == []  # its own names
    assert bound_anew([choose, "def f():\n    places = 1\nother = 1"]) == []
