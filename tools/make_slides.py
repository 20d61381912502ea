"""Build the slides: html, pdf and pptx, or one of them. `python workshop.py slides [kind ...]` runs it.

Needs Node.js and a browser, and of Python the standard library only. `fetch` only fetches Marp.
"""

import base64
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from html import unescape
from pathlib import Path
from urllib.parse import unquote

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last: no file there stands in for Python's own
import workshop

SLIDES = workshop.ROOT / "presentation"

# Where a browser may be: its command, or its place on macOS and Windows. The first one counts.
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)

BROWSER_FILES = (
    "/Applications/{0}.app/Contents/MacOS/{0}",
    "{PROGRAMFILES}/{1}/Application/{2}.exe",
    "{PROGRAMFILES(X86)}/{1}/Application/{2}.exe",
    "{LOCALAPPDATA}/{1}/Application/{2}.exe",
)

BROWSER_NAMES = (
    ("Google Chrome", "Google/Chrome", "chrome"),
    ("Chromium", "Chromium", "chrome"),
    ("Microsoft Edge", "Microsoft/Edge", "msedge"),
)


# What a slide may show or play, and how a page names its kind. Browsers show nothing else (no HEIC, no TIFF).
KINDS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), "image/jpeg"),
    **dict.fromkeys((".png", ".apng"), "image/png"),
    **{f".{kind}": f"image/{kind}" for kind in ("gif", "webp", "avif", "bmp")},
    **{".svg": "image/svg+xml", ".ico": "image/x-icon", ".mp4": "video/mp4", ".m4v": "video/mp4"},
    **{".webm": "video/webm", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav"},
    **{f".{kind}": f"font/{kind}" for kind in ("woff2", "woff", "ttf", "otf")},
}

# Where a page names such files: in a tag, in the style of a tag, and in a style sheet.
TAG = r"<(?:img|image|video|audio|source|input)\b[^>]*>"

ATTRIBUTE = r"""(\s(?:src|poster|href|xlink:href)=")([^"]+)(")"""

STYLES = r"""(?s)\sstyle="[^"]*"|<style\b.*?</style>"""

URL = r"""(?<!@import )(\burl\((&quot;|"|'|))(.+?)(\2\))"""


def slides(args: list, decks: Path = SLIDES, folder: Path = SLIDES / "build") -> int:
    """Build each deck of `decks` as one HTML file that needs nothing else, as PDF with notes, and for PowerPoint."""
    ways = {"html": [], "pdf": ["--pdf", "--pdf-notes"], "pptx": ["--pptx", "--image-scale", "1.5"]}
    if args == ["fetch"]:
        marp_command()
        return 0
    kinds = [kind.lower().lstrip(".-") for kind in args] or list(ways)
    unknown = [kind for kind in kinds if kind not in ways]
    if unknown:
        raise workshop.Problem(f"Slides cannot be built as '{unknown[0]}'; there are {', '.join(ways)}.")
    chosen = [path for path in sorted(decks.glob("*.md")) if is_deck(path)]
    if not chosen:
        raise workshop.Problem(
            f"There is no deck in {decks}: one is a file such as mine.md that begins with ---, marp: true, ---."
        )
    marp = [*marp_command(), "--no-stdin", "--config-file", SLIDES / "marp.json", "--theme", SLIDES / "theme.css"]
    marp += ["--allow-local-files", "--browser-path", find_browser(), "--browser-timeout", "120"]
    for deck in chosen:
        with tempfile.TemporaryDirectory() as place:  # the page says first which pictures are missing, in any kind
            page = build(marp, deck, Path(place) / f"{deck.stem}.html").read_text(encoding="utf-8")
            page = with_pictures_inside(page, deck)
        for kind in kinds:
            made = folder / f"{deck.stem}.{kind}"
            if kind == "html":
                folder.mkdir(parents=True, exist_ok=True)
                made.write_text(page, encoding="utf-8")
            else:
                build([*marp, *ways[kind]], deck, made)
    print(f"The slides are in {folder}: {', '.join(deck.stem for deck in chosen)} as {', '.join(kinds)}.", flush=True)
    return 0


def is_deck(path: Path) -> bool:
    """Tell whether `marp: true` is in the front matter of a Markdown file; say so where only that is missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise workshop.Problem(
            f"{path.name} is not in UTF-8: save it again in an editor, with UTF-8 as its encoding."
        ) from None
    front = re.match(r"-{3,}[ \t]*\n(.*?)^-{3,}[ \t]*$", text, re.DOTALL | re.MULTILINE)
    if front and not re.search(r"(?m)^marp:[ \t]*true\b", front[1]):
        print(f"{path.name} is not built: the lines between its first two --- lack `marp: true`.", flush=True)
        return False
    return bool(front)


def build(marp: list, deck: Path, made: Path) -> Path:
    try:
        made.unlink(missing_ok=True)
    except PermissionError:
        raise workshop.Problem(
            f"{made.name} is open in another program: close it there, and run the same command again."
        ) from None
    if workshop.run([*marp, deck, "-o", made], cwd=workshop.ROOT) or not made.exists():
        raise workshop.Problem(f"Marp has not made {made.name}: its message stands above.")
    return made


def marp_command() -> list:
    """Return the command of the Marp that presentation/package-lock.json fixes; fetch it the first time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or workshop.numbers(subprocess.getoutput(f'"{node}" --version').lstrip("v")) < [18]:
        where = "get it from nodejs.org, or on Debian and Ubuntu with: sudo apt install nodejs npm"
        raise workshop.Problem(f"The slides need Node.js 18 or newer with npm: {where}.")
    if not has_marp():
        workshop.need_writable(SLIDES)
        print("Fetching Marp into presentation/node_modules; the first time needs the internet.", flush=True)
        workshop.attempt(
            "Fetching Marp",
            [npm, "ci", "--prefix", SLIDES, "--no-audit", "--no-fund"],
            otherwise="delete the folder presentation/node_modules",
        )
    return [node, SLIDES / "node_modules" / "@marp-team" / "marp-cli" / "marp-cli.js"]


