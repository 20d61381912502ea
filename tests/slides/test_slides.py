"""The slides: pictures from our own code, numbers and formulas as the code has them, every slide seen in a browser."""

import ast
import base64
import io
import json
import math
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop import Discriminator, Generator, minimax, non_saturating
from tools import NOTEBOOKS, ROOT, holds_two_sentences, load_script, notebook, prose_lines

SLIDES, PICTURES = ROOT / "presentation", ROOT / "presentation-images"
NAMES = ("gans-with-python", "gans-that-do-as-you-ask")  # of the first day, and of the second
DECKS = {name: (SLIDES / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}


def pages_of(text):
    """The source of each slide, with its notes."""
    return re.split(r"\n---\n", text.split("---\n", 2)[2])


TEXT = DECKS["gans-with-python"]
PAGES = pages_of(TEXT)
INSTRUCTOR = (SLIDES / "INSTRUCTOR.md").read_text(encoding="utf-8")
HOMEWORK = (SLIDES / "HOMEWORK.md").read_text(encoding="utf-8")


make_slides = load_script("tools/make_slides.py")
Problem = make_slides.workshop.Problem
images = load_script(PICTURES / "make_images.py")


def page(title):
    """The source of the slide with this title, with its notes."""
    (found,) = [text for text in PAGES if f"\n# {title}\n" in "\n" + text]
    return found


# Pictures


def file_name(make):
    return make.__name__.replace("_", "-")


def small(picture):
    return np.asarray(picture.convert("RGB").resize((64, 36), Image.Resampling.BOX), float)


@pytest.mark.parametrize("make", images.QUICK, ids=file_name)
def test_each_quick_picture_is_what_its_code_makes(make):
    ending, data = images.encode(make())
    made, kept = Image.open(io.BytesIO(data)), Image.open(PICTURES / f"{file_name(make)}.{ending}")
    assert getattr(made, "n_frames", 1) == getattr(kept, "n_frames", 1)
    assert abs(made.width - kept.width) <= 4 and abs(made.height - kept.height) <= 4
    far = np.abs(small(made) - small(kept)).mean()
    assert far < 2, f"run python presentation-images/make_images.py {file_name(make)}"


def test_pictures_of_other_code_would_be_noticed():
    """The bound above tells any two of the pictures apart, even the drawings that share most of their lines."""
    seen = [small(Image.open(path)) for path in sorted(PICTURES.glob("*.png"))]
    assert min(np.abs(a - b).mean() for i, a in enumerate(seen) for b in seen[:i]) > 2


def test_no_picture_is_missing_or_unused_or_large():
    there = {path.name for path in PICTURES.iterdir() if path.suffix in (".png", ".gif")}
    texts = [*DECKS.values(), (ROOT / "README.md").read_text(encoding="utf-8")]
    used = {name for text in texts for name in re.findall(r"presentation-images/([\w.-]+\.(?:png|gif))", text)}
    inside = "".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS)
    used |= {name for name in there if base64.b64encode((PICTURES / name).read_bytes()).decode() in inside}
    assert used == there
    by_code = {file_name(make) for make in images.QUICK + images.SLOW}
    assert {name.rpartition(".")[0] for name in there if not name.startswith("failure-")} == by_code
    sizes = [(PICTURES / name).stat().st_size for name in there]
    assert max(sizes) < 1e6 and sum(sizes) < 15e6


@pytest.mark.parametrize("text", DECKS.values(), ids=DECKS)
def test_every_picture_on_a_slide_has_alt_text(text):
    alts = re.findall(r"!\[([^\]]*)\]", text)
    assert len(alts) >= 25
    assert [alt for alt in alts if len(re.sub(r"\b[wh]:\d+", "", alt).split()) < 5] == []


# Numbers, formulas and code


def test_code_on_slides_compiles():
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        ast.parse(block)


def test_printed_values_on_slides_are_true():
    checked = 0
    for title in ("A list keeps things in order", "An array: a grid that can do sums"):
        code = page(title).split("```python\n")[1].split("```")[0]
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        lines = out.splitlines()
        for expected in re.findall(r"^print\(.*?\)\s+# (\(\d+, \d+\)|\d+)\b", code, re.MULTILINE):
            assert expected in lines
            checked += 1
    assert checked >= 3


