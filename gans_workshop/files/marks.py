"""Know again what a training learns from, in whatever order it comes. A mark is what a checkpoint keeps of it."""

import hashlib
from itertools import zip_longest

import numpy as np

from gans_workshop.files.mapped import checksums


def make_mark(arrays):
    """Describe pictures, and conditions if any, arrays (N, ...): kinds, and checksums in any order and in this one."""
    rows = [checksums(array) for array in arrays]
    pairs = [b"".join(pair) for pair in zip_longest(*rows, fillvalue=b"")]  # two piles may have different numbers
    parts = {"pictures": sorted(rows[0]), "pairs": sorted(pairs), "order": pairs}
    kinds = [[list(array.shape), str(array.dtype).removeprefix("torch.")] for array in arrays]
    return {"kinds": kinds} | {name: hashlib.sha256(b"".join(part)).hexdigest() for name, part in parts.items()}


def renew_mark(old):
    """Turn a mark of before November 2026, shape, type and checksum of all pictures, into one of today's form."""
    shapes, types, whole = (old[i::3] for i in range(3))
    return {"kinds": [[shape, kind.removeprefix("torch.")] for shape, kind in zip(shapes, types)], "whole": whole}


def other_data(theirs, ours, arrays):
    """Say in which way a saved training learned from something else than these arrays, or return an empty text."""
    (count, *their_shape), (_, *our_shape) = theirs["kinds"][0][0], ours["kinds"][0][0]
    if their_shape != our_shape:
        return f"draws pictures of shape {tuple(their_shape)}, and this one draws {tuple(our_shape)}"
    if len(theirs["kinds"]) != len(ours["kinds"]):
        return f"learns {'with' if len(theirs['kinds']) > 1 else 'without'} labels or other conditions"
    if "whole" in theirs and theirs["kinds"] == ours["kinds"]:
        if theirs["whole"] == [hashlib.sha256(np.ascontiguousarray(array)).hexdigest() for array in arrays]:
            return ""
        hint = "its old checkpoint cannot tell, and if they are the same, load_gan goes on with it"
        return f"learns from {count:,} other pictures, or from these in another order: {hint}"
    if theirs["kinds"] == ours["kinds"] and theirs["pairs"] == ours["pairs"]:
        return ""
    same = theirs.get("pictures") == ours["pictures"]
    return f"learns from {theirs['kinds'][same][0][0]:,} other {'conditions' if same else 'pictures'}"
