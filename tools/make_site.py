"""Make a small website of the last rehearsal, to be read without Python. `python workshop.py site [FOLDER]` runs it.

Every notebook that was rehearsed as it is now becomes a page, beside the slides and the pages of the GANs that were
trained, behind one index. No page of a notebook has a script, and none asks a server for anything.
What lies in FOLDER, pages of GANs and pictures that people handed in, becomes the gallery of the class.
"""

import base64
import io
import json
import re
import shutil
import sys
import tomllib
from html import unescape
from pathlib import Path

import nbformat
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

sys.path.extend(map(str, Path(__file__).resolve().parents[:2]))  # last: no file there stands in for Python's own
import make_slides
from notebook_page import as_page, fill, style
from rehearse import REHEARSAL, duration, origin

import workshop

README = workshop.ROOT / "README.md"
ROW = r"(?m)^\| \[(?P<name>.+?)\]\(notebooks/(?P<stem>\w+)\.ipynb\) \| (?P<what>.*?) \|.*\]\((?P<colab>https.*?)\) \|$"
MADE_HERE = "<p>Made with gans-workshop.</p>"
STRIP = r'<img alt="(Film strip[^"]*)" src="(data:image/jpeg;base64,[\w+/=]+)">'
HERO = r"!\[([^\]]+)\]\[hero\](?s:.*?)^\[hero\]: (data:image/\S+)"


def main(args: list, notebooks: Path = workshop.NOTEBOOKS, rehearsal: Path = REHEARSAL) -> int:
    """Write the site into rehearsal/site; say what is left out, and why."""
    if len(args) > 1 or not all(Path(given).is_dir() for given in args):
        raise workshop.Problem(
            f"`site` takes one folder, of what people handed in, and found '{' '.join(args)}': give a folder that is "
            "there, or none."
        )
    books = [row.groupdict() | {"notebook": None} for row in re.finditer(ROW, README.read_text(encoding="utf-8"))]
    for book in books:
        add_rehearsal(book, notebooks, rehearsal)
    there = [book for book in books if book["notebook"]]
    if not there and not args:
        raise workshop.Problem("There is no page to show yet: type python workshop.py rehearse, then this again.")
    folder = rehearsal / "site"
    workshop.need_writable(rehearsal if rehearsal.is_dir() else rehearsal.parent)
    (folder / "gans").mkdir(parents=True, exist_ok=True)
    write_notebooks(there, notebooks, folder)
    gans = copy_gans(there, rehearsal, folder)
    gallery = [card for given in args for card in hang(Path(given), folder)]
    slides = build_slides(folder)
    write_index(books, gallery, gans, slides, folder)
    counted = f"{len(there)} notebooks, {len(gans)} GANs, {len(slides)} decks, {len(gallery)} works of the class"
    print(f"The site is in {folder}: open index.html ({counted}).")
    return 0


def add_rehearsal(book: dict, notebooks: Path, rehearsal: Path) -> None:
    """Add the executed notebook and its record, if it was rehearsed, was well and is still the same."""
    stem = book["stem"]
    source = nbformat.read(notebooks / f"{stem}.ipynb", as_version=4)
    hero = re.search(HERO, source.cells[0].source, re.MULTILINE)
    book["hero"] = hero and hero.groups()
    try:
        record = json.loads((rehearsal / f"{stem}.json").read_text(encoding="utf-8"))
        executed = nbformat.read(rehearsal / f"{stem}.ipynb", as_version=4)
    except (OSError, ValueError):  # not there, or cut off
        why = "was not rehearsed"
    else:
        same = [cell.source for cell in source.cells] == [cell.source for cell in executed.cells]
        if record["verdict"] == "ok" and same:
            book |= {"notebook": executed, "record": record}
            return
        why = "has changed since it was rehearsed" if record["verdict"] == "ok" else "failed when it was rehearsed"
    print(f"{stem} is left out, because it {why}: python workshop.py rehearse {stem[:2]}", flush=True)


def write_notebooks(books: list, notebooks: Path, folder: Path) -> None:
    """Write a page for each notebook, with a link to the next one, and the glossary."""
    pages = {}
    for book, following in zip(books, [*books[1:], None]):
        links = [("index.html", "All notebooks")]
        links += [(f"{following['stem']}.html", f"Next: {following['name']}")] if following else []
        pages[book["stem"]] = as_page(book["notebook"], origin=origin(book["record"]), links=links)
    words = nbformat.v4.new_markdown_cell((notebooks / "glossary.md").read_text(encoding="utf-8"))
    glossary = nbformat.v4.new_notebook(cells=[words])
    pages["glossary"] = as_page(glossary, links=[("index.html", "All notebooks")])
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(with_links(page, set(pages)), encoding="utf-8")


def with_links(page: str, pages: set) -> str:
    """Lead links to what is on the site there, and links to other notebooks to the repository."""
    at = f"{repository()}/blob/main/notebooks/"
    page = page.replace(f'href="{at}glossary.md', 'href="glossary.html')
    return re.sub(r'(?<=<a href=")(\d\d_\w+)\.html', lambda m: m[0] if m[1] in pages else f"{at}{m[1]}.ipynb", page)