@pytest.fixture
def logits():
    torch.manual_seed(0)
    return {"real_logits": torch.randn(64, 1), "fake_logits": torch.randn(64, 1)}


def test_the_losses_on_the_slides_are_those_of_the_package(logits):
    def run(code, wanted):
        names = dict(logits)
        exec(code, names)
        return names[wanted]

    real, fake = logits.values()
    (d_code,) = re.findall(r"```python\n(.*?)```", page("What the detective pays"), re.DOTALL)
    torch.testing.assert_close(run(d_code, "d_loss"), non_saturating.discriminator(real, fake))
    minimax_code, ours_code = re.findall(r"```python\n(.*?)```", page("What the criminal pays: two forms"), re.DOTALL)
    torch.testing.assert_close(run(minimax_code, "g_loss"), minimax.generator(fake))
    torch.testing.assert_close(run(ours_code, "g_loss"), non_saturating.generator(fake))


def from_tex(formula):
    """Turn a mean over a batch in TeX into Python, with D and DG for D(x_i) and D(G(z_i))."""
    formula = re.sub(r"\\(?:Bigl|Bigr|bigl|bigr)", "", formula.split("=", 1)[-1] if "loss" in formula else formula)
    sign, body = re.fullmatch(r"(-?)\\frac\{1\}\{m\}\\sum_\{i=1\}\^\{m\} (.*)", formula.strip()).groups()
    body = body.replace("D(G(z_i))", "DG").replace("D(x_i)", "D").strip("[]")
    body = re.sub(r"\\ln ?(\w+|\([^()]*\))", r"log(\1)", body)
    return f"{sign}({body}).mean()"


def test_the_formulas_are_those_of_the_package(logits):
    real, fake = logits.values()
    values = {"D": real.sigmoid(), "DG": fake.sigmoid(), "log": torch.log}
    d, g_minimax, g_ours = (
        eval(from_tex(formula), values)
        for title in ("What the detective pays", "What the criminal pays: two forms")
        for formula in re.findall(r"^\$\$(.*)\$\$$", page(title).replace(r"m} \Bigl", r"m} \Bigl"), re.MULTILINE)
    )
    torch.testing.assert_close(d, non_saturating.discriminator(real, fake))
    torch.testing.assert_close(g_minimax, minimax.generator(fake))
    torch.testing.assert_close(g_ours, non_saturating.generator(fake))


def test_the_loop_on_the_slide_trains_both_players():
    (code,) = re.findall(r"```python\n(.*?)```", page("In Python"), re.DOTALL)
    torch.manual_seed(0)
    generator, discriminator = Generator(width=4), Discriminator(width=4)
    before = [p.clone() for network in (generator, discriminator) for p in network.parameters()]
    names = {"generator": generator, "discriminator": discriminator}
    names |= {"d_optimizer": torch.optim.Adam(discriminator.parameters(), lr=0.01)}
    names |= {"g_optimizer": torch.optim.Adam(generator.parameters(), lr=0.01)}
    names |= {"loss_d": non_saturating.discriminator, "loss_g": non_saturating.generator}
    names |= {"draw_z": lambda: torch.randn(4, 64), "next_real": lambda: torch.rand(4, 1, 28, 28)}
    exec(code.replace("range(150)", "range(2)"), names)
    after = [p for network in (generator, discriminator) for p in network.parameters()]
    assert not any(torch.equal(a, b) for a, b in zip(before, after))


