"""Fetch real pictures to learn from: digits, faces and drawings come with the package, samples are downloaded once."""

import hashlib
import http.client
import io
import json
import shutil
import ssl
import urllib.request
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from gans_workshop.files.workspace import cache_folder

DATA = Path(__file__).parents[1] / "data"  # what comes with the package

# Sets of photographs, and the git blob ids by which a download is known to be whole
SAMPLES = {
    "cats": "4951cfdf076f15a54302901672924bd1e41a4aa6",
    "flowers": "1ea0b0982cd0828541a267b4bca3c6d4330eaef4",
    "abstract-paintings": "1462316d742952caa0f2b2f396323894d83f2f28",
}
SAMPLES_ADDRESS = "https://github.com/DolicaAkelloEgwel/gans-datasets/raw/master/{name}.zip"

CERTIFICATES = (
    "on a Mac double-click 'Install Certificates.command' in Applications/Python, in a school use a phone's network"
)
SERVER_PATIENCE = 15  # seconds without an answer after which a server counts as gone


def load_digits(*, test=False):
    """Load handwritten digits and their labels (MNIST): 1,000 of each, or 200 others of each with `test=True`.

    Shapes: images (N, 1, 28, 28) uint8, 0 is the black background and 255 is white ink; labels (N,) int64.
    Source: LeCun, Cortes, Burges, CC BY-SA 3.0, http://yann.lecun.com/exdb/mnist/
    """
    part = "test" if test else "train"
    with np.load(DATA / "digits.npz") as bundle:
        images, labels = bundle[f"{part}_images"], bundle[f"{part}_labels"]
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def load_portraits(*, image_size=64):
    """Load portraits of drawn people, head and shoulders; they need no network.

    Shapes: (N, 3, image_size, image_size) uint8, on white. Raises: ValueError: 'image_size=...'
    Source: OpenMoji 17, https://openmoji.org, CC BY-SA 4.0.
    """
    print("The portraits are by OpenMoji (openmoji.org), licence CC BY-SA 4.0: say so where you show what you made.")
    return _resized(_cut(DATA / "portraits.png"), image_size)


def load_faces(*, image_size=64, test=False, twins=None, attributes=None):
    """Load drawn faces and what each looks like: images, a table of labels, and the names of the labels' values.

    The 5,000 lack a fifth of the combinations of skin, hair colour, hair and beard. `test=True` gives 1,000 others, the
    last 500 with just those. `twins="beard"` or "hair_colour" gives 300 pairs of one person without and with a beard,
    or with black and with blond hair. `attributes`: the columns of the table, such as ("skin", "beard"); None is all.
    Shapes: images (N, 3, image_size, image_size) uint8, on white; labels (N, attributes) int64; a dictionary: the
    values of each attribute, in the order of their numbers; twins (2, N, ...). Raises: ValueError: 'There is no ...'
    Source: toon-head by Johan Melin (johanmelin.com), CC BY 4.0, drawn with DiceBear 9 (dicebear.com).
    """
    with np.load(DATA / "faces.npz") as bundle:
        names, table, sheet = json.loads(str(bundle["names"])), bundle["labels"], io.BytesIO(bundle["sheet"])
    values, parts = names["values"], names["parts"]
    one = isinstance(attributes, str) or not hasattr(attributes, "__iter__")
    chosen = list(values) if attributes is None else [attributes] if one else list(attributes)
    for name in chosen:
        if name not in list(values):
            raise ValueError(f"There is no attribute {name!r:.80}: choose from {', '.join(values)}.")
    part = f"twins_{twins}" if twins else "test" if test else "train"
    if part not in parts:
        pairs = ", ".join(name.removeprefix("twins_") for name in parts if name.startswith("twins_"))
        raise ValueError(f"There are no twins who differ in {twins!r:.80}: choose from {pairs}.")

    start = sum(list(parts.values())[: list(parts).index(part)])
    these = slice(start, start + parts[part])
    images = _resized(_cut(sheet)[these], image_size)
    labels = torch.from_numpy(table).long()[these, [list(values).index(name) for name in chosen]]
    if twins:
        images, labels = images.unflatten(0, (2, -1)), labels.unflatten(0, (2, -1))
    print("The faces are toon-head by Johan Melin, licence CC BY 4.0: say so where you show what you made.")
    return images, labels, {name: values[name] for name in chosen}


