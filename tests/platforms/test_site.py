"""The website of a rehearsal: nothing is lost on it, nothing leads nowhere, and no server is asked."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_output
from PIL import ExifTags, Image

from gans_workshop import GAN, Discriminator, Generator, LiveView, load_digits, save_page, seed_everything, train
from tools import NOTEBOOKS, REPOSITORY, ROOT, code_cells, each_notebook, load_script, read

make_site = load_script("tools/make_site.py")
pages = load_script("tools/notebook_page.py")
Problem = make_site.workshop.Problem
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
RECORD = {"verdict": "ok", "minutes": 3.6, "peak_mb": 900, "machine": "a machine of ours", "date": "2026-11-26"}


def rehearsed(path: Path, folder: Path, **changes) -> None:
    """Leave behind what a rehearsal of this notebook does, with words and a picture below each piece of code."""
    book = read(path)
    for cell in code_cells(book):
        cell.outputs = [new_output("stream", text="said\n"), new_output("display_data", {"image/png": DOT})]
    nbformat.write(book, folder / path.name)
    row = RECORD | {"notebook": path.stem} | changes
    (folder / f"{path.stem}.json").write_text(json.dumps(row), encoding="utf-8")


def no_slides(args, folder):
    raise Problem("The slides need Node.js.")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a site of all notebooks, a page of a GAN, and a deck."""
    folder = tmp_path_factory.mktemp("rehearsal")
    for path in NOTEBOOKS:
        rehearsed(path, folder)
    gan = folder / "files" / "02_mnist_dcgan" / "digits" / "my gan.html"
    gan.parent.mkdir(parents=True)
    gan.write_text("<title>Mine &amp; &lt;b&gt;yours&lt;/b&gt;</title><script>draw()</script>", encoding="utf-8")

    def one_deck(args, folder):
        folder.mkdir()
        (folder / "talk.html").write_text("<title>A talk</title>", encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_site.make_slides, "slides", one_deck)
        assert make_site.main([], rehearsal=folder) == 0
    return folder / "site"


@pytest.fixture(scope="module")
def site(built):
    """The text of each page by its place."""
    return {path.relative_to(built).as_posix(): path.read_text(encoding="utf-8") for path in built.rglob("*.html")}


def of_ours(site: dict) -> dict:
    return {place: page for place, page in site.items() if "/" not in place}


@each_notebook
def test_every_fold_formula_and_picture_is_there(site, path):
    book, page = read(path), site[f"{path.stem}.html"]
    words = "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    formulas = [found for found in re.finditer(pages.FORMULA, words) if found[1] or found[2]]
    assert len(re.findall(r"<math\b", page)) == len(formulas)

    code = code_cells(book)
    for cell in code:
        cell.outputs = [new_output("stream", text="said\n")]
    pages.fold(book)
    folds = words.count("<details") + sum(bool(cell.metadata.get("code_under")) for cell in code)
    assert page.count("<details") == folds + sum(bool(cell.metadata.get("outputs_under")) for cell in code)
    assert page.count("<summary") == page.count("</details>") == page.count("<details")

    shown = re.findall(r"!\[([^\]]+)\](?!\(https?:)(?:\[|\()", words)
    alts = [
        html.unescape(alt) for tag in re.findall(r"<img\b[^>]*>", page) for alt in re.findall(r'alt="([^"]*)"', tag)
    ]
    assert len(alts) == page.count("<img") == len(shown) + len(code) and all(alts)
    assert set(shown) <= set(alts)


def test_no_page_of_ours_has_a_script_or_asks_a_server(site):
    for place, page in of_ours(site).items():
        assert not re.search(r"(?i)<script|<iframe|<link\b|<object|<embed|\son\w+=|javascript:", page), place
        sources = re.findall(r"""(?i)(?:\b(?:src|srcset|poster|data|action)=["']?|url\(["']?|@import\s)(.{12})""", page)
        assert [source for source in sources if not source.startswith("data:image/")] == [], place
        assert "Content-Security-Policy" in page and "default-src 'none'; img-src data:; style-src" in page, place
        assert '<html lang="en">' in page and 'name="viewport"' in page and "prefers-color-scheme: dark" in page, place