def notebook_text(number):
    cells = json.loads(notebook(number).read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


NUMBERS_OF_NOTEBOOK_01 = ["0.731", "0.182", "0.386", "1.139", "0.693", "1.386", "1.54", "0.59", "1.34", "0.34", "1.53"]
NUMBERS_OF_NOTEBOOK_02 = ["242,033", "28,113", "0.018", "0.982", "0.62 to 0.65", "0.34 to 0.38"]


@pytest.mark.parametrize(("number", "values"), [("01", NUMBERS_OF_NOTEBOOK_01), ("02", NUMBERS_OF_NOTEBOOK_02)])
def test_numbers_stand_on_slides_and_in_the_notebook(number, values):
    there = notebook_text(number)
    assert [value for value in values if value not in TEXT or value not in there] == []


def test_the_numbers_of_slanted_land_are_computed():
    land = images.slanted_land()
    scores = [float(land.HAND_WEIGHTS @ screen) for screen in (land.PORTRAITS[2], land.NOISE[1])]
    assert scores == [2, -0.5]
    table = page("From a score to an opinion")
    for score in (scores[0], 1, scores[1]):
        assert re.search(rf"\| {score:g} \| {score - 1:g} \| \*\*{land.sigmoid(score - 1):.3g}\*\*", table)
    assert f"{land.loss(0.68, 1):.3f}" == "0.386" and f"{land.loss(0.68, 0):.3f}" == "1.139"
    assert [f"{land.loss(p, 1):.1f}" for p in (0.1, 0.9)] == ["2.3", "0.1"]
    assert f"{math.log(2):.3f}" == "0.693" and f"{2 * math.log(2):.3f}" == "1.386"


def test_the_pushes_are_the_slopes_of_the_losses():
    logit = torch.tensor([-4.0], requires_grad=True)
    pushes = [-torch.autograd.grad(loss.generator(logit), logit)[0].item() for loss in (non_saturating, minimax)]
    slide = page("Why the second form?")
    assert (
        f"$D(G(z)) = {logit.sigmoid().item():.3f}$ the pushes are **{pushes[0]:.3f}** and **{pushes[1]:.3f}**" in slide
    )
    sizes = [sum(p.numel() for p in network.parameters()) for network in (Generator(), Discriminator())]
    assert [f"{size:,}" for size in sizes] == ["242,033", "28,113"]


def test_every_notebook_has_its_slide():
    named = set(re.findall(r"^# Now you: notebook (\d\d)$|^- \*\*(\d\d) ", TEXT, re.MULTILINE))
    assert {"".join(pair) for pair in named} >= {path.name[:2] for path in NOTEBOOKS}
    second = re.findall(r"^# Now you: notebook (\d\d)$", DECKS["gans-that-do-as-you-ask"], re.MULTILINE)
    assert second == ["07", "08", "09", "10", "11"]


@pytest.mark.parametrize("number", ["07", "08", "09", "10", "11"])
def test_the_second_day_gives_a_notebook_the_minutes_that_it_asks_for(number):
    (found,) = [text for text in pages_of(DECKS["gans-that-do-as-you-ask"]) if f"notebook {number}\n\n**" in text]
    (asked,) = re.findall(r"^\| Working \| about (\d+) minutes", notebook_text(number), re.MULTILINE)
    assert f"**, {asked} minutes" in found and f"\nTime: {asked} min\n" in found


# Notes, timing, and the instructor's page


def minutes(page):
    (found,) = re.findall(r"^Time: ([\d.]+) min$", page, re.MULTILINE)
    return float(found)


@pytest.mark.parametrize("deck", DECKS.values(), ids=DECKS)
def test_every_slide_has_notes_with_its_time(deck):
    for text in pages_of(deck):
        (note,) = re.findall(r"<!--\n(.*?)-->", text, re.DOTALL)
        assert re.search(r"^Time: [\d.]+ min$", note, re.MULTILINE)
        rest = re.sub(r"^(Time|Chapter): .*$", "", note, flags=re.MULTILINE)
        assert len(rest.split()) >= 8 or "_class: lead" in text, text[:80]


def test_each_sentence_of_the_notes_and_of_the_instructor_has_a_line_of_its_own():
    """Not those on the slides: Marp would show the break. A question in a row of questions may be asked in two."""
    slides = [text for deck in DECKS.values() for text in pages_of(deck)]
    notes = ["\n".join(re.findall(r"<!--\n(.*?)-->", text, re.DOTALL)) for text in slides]
    notes = [re.sub(r"^(Time|Chapter): .*$", "", note, flags=re.MULTILINE) for note in notes]
    answered = INSTRUCTOR.split("## Five questions")
    for text in [*notes, HOMEWORK, answered[0], *answered[1].split("\n\n")[2:]]:
        assert [line for line in prose_lines(text) if holds_two_sentences(line)] == []


def plan(heading):
    part = re.split(r"\n##+ ", INSTRUCTOR.split(f"# {heading}\n")[1])[0]
    rows = re.findall(r"^\| (.*?) \| ([\d, -]*) ?\| \**([\d.]+)\** \|$", part, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| ", part, re.MULTILINE)) - 1
    return [(what, slide_numbers(where), float(count)) for what, where, count in rows]


def slide_numbers(text):
    ends = [tuple(map(int, piece.split("-"))) for piece in text.replace(" ", "").split(",") if piece]
    return [number for pair in ends for number in range(pair[0], pair[-1] + 1)]


FIRST, SECOND = DECKS.values()
PLANS = {  # heading: (deck, minutes, whether it goes to the last slide)
    "The plan for two hours": (FIRST, 120, True),
    "The plan for half a day": (FIRST, 240, True),
    "Two days: the first": (FIRST, 360, True),
    "Two days: the second": (SECOND, 360, True),
    "Lesson 1: the game": (FIRST, 120, False),
    "Lesson 2: digits": (FIRST, 120, False),
    "Lesson 3: your own pictures, and failures": (FIRST, 120, False),
    "Lesson 4: ask for it": (SECOND, 120, False),
    "Lesson 5: draw, and it paints": (SECOND, 120, False),
    "Lesson 6: find yourself": (SECOND, 120, True),
}


@pytest.mark.parametrize("heading", PLANS)
def test_the_plans_add_up_and_agree_with_the_notes(heading):
    deck, total, whole = PLANS[heading]
    slides = pages_of(deck)
    *rows, (_, _, stated) = plan(heading)
    assert len(rows) >= 6
    assert stated == total == sum(count for _, _, count in rows)
    shown = [number for _, numbers, _ in rows for number in numbers]
    assert shown == sorted(set(shown)) and (not whole or shown[-1] == len(slides))
    for what, numbers, count in rows:
        if "Notebook" in what:
            (number,) = re.findall(r"Notebook (\d\d)", what)
            assert f"# Now you: notebook {number}\n" in slides[numbers[0] - 1]
        if numbers and ("Notebook" not in what or total == 240):
            assert sum(minutes(slides[number - 1]) for number in numbers) == count, what


def test_six_lessons_bring_all_notebooks_and_all_sheets_of_homework():
    lessons = [plan(heading) for heading in PLANS if heading.startswith("Lesson")]
    words = " ".join(what for rows in lessons for what, _, _ in rows)
    assert set(re.findall(r"\b\d\d\b", words)) == {path.name[:2] for path in NOTEBOOKS}
    shown = [number for rows in lessons[:3] for _, numbers, _ in rows for number in numbers]
    assert len(shown) == len(set(shown)), "no slide is shown twice"
    sheets = re.findall(r"^## Sheet (\d): .*\n\nAfter the lesson with (.*?)[.;]", HOMEWORK, re.MULTILINE)
    assert [int(number) for number, _ in sheets] == list(range(1, 7))
    for rows, (_, after) in zip(lessons, sheets, strict=True):
        taught = {number for what, _, _ in rows for number in re.findall(r"Notebook (\d\d)", what)}
        assert set(re.findall(r"\b\d\d\b", after)) <= taught
    for sheet in HOMEWORK.split("\n## Sheet ")[1:]:
        assert "\n**Hand in:** " in sheet and "\n**To mark:** " in sheet


def test_the_instructor_names_the_right_slides():
    found = {12: "as a picture", 62: "How do we know", 63: "doctor's table", 11: "game I:", 59: "Mode collapse"}
    found |= {
        70: "Five questions",
        45: "two forms",
        46: "second form",
        23: "grid of numbers",
        25: "colour",
        18: "should",
    }
    for number, words in found.items():
        assert words in PAGES[number - 1], number
        assert re.search(rf"\b{number}\b", INSTRUCTOR)


def test_the_five_questions_are_the_same_in_both_places():
    plain = re.sub(r"[*$]", "", page("Five questions"))
    on_slide = re.findall(r"^\d\. (.*)$", plain, re.MULTILINE)[:5]
    answered = re.findall(r"^\d\. \*(.*?)\*$", INSTRUCTOR.split("## Five questions")[1], re.MULTILINE)
    assert len(answered) == 5
    for ours, theirs in zip(on_slide, answered, strict=True):
        assert set(re.findall(r"\w+", ours.lower())) - {"is"} <= set(re.findall(r"\w+", theirs.lower())), theirs


# Built and seen


def needed(find):
    """Return what `find` finds; where Node or a browser is missing, skip with its words, and in CI fail."""
    try:
        return find()
    except Problem as problem:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(problem))


@pytest.fixture(scope="module")
def browser():
    needed(make_slides.marp_command)
    return needed(make_slides.find_browser)


def look_at(html, browser, *more):
    node = make_slides.marp_command()[0]
    command = [node, ROOT / "tests" / "platforms" / "browser" / "slides.mjs", browser, html, *more]
    return json.loads(subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=300).stdout)