def has_marp() -> bool:
    """Tell whether npm has fetched all that package-lock.json fixes, by versions: a checkout changes all times."""

    def versions(file: Path) -> dict:
        packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
        return {name: info.get("version") for name, info in packages.items() if name and not info.get("optional")}

    try:
        there = versions(SLIDES / "node_modules" / ".package-lock.json")
    except (OSError, ValueError):
        return False
    return versions(SLIDES / "package-lock.json").items() <= there.items()


def find_browser() -> str:
    """Find Chrome, Chromium or Edge; CHROME_PATH names another one."""
    places = [os.environ.get("CHROME_PATH")] if os.environ.get("CHROME_PATH") else []
    places += [shutil.which(name) for name in BROWSERS]
    folders = {"PROGRAMFILES": "", "PROGRAMFILES(X86)": "", "LOCALAPPDATA": "", **os.environ}
    places += [file.format(*names, **folders) for file in BROWSER_FILES for names in BROWSER_NAMES]
    for place in filter(None, places):
        if Path(place).is_file():
            return place
    where = "get one from google.com/chrome, or on Debian and Ubuntu with: sudo apt install chromium"
    raise workshop.Problem(f"The slides need Chrome, Chromium or Edge: {where}. CHROME_PATH may name its program file.")


def with_pictures_inside(page: str, deck: Path) -> str:
    """Put pictures, films and fonts into the page of a deck, so that one file is the whole deck."""

    def data(match) -> str:
        return match[1] + as_data(unescape(match[match.lastindex - 1]), deck) + match[match.lastindex]

    def inside(match) -> str:
        return re.sub(URL, data, match.group())

    parts = re.split(r"(?s)(<script\b.*?</script>)", page)  # what belongs to Marp's own program is left alone
    for i, part in enumerate(parts[::2]):
        part = re.sub(TAG, lambda tag: re.sub(ATTRIBUTE, data, tag.group()), part)
        parts[2 * i] = re.sub(STYLES, inside, part)
    styles = "".join(re.findall(STYLES, "".join(parts[::2])))
    fetched = sorted(
        set(re.findall(r"""(?:@import\s*|url\()["']?https?://([^/"')]+)""", styles.replace("@import url(", "@import ")))
    )
    if fetched:
        print(f"CAREFUL: {deck.stem} takes fonts from {', '.join(fetched)}: without internet it looks different.")
    return "".join(parts)


def as_data(address: str, deck: Path) -> str:
    """Turn the address of a picture into the picture itself; one that needs no file comes back as it is."""
    if re.match(r"data:|#|about:|blob:", address):
        return address
    if re.match(r"(?:https?:)?//", address):
        if KINDS.get(Path(address).suffix.lower(), "").startswith("font"):
            return address
        raise workshop.Problem(
            f"{deck.name} shows {address}, which needs the internet: save it beside {deck.name}, and name that."
        )
    file = file_of(address, deck)
    if file.suffix.lower() not in KINDS:
        raise workshop.Problem(
            f"{deck.name} shows {file.name}, which no browser can: save it as JPEG, PNG or MP4, and name that."
        )
    return f"data:{KINDS[file.suffix.lower()]};base64,{base64.b64encode(file.read_bytes()).decode()}"


def file_of(address: str, deck: Path) -> Path:
    """Find the file of an address, as it is spelled or with %20 and ?v=2 read as browsers do; else raise Problem."""
    bare = re.sub(r"[?#].*", "", address)
    spellings = dict.fromkeys([address, unquote(address), bare, unquote(bare)])
    for spelling in spellings:
        for folder in (deck.parent, SLIDES):  # theme.css names files from its own folder
            file = folder / re.sub(r"^file://(?:/(?=[A-Za-z]:))?", "", spelling)
            if "\0" not in spelling and file.is_file():
                return file
    raise workshop.Problem(
        f"{deck.name} shows {unquote(bare)}, which is not there{instead(deck.parent / unquote(bare))}"
    )


def instead(gone: Path) -> str:
    """Say what to do about a file that is not there: there may be one of nearly the same name."""
    here = [path.name for path in gone.parent.iterdir() if path.is_file()] if gone.parent.is_dir() else []
    if "\\" in gone.name:
        return ": write / for \\ in its path."
    if unicodedata.normalize("NFC", gone.name) in [unicodedata.normalize("NFC", name) for name in here]:
        return " in this spelling (Macs store ä as two signs): type the name of the file and of the slide anew."
    near = [name for name in here if name.casefold() == gone.name.casefold()]
    near = near or difflib.get_close_matches(gone.name, here, 1, cutoff=0.8)
    if near:
        return f": is it {near[0]}?"
    if gone.parent.name == "presentation-images" and gone.suffix == ".png":
        return ": put it there, or make ours again with python presentation-images/make_images.py."
    return f": put it into {gone.parent.resolve()}."


if __name__ == "__main__":
    workshop.begin(slides)
