"""Tell what a file is, by its name where it should not be opened, else by how it begins; and what to do with it."""

import re
from pathlib import Path

HEAD = 2**16  # bytes that are enough to tell what a file is
MASK = r"(?is)(.*[/_ -])?(masks?|mattes?|trimaps?|seg|segmentation(s|class|object)?|annotations?|gt)([/_. -].*)?"
# All kinds, each known by its name (then it is not even opened), its endings or its start; the first that fits counts
_TABLE = (Path(__file__).parents[1] / "data" / "kinds.tsv").read_text(encoding="utf-8")
_ROWS = [line.split("\t") for line in _TABLE.splitlines()[1:]]
NAMES = {kind: re.compile(sign, re.I | re.S) for kind, by, sign, _ in _ROWS if by == "name"}
ENDINGS = {kind: tuple(f".{ending}" for ending in sign.split()) for kind, by, sign, _ in _ROWS if by == "ending"}
STARTS = {kind: re.compile(sign.encode("latin-1"), re.S) for kind, by, sign, _ in _ROWS if by == "start"}
REASONS = {kind: reason for kind, *_, reason in _ROWS if reason}
OF_SYSTEM = REASONS["system"]
UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
PACKED_DOCUMENT = (
    rb"(?s).{30}(mimetype|\[Content_Types\]|_rels/|META-INF/|Index/|Document\.archive|document\.json|maindoc)"
)


def readable(name):
    """Return a name as it can be shown: a byte that is no UTF-8 is Latin-1, and what cannot be seen is a '?'."""
    return UNSEEN.sub("?", name.translate({0xDC00 + byte: byte for byte in range(0xA0, 0x100)}))


def reason_by_name(name):
    """Say why a file of this name is not even opened, or return an empty text; `name/` is a folder."""
    return next((REASONS[kind] for kind, sign in NAMES.items() if sign.fullmatch(name.replace("\\", "/"))), "")


def kind_by_name(name):
    """Return 'zip', 'film' or 'archive' for a file that is called as such files are, else an empty text."""
    return next((kind for kind in ("zip", "film", "archive") if name.lower().endswith(ENDINGS[kind])), "")


def kind_of(head, name):
    """Return the kind of a file of this name that begins with the bytes `head`, 'unknown' if none fits."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # a text as Windows writes it
        head = head.decode("utf-16", "ignore").encode()
    kind = next((kind for kind, sign in STARTS.items() if sign.match(head)), "unknown")
    if kind == "tiff":
        return "raw" if name.lower().endswith(ENDINGS["raw"]) else "picture"
    if kind == "film" and name.lower().endswith(ENDINGS["sound"]):
        return "sound"
    foreign = re.fullmatch(r"(?is).*\.(?!cbz|pdf|jpe?g|png|heic)[a-z]\w*", name) and not kind_by_name(name)
    packed = kind == "zip" and kind_by_name(name) != "zip" and re.match(PACKED_DOCUMENT, head)
    return "document" if packed or (foreign and kind in ("zip", "PDF")) else kind


def reason_of(kind, name):
    """Say what a file of this kind is and what to do, or return an empty text if it may be a picture."""
    ending = re.search(r"(\.\w+)?$", name.lower())[0]
    wanted = {"zip": ".zip", "film": ".mp4"}.get(kind, "")
    rename = f"give it a name that ends in {wanted}, " if wanted and kind_by_name(name) != kind else ""
    return REASONS.get(kind, "").format(ending=f" ({ending})" if ending else "", rename=rename)