@pytest.fixture(scope="module")
def built(browser, tmp_path_factory):
    """The folder in which one command has built all decks, in all kinds."""
    folder = tmp_path_factory.mktemp("built")
    assert make_slides.slides([], folder=folder) == 0
    return folder


def test_one_command_builds_every_deck(built):
    assert {path.name for path in built.iterdir()} == {f"{n}.{kind}" for n in DECKS for kind in ("html", "pdf", "pptx")}


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_of_a_deck_is_sound(name, built, browser):
    html, slides = built / f"{name}.html", len(pages_of(DECKS[name]))
    page_source = html.read_text(encoding="utf-8")
    assert "../presentation-images" not in page_source, "the file must stand alone"
    seen = look_at(html, browser)
    assert seen["count"] == slides
    assert seen["images"] == len(re.findall(r"!\[", DECKS[name]))
    assert seen["problems"] == []
    pdf = (built / f"{name}.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) in (0, slides)
    assert_pptx(built / f"{name}.pptx", slides)


def assert_pptx(path, slides):
    import zipfile

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    for kind in ("slides/slide", "notesSlides/notesSlide"):
        assert len([name for name in names if re.fullmatch(rf"ppt/{kind}\d+\.xml", name)]) == slides


BAD = {
    "overflow": "# Too much\n\n" + "One more line of text that goes on and on, and another one after it.\n\n" * 14,
    "overlap": "# On top\n\n<style scoped>p { margin-top: -80px }</style>\n\nthis lies over the heading",
    "picture": "# Gone\n\n![a picture of five words that is not there](data:image/png;base64,AAAA)",
    "alt": "# Mute\n\n![w:300 digits](../presentation-images/digits.png)",
    "request": "# Far\n\n![a picture that comes from another machine](https://example.invalid/picture.png)",
    "contrast": "# Pale\n\n<style scoped>p { color: #bbb }</style>\n\nwho can read this in the last row?",
    "tiny": "# A stamp\n\n![w:300 a picture that nobody sees from the back](../presentation-images/digits.png)",
    "empty": "# Nothing below\n\n<style scoped>h1 + p { margin-top: 0 !important }</style>\n\none line at the top",
    "small": "# Small\n\n<style scoped>p { font-size: 14px }</style>\n\nand who can read this?",
}


@pytest.fixture(scope="module")
def bad(browser, tmp_path_factory):
    """What is found in a deck with one fault on each slide: {kind: slides}."""
    folder = tmp_path_factory.mktemp("bad") / "presentation"
    folder.mkdir()
    (folder.parent / "presentation-images").mkdir()
    (folder.parent / "presentation-images" / "digits.png").write_bytes((PICTURES / "digits.png").read_bytes())
    front = "---\nmarp: true\ntheme: gans-workshop\n---\n\n"
    far, near = "https://example.invalid/picture.png", "data:image/png;base64,AAAA"  # the build refuses it by itself
    pages = [text.replace(far, near) if kind == "request" else text for kind, text in BAD.items()]
    (folder / "bad.md").write_text(front + "\n\n---\n\n".join(pages), encoding="utf-8")
    make_slides.slides(["html"], folder, folder / "build")
    html = folder / "build" / "bad.html"
    *before, after = html.read_text(encoding="utf-8").split(near)
    html.write_text(near.join(before) + far + after, encoding="utf-8")
    wrong = "<script>setTimeout(() => console.error('a word from the console'), 0)</script></body>"
    html.write_text(html.read_text(encoding="utf-8").replace("</body>", wrong), encoding="utf-8")
    found = {}
    for slide, kind, _ in look_at(html, browser)["problems"]:
        found.setdefault(kind, set()).add(slide)
    return found


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_fault_is_found(bad, kind):
    where = 0 if kind == "request" else list(BAD).index(kind) + 1  # all pictures are fetched before the first slide
    assert where in bad[kind]


def test_a_word_on_the_console_is_found(bad):
    assert bad["console"]


# What the command says


def test_what_is_missing_is_said_with_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(make_slides.shutil, "which", lambda name: None)
    with pytest.raises(Problem, match=r"need Node\.js 18 or newer.*nodejs\.org.*apt install nodejs npm"):
        make_slides.marp_command()
    monkeypatch.setattr(make_slides, "BROWSER_FILES", ())
    monkeypatch.delenv("CHROME_PATH", raising=False)
    with pytest.raises(Problem, match=r"need Chrome, Chromium or Edge.*google\.com/chrome.*apt install chromium"):
        make_slides.find_browser()


def test_a_browser_is_found_on_windows_and_macos(monkeypatch, tmp_path):
    monkeypatch.setattr(make_slides.shutil, "which", lambda name: None)
    monkeypatch.delenv("CHROME_PATH", raising=False)
    monkeypatch.setenv("PROGRAMFILES(X86)", str(tmp_path))
    edge = tmp_path / "Microsoft/Edge/Application/msedge.exe"
    edge.parent.mkdir(parents=True)
    edge.touch()
    assert Path(make_slides.find_browser()) == edge
    mac = tmp_path / "Google Chrome.app/Contents/MacOS/Google Chrome"
    mac.parent.mkdir(parents=True)
    mac.touch()
    files = [file.replace("/Applications", str(tmp_path)) for file in make_slides.BROWSER_FILES]
    monkeypatch.setattr(make_slides, "BROWSER_FILES", files)
    assert Path(make_slides.find_browser()) == mac
    monkeypatch.setenv("CHROME_PATH", str(edge))
    assert Path(make_slides.find_browser()) == edge


# An instructor's own deck

HEAD = "---\nmarp: true\ntheme: gans-workshop\n---\n\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>"
FILES = {  # where it is -> how a slide names it
    "cat.jpg": "![a](cat.jpg)",
    "Cat.JPEG": "![b](./Cat.JPEG)",
    "my cat.webp": "![c](my%20cat.webp)",
    "our room.png": "![d](<our room.png>)",
    "Büro Łódź.gif": "![e](<Büro Łódź.gif>)",
    "drawing.v2.svg": "![f w:300](drawing.v2.svg)",
    "a/b/deep.png": "![g](a/b/deep.png?v=2#top)",
    "50%.png": "![h](50%25.png)",
    "one#two.png": "![i](one#two.png)",
    "../presentation-images/room.v2.jpg": "![j](../presentation-images/room.v2.jpg)",
    "behind.jpg": "![bg](behind.jpg)",
    "beside (1).png": "![bg left:30%](<beside (1).png>)",
    "raw one.png": '<img src="raw one.png" alt="x > y">',
    "styled.png": "<style scoped>section { background-image: url('styled.png'); }</style>",
    "bare.png": "<style scoped>h1 { background: url(bare.png) }</style>",
    "told.png": '<!-- _backgroundImage: url("told.png") -->',
    "film.mp4": '<video src="film.mp4" poster="cat.jpg" controls></video>',
}


def contents(name):
    """Bytes unlike those of any other file; a picture of the kind that its name says."""
    if name.endswith(".svg"):
        return SVG
    if name.endswith(".mp4"):
        return b"no real film"
    shade = 5 + 11 * list(FILES).index(name)
    kind = {"jpg": "JPEG", "jpeg": "JPEG"}.get(name.rpartition(".")[2].lower(), name.rpartition(".")[2].upper())
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 90, 160)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def own(browser, tmp_path_factory):
    """The page of a deck that shows one file on each slide, moved away from its pictures."""
    folder = tmp_path_factory.mktemp("own") / "decks"
    for name in FILES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents(name))
    code = '# Code\n\n`![x](gone.png)` and <b>url(gone.png)</b>\n\n```html\n<img src="gone.png"> url(gone.png)\n```\n'
    emoji = "# Faces \N{GRINNING FACE} :tada: \N{FLAG IN HOLE}\n\n[a link](gone.html) $x^2$"
    pages = [f"# {number}\n\n{text}" for number, text in enumerate(FILES.values())]
    (folder / "mine.md").write_text(HEAD + "\n\n---\n\n".join([*pages, code, emoji]), encoding="utf-8")
    moved = tmp_path_factory.mktemp("elsewhere")
    assert make_slides.slides(["HTML"], folder, moved) == 0
    return moved / "mine.html"