def test_every_link_inside_leads_somewhere(site):
    ids = {place: {html.unescape(name) for name in re.findall(r'\sid="([^"]*)"', page)} for place, page in site.items()}
    lost = []
    for place, page in of_ours(site).items():
        for link in map(html.unescape, re.findall(r'<a\b[^>]*\bhref="([^"]*)"', page)):
            if not re.match(r"https?:", link):
                there, _, part = link.partition("#")
                known = ids.get(unquote(there) or place)
                lost += [f"{place}: {link}"] if known is None or (part and unquote(part) not in known) else []
    assert lost == []
    assert f"{REPOSITORY}/blob/main/notebooks/" not in "".join(of_ours(site).values()), "what is here is read here"


def test_the_index_has_all_with_minutes_machine_and_day(site):
    index = site["index.html"]
    for path in NOTEBOOKS:
        assert f'<a href="{path.stem}.html">Read</a>' in index
        assert re.search(rf'<a href="https://colab[^"]*/{path.name}">Open in Colab</a>', index)
        (alt,) = re.findall(r"!\[([^\]]+)\]\[hero\]", read(path).cells[0].source)
        assert f'alt="{html.escape(alt)}"' in index
    assert index.count("ran in 4 minutes on 2026-11-26") == len(NOTEBOOKS)
    assert index.count("a machine of ours") == 1
    assert '<a href="slides/talk.html">A talk</a>' in index and '<a href="glossary.html">' in index


def test_the_pages_of_gans_come_along_and_their_titles_stay_text(site):
    assert "<script>draw()" in site["gans/02-digits-my-gan.html"]
    link = '<a href="gans/02-digits-my-gan.html">Mine &amp; &lt;b&gt;yours&lt;/b&gt;, from notebook 02'
    assert link in site["index.html"]


def test_each_page_says_when_and_where_it_was_run_and_leads_on(site):
    page = site["00_pictures_are_numbers.html"]
    assert "on 2026-11-26, in 4 minutes on a machine of ours." in page
    assert '<nav><a href="index.html">All notebooks</a><a href="01_slanted_land.html">Next: 01' in page


def test_in_a_browser_nothing_is_asked_cut_off_or_too_faint(built, need):
    """On a desk and on a phone of 360 pixels, on light and on dark screens, with all folds open."""
    need(shutil.which("node"), "Node (nodejs.org)")
    need((ROOT / "presentation" / "node_modules" / "playwright-core").is_dir(), "`npm ci --prefix presentation`")
    try:
        browser = make_site.make_slides.find_browser()
    except Problem as problem:
        browser = need(False, str(problem))
    script = ROOT / "tests" / "platforms" / "browser" / "site.mjs"
    seen = json.loads(subprocess.check_output(["node", script, browser, built], text=True))
    assert len(seen["names"]) == len(NOTEBOOKS) + 2 and seen["problems"] == []


def test_what_was_not_rehearsed_as_it_is_now_is_named_and_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_site.make_slides, "slides", no_slides)
    zero, one, two, three = NOTEBOOKS[:4]
    rehearsed(zero, tmp_path)
    rehearsed(one, tmp_path, verdict="FAILED at cell 2")
    rehearsed(two, tmp_path)
    text = (tmp_path / two.name).read_text(encoding="utf-8")
    (tmp_path / two.name).write_text(text.replace("ROUNDS", "ROWS"), encoding="utf-8")
    rehearsed(three, tmp_path)
    (tmp_path / three.name).write_text(text[:5000], encoding="utf-8")  # the disk was full
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("a person's own")
    assert make_site.main([], rehearsal=tmp_path) == 0
    said = capsys.readouterr().out
    assert f"{one.stem} is left out, because it failed when it was rehearsed: python workshop.py rehearse 01" in said
    assert f"{two.stem} is left out, because it has changed since it was rehearsed" in said
    assert f"{three.stem} is left out, because it was not rehearsed" in said
    assert "The slides are left out. The slides need Node.js." in said
    made = {path.name for path in (tmp_path / "site").iterdir()}
    assert made == {f"{zero.stem}.html", "index.html", "glossary.html", "gans", "mine.txt"}
    page = (tmp_path / "site" / f"{zero.stem}.html").read_text(encoding="utf-8")
    assert f'<a href="{REPOSITORY}/blob/main/notebooks/{one.name}"' in page


