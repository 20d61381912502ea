"""Sub-folders are classes: tell from the names of all files which class each is in, 'cats/holiday/1.jpg' in 'cats'."""

import re
import unicodedata
from collections import Counter

from gans_workshop.files import kinds

FEW = 50  # with fewer pictures than this, a class is named in the report
BESIDE = "lies beside the sub-folders, which are the classes: put it into one of them"
TWICE = "shows the same as a picture of another class: keep it in one of them only"
ONE = "pictures"  # the class of all where there are no sub-folders
PART = re.compile(r"(?i)(train|test|val|valid|dev|eval)(ing|ation|uation)?([ _-]?(set|data|images|\d{4}))?")


def folders_of(name):
    """List the folders in the name of a file, or of a folder with '/' at its end; from a Mac they come decomposed."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")[:-1]
    return [part.strip() for part in parts if part.strip() not in ("", ".", "..")]


def find_depth(paths):
    """Find where lists of folders part for the first time, but for 'train' and 'test' of a data set; None: nowhere."""
    for depth in range(max(map(len, paths), default=0)):
        found = {path[depth] for path in paths if len(path) > depth}
        parted = all(map(PART.fullmatch, found)) and any(name.lower().startswith("train") for name in found)
        if len(found) > 1 and not parted:
            return depth
    return None


def sort_into_classes(names):
    """Return the depth of the classes, None where all are in one class, and each name's class, '' beside them."""
    paths = [folders_of(name) for name in names]
    depth = find_depth(paths)
    return depth, [ONE if depth is None else path[depth] if len(path) > depth else "" for path in paths]


def count(labels):
    """Count the files in each class, in the order of the names; those beside the classes are left out."""
    return dict(sorted(Counter(filter(None, labels)).items()))


def in_words(counts, *, most=None):
    """Say how many pictures are in each class, or in the first few: 'cats 120, dogs 80, ...'."""
    words = [f"{name:.40} {n:,}" for name, n in counts.items()]
    return ", ".join(words[:most] + ["..."] * (len(words[:most]) < len(words)))


def invitation(counts):
    """Say that there are classes, an empty text where there are not two."""
    found = f"{len(counts):,} classes, by sub-folders: {in_words(counts, most=3)}"
    return f"{found}; load_photos(..., labels=True) gives each picture its own." if len(counts) > 1 else ""


def remarks_on(counts, depth, *, used, names):
    """Say in a sentence each what one should know of these classes; `names` are those of all files and folders."""
    few, lines = {name: n for name, n in counts.items() if n < FEW}, []
    if len(counts) == 1:
        lines.append("Only one class has pictures, and labels need two: make a sub-folder for each class.")
    elif few:
        lines.append(f"Classes with fewer than {FEW} pictures ({in_words(few)}): add some, or take the folder out.")
    if depth is not None and (deep := sum(len(folders_of(name)) > depth + 1 for name in used)):
        lines.append(f"Pictures that lie deeper than the sub-folder of their class, and count to it: {deep:,}.")

    def folders_in(some):
        return {path[depth or 0] for path in map(folders_of, some) if len(path) > (depth or 0)}

    if bare := folders_in(name for name in names if kinds.reason_by_name(name) != kinds.OF_SYSTEM) - folders_in(used):
        lines.append(f"Without a picture that can be used, so no class: {', '.join(sorted(bare))}.")
    return lines