def test_every_kind_of_picture_is_put_into_the_page(own):
    page = own.read_text(encoding="utf-8")
    lost = [name for name in FILES if base64.b64encode(contents(name)).decode() not in page]
    assert lost == []
    left = [
        name for name in FILES if re.search(rf"""(?:src="|poster="|url\()[^)"]*{re.escape(Path(name).stem)}""", page)
    ]
    assert set(left) <= {"told.png"}, "a note of Marp's own (data-background-image), which nothing loads"
    assert "gone.png" in page, "code stays code"


def test_such_a_page_is_whole_in_a_browser_without_internet(own, browser):
    seen = look_at(own, browser)
    assert [problem for problem in seen["problems"] if problem[1] in ("picture", "request", "console")] == []
    assert seen["images"] == sum(text.startswith(("![", "<img")) and "![bg" not in text for text in FILES.values())


def test_emoji_are_letters_and_no_pictures(own):
    page = own.read_text(encoding="utf-8")
    assert "\N{GRINNING FACE} \N{PARTY POPPER} \N{FLAG IN HOLE}" in page
    assert "twemoji@" not in page and "cdn.jsdelivr" not in page


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("gone.png", r"mine\.md shows gone\.png, which is not there: put it into"),
        ("CAT.jpg", r"shows CAT\.jpg, which is not there: is it cat\.jpg\?"),
        ("kat.jpg", r"is it cat\.jpg\?"),
        ("sub%5Ccat.jpg", r"write / for \\"),
        ("B%75%CC%88ro.png", "Macs store ä as two signs"),
        ("../presentation-images/gone.png", "make_images.py"),
        ("photo.heic", r"shows photo\.heic, which no browser can: save it as JPEG"),
        ("https://example.org/a.png", "needs the internet: save it beside mine.md"),
        ("//example.org/a.png", "needs the internet"),
    ],
)
@pytest.mark.parametrize(
    "where", ['<img alt="x" src="{}" />', '<figure style="background-image:url(&quot;{}&quot;);">']
)
def test_a_picture_that_cannot_be_shown_stops_the_build(tmp_path, address, said, where):
    for name in ("cat.jpg", "Büro.png", "photo.heic"):
        (tmp_path / name).write_bytes(b"x")
    if address == "CAT.jpg" and (tmp_path / address).exists():
        pytest.skip("here CAT.jpg and cat.jpg are the same")
    if address.startswith("B%") and (tmp_path / unicodedata.normalize("NFD", "Büro.png")).exists():
        pytest.skip("here both spellings are the same")
    with pytest.raises(Problem, match=said) as problem:
        make_slides.with_pictures_inside(where.format(address), tmp_path / "mine.md")
    assert len(str(problem.value).splitlines()) == 1


