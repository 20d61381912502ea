"""A trained GAN as one web page that draws by itself: its layers, its weights, and JavaScript that multiplies them."""

import base64
import copy
import datetime
import hashlib
import html
import io
import json
import re
import zlib
from pathlib import Path

import torch

from gans_workshop.files.disk import write_file
from gans_workshop.files.workspace import in_colab
from gans_workshop.game.images import check, to_float
from gans_workshop.game.labels import counts, to_weights
from gans_workshop.view.diagnosis import diagnose
from gans_workshop.view.exports import check_ending
from gans_workshop.view.flatten import fold, list_steps, pack
from gans_workshop.view.live import Film
from gans_workshop.view.plots import contact_sheet

PARTS = Path(__file__).parent / "page"  # what the page is made of
SOME = 16  # so many pictures are compared with PyTorch's
INSIDE = 2  # MB that a page may have to be shown inside a notebook
STAGE = {"z": "map", "texture": "map", "picture": "canvas"}


def save_page(path, gan, *, title="My GAN", view=None, class_names=None, credit=""):
    """Save a trained GAN as one web page that opens by double click and asks no server, and return its path.

    It holds the weights of the average generator, and no picture that it learned from. `view`, the LiveView of the
    training, adds its film; `credit` says whose the pictures were, and their licence. `class_names`: a list, or for
    several attributes a dict, attribute -> list. If the GAN was made with pictures as fixed_condition, one draws on it.
    Raises: ValueError: 'The page cannot draw ...', 'The page would be ... MB'; OSError: as `write_file`
    """
    check_ending(path, ".html")
    found = f"save_page takes a GAN, as in save_page('my-gan.html', gan), and this is a {type(gan).__name__}."
    check(hasattr(gan, "average_generator"), found)
    check(isinstance(title, str) and isinstance(credit, str), "title and credit are texts: write them in quotes.")
    network = copy.deepcopy(gan.average_generator).cpu().float().eval()
    broken = sum(int((~numbers.isfinite()).sum()) for numbers in network.state_dict().values())
    check(not broken, f"{broken:,} of the generator's numbers are NaN or infinite, so it draws nothing: train it anew.")
    names = class_names or gan.class_names
    steps = fold(list_steps(network))
    kind, inputs, given = _inputs(gan, network, steps)
    layers, data, bits = pack(steps, given, network(*inputs))
    about = {"kind": kind, "start": [*given.shape[1:], 1, 1][:3], "layers": layers, "bits": bits}
    about |= {"latent": gan.generator.latent_dim, "classes": _classes(network, names), "mark": zlib.crc32(data)}
    about |= {"count": len(data) * 8 // bits, "name": re.sub(r"\W+", "-", title.lower()).strip("-")[:40] or "my-gan"}
    about |= {"kernel": _base64((PARTS / "multiply.wasm").read_bytes()), "data": _base64(data)}
    page = _page(title, about, facts=_facts(gan, network, credit), film=_film(view))
    return write_file(path, page.encode("utf-8", "replace"))


def show_page(path):
    """Show a page of `save_page` in the notebook, in a frame that reaches nothing outside; Colab downloads it instead.

    A page of more than 2 MB stays a file, because a notebook keeps all that it shows. Raises: OSError
    """
    from IPython.display import HTML, display

    path = Path(path).expanduser()
    page, size = path.read_text(encoding="utf-8"), path.stat().st_size / 1e6
    print(f"The page, {size:.1f} MB: {path}. A double click opens it.")
    if in_colab():
        from google.colab import files

        files.download(str(path))
    elif size <= INSIDE:
        frame = 'sandbox="allow-scripts allow-downloads" width="100%" height="720" style="border: 0"'
        display(HTML(f'<div><iframe title="The page of the GAN" {frame} srcdoc="{html.escape(page)}"></iframe></div>'))


def _inputs(gan, network, steps):
    """Return the kind of page, what the network is given for a few pictures, and what its first layer is given."""
    z, condition = gan.fixed_z[:SOME].cpu(), gan.fixed_condition
    if condition is not None and condition.ndim == 4:
        pictures = to_float(condition[:SOME].cpu())
        return "picture", [z, pictures], pictures
    if condition is not None:
        labels = condition[:SOME].cpu()
        return "z", [z, labels], torch.cat([z, to_weights(labels, network.classes, len(z))], 1)
    if steps[0]["kind"] != "conv":
        return "z", [z], z
    side = round((z.shape[1] / steps[0]["weight"].shape[1]) ** 0.5)  # as in notebook 05, z is a square sheet
    endless = not any(step.get("padding") for step in steps)  # a rim of zeros would show where patches meet
    return "texture" if endless else "z", [z], z.reshape(len(z), -1, side, side)


# The page around them


def _classes(network, names):
    """List [attribute, names of its classes] for the buttons."""
    sizes = counts(getattr(network, "classes", 0))
    if names is None:
        numbers = [[*map(str, range(size))] for size in sizes]
        names = numbers[0] if len(sizes) == 1 else {f"Kind {i}": words for i, words in enumerate(numbers, start=1)}
    names = names if isinstance(names, dict) else {"Draw": names}
    hint = f"give {', '.join(map(str, sizes)) or 'no'} names, as a list, or for several attributes as a dict of lists"
    check([len(words) for words in names.values()] == sizes, f"class_names do not fit this generator: {hint}.")
    return [[str(attribute), [*map(str, words)]] for attribute, words in names.items()]


def _film(view):
    """Return the HTML of a film strip, four pictures in ten moments; none where there is no film."""
    from PIL import Image

    film = getattr(view, "film", view)
    if not isinstance(film, Film) or len(film.frames) < 2:
        return ""
    frames, captions = film.pick(10)
    four = [frame[:: max(1, len(frame) // 4)][:4] for frame in frames]
    sheet = contact_sheet(torch.stack(four, 1).flatten(0, 1), columns=len(frames))
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "JPEG", quality=92, subsampling=0)
    data = _base64(buffer.getvalue())
    words = f"The same four, after {', '.join(captions)} rounds."
    picture = f'<img alt="Film strip: four rows of pictures that take shape" src="data:image/jpeg;base64,{data}">'
    return f'<section class="film"><h2>How it learned</h2>{picture}<p>{words}</p></section>'


def _facts(gan, network, credit):
    """List what the page says about itself, as plain sentences."""
    if not gan.step:
        facts = ["This network has not learned anything yet: these are the pictures of random weights."]
    else:
        facts = [f"It learned for {gan.step:,} rounds and was shown {gan.seen:,} pictures, repeats counted."]
        facts.append(f"The doctor's last word: {diagnose(gan.history).sentence}")
    weights = sum(numbers.numel() for numbers in network.parameters())
    facts.append(f"Saved on {datetime.date.today():%d %B %Y}.")
    return facts + [f"In this file are {weights:,} weights."] + ([f"It learned from: {credit}."] if credit else [])


def _page(title, about, *, facts, film):
    """Put all parts into page.html; every text of a person becomes text there, whatever it holds."""
    script = "\n".join(_read(f"{name}.js") for name in ("engine", "save", STAGE[about["kind"]]))
    style = _read("page.css")
    parts = {
        "script": script,
        "style": style,
        "script_hash": _mark(script),
        "style_hash": _mark(style),
        "title": html.escape(title),
        "kind": about["kind"],
        "stage": _read(f"{STAGE[about['kind']]}.html"),
        "facts": "".join(f"<li>{html.escape(fact)}</li>" for fact in facts),
        "film": film,
        "about": json.dumps(about).replace("<", "\\u003c"),  # no </script> in it
    }
    # In one go, so that no title is searched for the names of other parts
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], _read("page.html"))


def _read(name):
    return (PARTS / name).read_text(encoding="utf-8")


def _mark(text):
    """Return the mark by which a Content-Security-Policy knows our script, and no other."""
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"


def _base64(data):
    return base64.b64encode(data).decode()