def repository() -> str:
    """Return the address of the repository."""
    return tomllib.loads((workshop.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
        "Repository"
    ]


def copy_gans(books: list, rehearsal: Path, folder: Path) -> list:
    """Copy the pages of GANs that the notebooks have written; return their addresses and titles."""
    found = []
    for book in books:
        files = rehearsal / "files" / book["stem"]
        for path in sorted(files.rglob("*.html")):
            name = "-".join([book["stem"][:2], *path.relative_to(files).parts])
            place = f"gans/{re.sub(r'[^0-9A-Za-z.]+', '-', name)}"
            shutil.copyfile(path, folder / place)
            title = title_of_page(path.read_text(encoding="utf-8", errors="replace")) or path.stem
            found.append((place, f"{title}, from notebook {book['name']}"))
    return found


def hang(given: Path, folder: Path) -> list:
    """Copy the pages and pictures that people handed in; return a card for each, and name what is left out."""
    shutil.rmtree(folder / "class", ignore_errors=True)
    (folder / "class").mkdir()
    cards = []
    for path in sorted(path for path in given.rglob("*") if path.is_file() and not path.name.startswith(".")):
        name = path.relative_to(given)
        try:
            title, hero = look_at(path)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            print(f"{name} is left out: {error}", flush=True)
            continue
        place = f"class/{len(cards) + 1:02}-{re.sub('[^0-9A-Za-z]+', '-', path.stem)}{path.suffix.lower()}"
        copy_without_place(path, folder / place)
        cards.append({"hero": hero, "name": title, "what": " / ".join(name.parts), "ways": [(place, "Open")]})
    return cards


def copy_without_place(path: Path, target: Path) -> None:
    """Copy a file as it is; only a photo that says where it was taken is written anew, without what it says."""
    if path.suffix.lower() != ".html":
        with Image.open(path) as photo:
            if photo.getexif().get_ifd(ExifTags.IFD.GPSInfo):
                colours = photo.info.get("icc_profile")
                upright = ImageOps.exif_transpose(photo)
                upright.info.clear()
                upright.save(target, quality=95, icc_profile=colours)
                return
    shutil.copyfile(path, target)


def look_at(path: Path) -> tuple:
    """Return the title of a page of a GAN or of a picture, and a small picture of it: (words, address) or None."""
    if path.suffix.lower() == ".html":
        page = path.read_text(encoding="utf-8", errors="replace")
        if MADE_HERE not in page:
            raise ValueError("it is no page of a GAN, as the notebooks save it")
        strip = re.search(STRIP, page)
        return title_of_page(page) or path.stem, strip and strip.groups()
    try:
        picture = Image.open(path)
    except UnidentifiedImageError:
        raise ValueError("it is neither a picture nor a page of a GAN (a ZIP must be unpacked)") from None
    with picture:
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((640, 640))
        upright.convert("RGB").save(buffer := io.BytesIO(), "PNG")
    address = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return path.stem, (f"The picture {path.name}", address)


def title_of_page(page: str) -> str:
    """Return what a page calls itself; '' where it says nothing."""
    found = re.search(r"(?is)<title>(.*?)</title>", page)
    return unescape(found[1]).strip() if found else ""


def build_slides(folder: Path) -> list:
    """Build the slides as HTML into the site; return their addresses and titles, none where they cannot be built."""
    try:
        make_slides.slides(["html"], folder=folder / "slides")
    except workshop.Problem as problem:
        print(f"The slides are left out. {problem}", flush=True)
        return []
    decks = sorted((folder / "slides").glob("*.html"))
    return [(f"slides/{deck.name}", title_of_page(deck.read_text(encoding="utf-8")) or deck.stem) for deck in decks]


def write_index(books: list, gallery: list, gans: list, slides: list, folder: Path) -> None:
    """Write the page that leads to all others."""
    title, first = re.match(r"# (.*)\n\n((?:.+\n)+)", README.read_text(encoding="utf-8")).groups()
    cards = []
    for book in books:
        record = book.get("record")
        card = {key: book[key] for key in ("name", "what", "hero")}
        card["took"] = (
            f"ran in {duration(record['minutes'])} on {record.get('date', 'an unknown day')}" if record else ""
        )
        ways = [(f"{book['stem']}.html", "Read")] if record else []
        cards.append(card | {"ways": [*ways, (book["colab"], "Open in Colab")]})
    machines = dict.fromkeys(book["record"].get("machine", "") for book in books if book["notebook"])
    more = [
        ("GANs to draw with", "These are the networks that this very run has trained.", gans),
        ("For a talk", "The slides need no internet.", slides),
        ("Words", "What a word means here.", [("glossary.html", "Glossary")]),
    ]
    origins = [f"All outputs are those of one run on {machine}." for machine in machines if machine]
    values = {"title": title, "style": style()}
    page = fill("index.html.j2", resources=values, title=title, words=" ".join(first.split()), books=cards,
                gallery=gallery, more=more, origins=origins, repository=repository())  # fmt: skip
    (folder / "index.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    workshop.begin(main)