@pytest.mark.parametrize("address", ["data:image/png;base64,AAAA", "#part", "https://fonts.example/a.woff2"])
def test_what_needs_no_file_is_left_alone(tmp_path, address):
    page = f'<img src="{address}"><style>@font-face {{ src: url("{address}") }}</style>'
    assert make_slides.with_pictures_inside(page, tmp_path / "mine.md") == page


def test_fonts_from_the_internet_are_said(tmp_path, capsys):
    page = '<style>@import url("https://fonts.example/a.css"); x { src: url(https://cdn.example/b.woff2) }</style>'
    assert make_slides.with_pictures_inside(page, tmp_path / "mine.md") == page
    assert "takes fonts from cdn.example, fonts.example: without internet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "deck"),
    [
        (b"---\nmarp: true\n---\n# A", True),
        (b"---\r\ntitle: x\r\nmarp: true\r\n---\r\n# A", True),
        (b"\xef\xbb\xbf---\nmarp: true\n---\n# A", True),
        (b"---\ntitle: Week 3\ndescription: " + 90 * b"words " + b"\nmarp: true # yes\n---\n# A", True),
        (b"---\ntitle: A page\n---\nmarp: true\n", False),
        (b"# How to begin a deck\n\n---\nmarp: true\n---\n", False),
        (b"---\nmarp: false\n---\n", False),
    ],
)
def test_a_deck_is_known_by_its_whole_front_matter(tmp_path, text, deck, capsys):
    (tmp_path / "a.md").write_bytes(text)
    assert make_slides.is_deck(tmp_path / "a.md") is deck
    lacks = not deck and text.startswith(b"---")
    assert ("a.md is not built" in capsys.readouterr().out) is lacks


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
def test_a_deck_in_another_encoding_is_named(tmp_path, encoding):
    (tmp_path / "grüße.md").write_bytes((HEAD + "# Grüße\n").encode(encoding))
    with pytest.raises(Problem, match=r"^grüße\.md is not in UTF-8: save it again"):
        make_slides.is_deck(tmp_path / "grüße.md")


