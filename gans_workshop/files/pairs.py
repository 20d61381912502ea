"""Two folders become pairs of pictures: which file belongs to which is told by their names."""

import os
import unicodedata
from collections import Counter
from pathlib import Path

from gans_workshop.files.photos import Report, load_photos


def load_pairs(given, wanted, *, image_size=64, given_channels=1, channels=3):
    """Turn two folders, ZIPs or videos into pairs: what a generator is given, what it shall make of it, a report.

    Files belong together by name: given/cat.png and wanted/cat.jpg. Each is read as `load_photos` reads it, so two that
    show the same count once. Shapes: given (N, given_channels, S, S) uint8, wanted (N, channels, S, S) uint8, by name.
    Raises: ValueError: 'No file of ... has a partner ...', 'Both are ...', and what `load_photos` says.
    """
    if Path(given).expanduser().absolute() == Path(wanted).expanduser().absolute():
        raise ValueError(f"Both are {given}: give one folder of what goes in and another one of what shall come out.")
    halves, used, skipped, notes = [], [], [], Counter()
    for place, count in ((given, given_channels), (wanted, channels)):
        images, report = load_photos(place, image_size=image_size, channels=count)
        files = {}
        for index, name in sorted(enumerate(report.used), key=lambda item: item[1]):
            first = files.setdefault(_stem(name), (index, name))[1]
            if first != name:
                skipped.append((f"{report.place}/{name}", "has the name of another file there, but for its ending"))
        halves.append((images, files, report.place))
        skipped += [(f"{report.place}/{name}", reason) for name, reason in report.skipped]
        notes.update(report.notes)
    names = sorted(halves[0][1].keys() & halves[1][1].keys())
    for (_, files, place), (*_, other) in zip(halves, reversed(halves)):
        used += [f"{place}/{files[name][1]}" for name in names]
        alone = sorted(files.keys() - set(names))
        skipped += [(f"{place}/{files[name][1]}", f"has no partner of its name in {other}") for name in alone]
    if not names:
        hint = "call what belongs together by the same name, as in given/cat.png and wanted/cat.jpg"
        raise ValueError(f"No file of {halves[0][2]} has a partner in {halves[1][2]}: {hint}.")
    report = Report(f"{halves[0][2]} and {halves[1][2]}, paired by name", used, skipped, notes)
    report.each, report.listed = 2, list(range(len(names)))
    return *(images[[files[name][0] for name in names]] for images, files, _ in halves), report


def _stem(name):
    return unicodedata.normalize("NFC", os.path.splitext(name)[0]).casefold()