def load_drawings(*, image_size=64, test=False):
    """Load drawings twice, as an outline and in colour, and the names of what they show.

    1,467 to learn from. `test=True` gives 150 others: no version of one of those, and none with nearly its outline.
    Shapes: outlines (N, 1, image_size, image_size) uint8, black on white; colours (N, 3, image_size, image_size) uint8,
    on white; a list of N names. Raises: ValueError: 'image_size=...'
    Source: OpenMoji 17, https://openmoji.org, CC BY-SA 4.0.
    """
    with np.load(DATA / "drawings.npz") as bundle:
        names, sheets = json.loads(str(bundle["names"])), [(bundle["outlines"], 1), (bundle["colours"], 3)]
    chosen, known = names["test" if test else "train"], len(names["train"])
    these = slice(known, known + len(chosen)) if test else slice(known)
    outlines, colours = (_resized(_cut(io.BytesIO(x))[these, :channels], image_size) for x, channels in sheets)
    print("The drawings are by OpenMoji (openmoji.org), licence CC BY-SA 4.0: say so where you show what you made.")
    return outlines, colours, chosen


def _cut(sheet):
    """Cut a sheet of pictures, a file, into its pictures (N, 3, 64, 64)."""
    from PIL import Image

    with Image.open(sheet) as opened:
        pixels = np.asarray(opened if opened.mode == "RGB" else opened.convert("RGB"))  # a copy is 100 MB
    rows = pixels.reshape(len(pixels) // 64, 64, -1, 64, 3)
    pictures = rows.transpose(0, 2, 4, 1, 3).reshape(-1, 3, 64, 64)
    return torch.from_numpy(np.require(pictures, requirements="W"))


def _resized(images, image_size):
    if image_size not in range(16, 257):
        raise ValueError(f"image_size={image_size!r:.80}: give a whole number of pixels from 16 to 256, such as 64.")
    parts = images.split(500)  # all at once would take half a gigabyte
    return torch.cat([F.interpolate(part, int(image_size), mode="bilinear", antialias=True) for part in parts])


def is_left_out(labels):
    """Tell which faces have a combination of skin, hair colour, hair and beard that the training set lacks: (N,).

    It lacks one in five; each value, and each pair and triple of values, is there. labels: (N, 10), all attributes.
    """
    return labels[:, :4].sum(1) % 5 == 0


def fetch_sample(name):
    """Download a sample set ('cats', 'flowers' or 'abstract-paintings') once: return its ZIP, a Path in the cache.

    Where the network breaks off, the next call goes on. Raises: ValueError: 'There is no ...'; OSError: 'The ...'
    """
    if name not in list(SAMPLES):  # a list, so that anything can be looked for in it
        raise ValueError(f"There is no sample set {name!r:.80}: choose one of {', '.join(SAMPLES)}.")
    try:
        return fetch(SAMPLES_ADDRESS.format(name=name), f"{name}.zip", lambda path: _blob_id(path) == SAMPLES[name])
    except OSError as error:
        advice = f"{error}, or use the portraits of the package, load_portraits()"
        raise OSError(f"The sample set '{name}' could not be fetched {advice}.") from None


def fetch(address, name, known):
    """Fetch a file into the cache once, and return its path; `known(path)` says whether it is the right one, and whole.

    Where the network breaks off, the next call goes on. Raises: OSError: '(why): what to do'
    """
    path = cache_folder() / name
    part = path.with_suffix(".part")
    if path.exists() and known(path):
        return path
    part.touch()
    for _ in range(5):
        have, reason = part.stat().st_size, "what arrived is not the file that this workshop knows"
        try:
            _download(address, part)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if part.stat().st_size > have:
                continue  # it brought something: go on from there
            if getattr(error, "code", None) != 416:  # 416: the server has no more
                break
        if known(part):
            return part.replace(path)
        part.write_bytes(b"")
    untrusted = isinstance(reason, ssl.SSLCertVerificationError)
    raise OSError(f"({reason}): {CERTIFICATES if untrusted else 'try again where the network is better'}")


def _download(address, part):
    """Add to the file `part` what the server at `address` has beyond it."""
    from tqdm.auto import tqdm

    request = urllib.request.Request(address, headers={"Range": f"bytes={part.stat().st_size}-"})
    with urllib.request.urlopen(request, timeout=SERVER_PATIENCE) as answer:
        with (
            part.open("ab" if answer.status == 206 else "wb") as file,
            tqdm.wrapattr(answer, "read", total=answer.length, desc=part.stem) as watched,
        ):
            shutil.copyfileobj(watched, file)
        if answer.length:  # what is still to come
            raise OSError("the connection broke off")


def _blob_id(path):
    return hashlib.sha1(b"blob %d\0" % path.stat().st_size + path.read_bytes()).hexdigest()