def test_without_a_rehearsal_nothing_is_made(tmp_path):
    with pytest.raises(Problem, match=r"no page to show yet: type python workshop.py rehearse"):
        make_site.main([], rehearsal=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_people_handed_in_becomes_a_gallery_and_what_is_none_of_it_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_site.make_slides, "slides", no_slides)
    given = tmp_path / "handed in"
    (given / "Zoë").mkdir(parents=True)
    seed_everything(0)
    gan = GAN(Generator(width=4), Discriminator(width=4))
    view = LiveView()
    train(gan, load_digits()[0][:64], steps=4, batch_size=8, watch=view)
    save_page(given / "Zoë" / "my gan.html", gan, title="<b>Zoë's digits</b>", view=view)
    Image.new("RGB", (2000, 900), "red").save(given / "class photo.PNG")
    (given / "broken.png").write_bytes(b"no picture")
    (given / "other.html").write_text("<script>alert(1)</script>")
    (given / ".DS_Store").write_bytes(b"x")
    (tmp_path / "rehearsal").mkdir()
    for _ in range(2):  # a second time too
        assert make_site.main([str(given)], rehearsal=tmp_path / "rehearsal") == 0
    said = capsys.readouterr().out
    assert "2 works of the class" in said and "DS_Store" not in said
    assert "other.html is left out: it is no page of a GAN" in said
    assert "broken.png is left out: it is neither a picture nor" in said
    site = tmp_path / "rehearsal" / "site"
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "<h3>&lt;b&gt;Zoë&#39;s digits&lt;/b&gt;</h3>\n<p>Zoë / my gan.html</p>" in index
    assert 'alt="Film strip' in index and index.count("data:image/png;base64") > len(NOTEBOOKS) - 2
    hung = sorted(path.name for path in (site / "class").iterdir())
    assert hung == ["01-my-gan.html", "02-class-photo.png"]
    assert all(f'<a href="class/{name}">Open</a>' in index for name in hung)
    assert (site / "class" / hung[0]).read_bytes() == (given / "Zoë" / "my gan.html").read_bytes()


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_photo_of_the_gallery_does_not_say_where_it_was_taken(kind, tmp_path):
    photo, exif = Image.new("RGB", (40, 20), "red"), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 8.0, 14.0)
    photo.save(tmp_path / f"phone.{kind}", exif=exif)
    make_site.copy_without_place(tmp_path / f"phone.{kind}", tmp_path / f"hung.{kind}")
    with Image.open(tmp_path / f"phone.{kind}") as given, Image.open(tmp_path / f"hung.{kind}") as hung:
        assert given.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert not hung.getexif().get_ifd(ExifTags.IFD.GPSInfo) and ExifTags.Base.Orientation not in hung.getexif()
        assert hung.size == (20, 40) and hung.getpixel((5, 5))[0] > 240


@pytest.mark.parametrize("args", [["nowhere"], [".", "."]])
def test_a_gallery_of_nothing_is_refused(args, tmp_path):
    with pytest.raises(Problem, match=rf"takes one folder, .* and found '{' '.join(args)}'"):
        make_site.main(args, rehearsal=tmp_path)


def test_the_workflow_publishes_only_when_it_is_asked_to():
    text = (ROOT / ".github" / "workflows" / "site.yml").read_text(encoding="utf-8")
    begins = text.split("\non:\n")[1].split("\n\n")[0]
    assert begins == '  workflow_dispatch:\n  push:\n    tags: ["v*"]'
    steps = re.findall(r"- run: (.*)", text)
    assert steps == ["python workshop.py rehearse", "python workshop.py site"]
    made = make_site.REHEARSAL.relative_to(ROOT) / "site"
    assert f"path: {made.as_posix()}\n" in text
    build, publish = text.split("\n  publish:\n")
    assert "pages: write" in publish and "write" not in build, "only the last step may change anything"
