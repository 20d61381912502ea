"""Turn an executed notebook into one web page: no script, no server is asked, and what answers a question is folded."""

import re
from pathlib import Path

import nbconvert
from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from pygments.formatters import HtmlFormatter

LOADER = FileSystemLoader(Path(__file__).resolve().parent / "pages")
FORMULA = r"(?s)```.*?```|`[^`\n]*`|\$\$(.+?)\$\$|\$([^$\n]+)\$"
CODE_COLOURS = ("xcode", "lightbulb")  # of Pygments' those with a contrast of 4.5 and more on our backgrounds
FOREIGN_PICTURE = r"!\[([^\]]*)\]\(https?:[^)]*\)"


def as_page(book, *, origin="", links=()) -> str:
    """Return the page; `origin` says above when and where it was run, `links` are (address, words) at the top."""
    films_as_html(book)
    controls_as_words(book)
    fold(book)
    name_pictures(book)
    for cell in [cell for cell in book.cells if cell.cell_type == "markdown"]:
        cell.source = re.sub(FORMULA, formula, re.sub(FOREIGN_PICTURE, r"\1", cell.source))
    exporter = nbconvert.HTMLExporter(template_file="notebook.html.j2", extra_loaders=[LOADER])
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.exclude_anchor_links = True
    about = {"title": title_of(book), "style": style(), "origin": origin, "links": links}
    page, _ = exporter.from_notebook_node(book, resources=about)
    return re.sub(r'(<a href="\d\d_\w+)\.ipynb\b', r"\1.html", page)


def fill(template: str, **values) -> str:
    """Fill one of the templates in tools/pages."""
    return Environment(loader=LOADER, trim_blocks=True).get_template(template).render(values)


def style() -> str:
    """Return the style sheet of all pages, with the colours of code for light and for dark screens."""
    light, dark = (HtmlFormatter(style=name, nobackground=True).get_style_defs(".highlight") for name in CODE_COLOURS)
    look = LOADER.get_source(None, "look.css")[0]
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{look}"


def title_of(book) -> str:
    """Return the first heading of a notebook."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    found = re.search(r"(?m)^# (.*)$", text)
    return found[1] if found else "A notebook"


def films_as_html(book) -> None:
    """Give each GIF as HTML too: nbconvert knows no other way to show one."""
    for output in [output for cell in book.cells for output in cell.get("outputs", [])]:
        gif = output.get("data", {}).get("image/gif")
        if gif:
            alt = output.metadata.get("image/gif", {}).get("alt", "a film")
            output.data["text/html"] = f'<img src="data:image/gif;base64,{gif}" alt="{alt}">'


def fold(book) -> None:
    """Name in each cell's metadata what hides its code (solutions, sealed cells) and its outputs (after a Predict)."""
    guess = False
    for cell in book.cells:
        if cell.cell_type != "code":
            guess = "**Predict" in cell.source
            continue
        title = re.match(r"# @title (.*)", cell.source)
        if cell.metadata.get("jupyter", {}).get("source_hidden") or "solution" in cell.metadata.get("tags", []):
            cell.metadata.code_under = title[1] if title else "Show the code"
        failed = any(output.output_type == "error" for output in cell.outputs)
        hidden = guess or "solution" in cell.metadata.get("tags", [])
        if hidden and cell.outputs and not failed:
            cell.metadata.outputs_under = "Show what happened"


def controls_as_words(book) -> None:
    """Put a word where a slider or a button was: on a page nothing moves it, and drawing it needs the internet."""
    book.metadata.pop("widgets", None)
    for output in [output for cell in book.cells for output in cell.get("outputs", [])]:
        if output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None):
            output.data["text/html"] = "<p><em>Here the notebook has something to move or to watch.</em></p>"
        if "<iframe" in output.get("data", {}).get("text/html", ""):
            output.data["text/html"] = "<p><em>Here the notebook shows the page of the GAN that was trained.</em></p>"


def name_pictures(book) -> None:
    """Give each picture that code has drawn an alternative text where it has none: the section that it belongs to."""
    section = ""
    for cell in book.cells:
        headings = re.findall(r"(?m)^##+ (.*)$", cell.source) if cell.cell_type == "markdown" else []
        section = headings[-1] if headings else section
        for output in cell.get("outputs", []):
            for kind in [kind for kind in output.get("data", {}) if kind in ("image/png", "image/jpeg")]:
                about = output.metadata.setdefault(kind, {})
                about.setdefault("alt", f"What the code draws here{f', in the section {section!r}' if section else ''}")


def formula(match) -> str:
    """Turn a formula into MathML, which browsers draw by themselves; code, and what is no formula, stays."""
    tex, display = (match[1], "block") if match[1] else (match[2], "inline")
    if not tex:
        return match.group()
    try:
        drawn = convert(tex, display=display)
    except Exception:  # whatever the library says: the formula can still be read as TeX
        return match.group()
    drawn = drawn.replace("<mi>ln</mi>", '<mi>ln</mi><mspace width="0.17em" />')
    return drawn.replace("*", "&#x2A;").replace("_", "&#x5F;")  # no marks of Markdown
