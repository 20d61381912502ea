"""Downloads: noted, one a line."""

import os
from pathlib import Path


def download(filename):
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")  # Colab's words
    with open(os.environ["COLAB_DOWNLOADS"], "a", encoding="utf-8") as notes:
        notes.write(f"{filename}\n")
