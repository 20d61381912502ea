"""The glossary and the notebooks agree: who explains a word first puts it in bold, and nobody uses it before."""

import functools
import re

import pytest

from tools import ROOT, notebook, read, text_of

READING_ORDER = ["00", "01", "06", "02", "03", "04", "05", "07", "08", "09", "10", "11"]
GLOSSARY = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| \[notebook (\d+)\]\((\S+)\) \|$", GLOSSARY, re.MULTILINE)
WORDS = [(word, number.zfill(2)) for word, _, number, _ in ROWS]

# Words of everyday English too: whether one is meant as in the glossary, only a reader can tell.
EVERYDAY = {"class", "distance", "judge", "network", "patch", "round", "training", "loss", "weight"}


@functools.cache
def shown(number):
    """Return the Markdown of a notebook without code, formulas, data and addresses."""
    text = text_of(read(notebook(number)).cells)
    text = re.sub(r"^\[[\w-]+\]: [^\n]*$|^```.*?^```$|\$\$.*?\$\$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`|\$[^$\n]*\$|\]\([^)\n]*\)", "", text)


def pattern(word):
    """A word as it is used in a sentence: with a small letter or not, one or several; of 'G, the criminal' the G."""
    name = re.escape(word.partition(",")[0])
    capital = name[0] if len(name) == 1 else f"(?:{name[0].lower()}|{name[0].upper()})"
    return rf"(?<![\w(]){capital}{name[1:]}(?:s|es)?(?![\w(])"


def test_the_table_has_one_sentence_for_each_word_in_the_order_of_reading():
    assert len(ROWS) == len([line for line in GLOSSARY.splitlines() if line.startswith("| ")]) - 1 >= 25
    words = [word for word, *_ in ROWS]
    assert len(set(words)) == len(words)
    assert [
        word for word, sentence, *_ in ROWS if len(sentence.split()) < 5 or re.search(r"[.?!] [A-Z]", sentence)
    ] == []
    places = [READING_ORDER.index(number.zfill(2)) for _, _, number, _ in ROWS]
    assert places == sorted(places)
    assert [file for *_, number, file in ROWS if file != notebook(number.zfill(2)).name] == []
    listed = re.search(r"order in which they are best read: ([\d, ]+)", GLOSSARY)[1]
    assert [number.zfill(2) for number in listed.split(", ")] == READING_ORDER


@pytest.mark.parametrize(("word", "number"), WORDS)
def test_the_first_notebook_explains_the_word_in_bold(word, number):
    bold = re.findall(r"\*\*([^*\n]+)\*\*", shown(number))
    assert [text for text in bold if re.search(pattern(word), text)], f"notebook {number} has no **{word}**"


@pytest.mark.parametrize(("word", "number"), [pair for pair in WORDS if pair[0] not in EVERYDAY])
def test_no_notebook_before_uses_the_word(word, number):
    before = READING_ORDER[: READING_ORDER.index(number)]
    used = {n: [line for line in shown(n).splitlines() if re.search(pattern(word), line)] for n in before}
    assert {n: lines[0] for n, lines in used.items() if lines} == {}


def test_a_word_is_found_in_its_forms_and_only_as_a_word():
    assert re.search(pattern("batch"), "Batches are") and re.search(pattern("loss"), "two losses")
    assert not re.search(pattern("z"), "Zoo, size, Z") and re.search(pattern("z"), "rolls z, and")
    assert re.search(pattern("D(x)"), "D(x) is") and not re.search(pattern("x"), "D(x)")
    assert re.search(pattern("G, the criminal"), "G draws") and not re.search(pattern("G, the criminal"), "D(G(z))")