def test_a_folder_without_a_deck_and_a_file_that_is_open_are_said(tmp_path, monkeypatch):
    with pytest.raises(Problem, match=r"There is no deck in .*marp: true"):
        make_slides.slides(["html"], tmp_path, tmp_path)

    def in_use(path, **options):
        raise PermissionError(32, "The process cannot access the file")

    monkeypatch.setattr(Path, "unlink", in_use)
    with pytest.raises(Problem, match=r"mine\.pdf is open in another program"):
        make_slides.build([], tmp_path / "mine.md", tmp_path / "mine.pdf")


def test_marp_is_fetched_only_where_its_versions_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(make_slides, "SLIDES", tmp_path)
    assert not (tmp_path / "node_modules").exists()
    lock = {
        "packages": {"": {}, "node_modules/a": {"version": "1.2"}, "node_modules/b": {"version": "3", "optional": True}}
    }
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    assert not make_slides.has_marp()
    (tmp_path / "node_modules").mkdir()
    there = tmp_path / "node_modules" / ".package-lock.json"
    there.write_text(json.dumps({"packages": {"node_modules/a": {"version": "1.2"}}}))
    os.utime(there, (0, 0))  # a checkout makes the other one younger
    assert make_slides.has_marp()
    there.write_text(json.dumps({"packages": {"node_modules/a": {"version": "1.1"}}}))
    assert not make_slides.has_marp()
    there.write_text("{")
    assert not make_slides.has_marp()


def test_versions_are_fixed():
    package = json.loads((SLIDES / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((SLIDES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(lock[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
    assert all("integrity" in entry for name, entry in lock.items() if name)


def test_in_a_read_only_folder_marp_is_not_fetched(monkeypatch):
    monkeypatch.setattr(make_slides.workshop, "writable", lambda folder: False)
    monkeypatch.setattr(make_slides, "has_marp", lambda: False)
    monkeypatch.setattr(make_slides.shutil, "which", lambda name: "node")
    monkeypatch.setattr(make_slides.subprocess, "getoutput", lambda command: "v20.1.0")
    with pytest.raises(Problem, match="copy the workshop to a place of your own"):
        make_slides.marp_command()
