"""Make gans_workshop/data/portraits.png: OpenMoji's people, head and shoulders, 64 x 64 pixels, one below the other.

npm pack openmoji@17 && tar xzf openmoji-17.*.tgz
pip install cairosvg pillow numpy                     # tools of this script only
python tools/bundle_portraits.py package
"""

import io
import json
import re
import sys
from pathlib import Path

import cairosvg
import numpy as np
from PIL import Image

SUBGROUPS = ("person", "person-role", "person-gesture", "person-fantasy")
# Another pose, another size, or something before the face: they would not lie on top of each other
LEFT_OUT = (
    r"\b(pregnant|feed|baby|hairy|mer|genie|troll|fairy|bowing|shrug|facepalm|NO\b|OK\b|raising|tipping|deaf|ninja|"
    r"skullcap|technologist|supervillain|teacher|astronaut)"
)
FRAME = "12 5 48 48"  # of the 72 x 72 sheet: left, top, width, height


def is_portrait(emoji):
    """Tell whether an entry of openmoji.json shows a head and shoulders like the others."""
    return emoji["subgroups"] in SUBGROUPS and not re.search(LEFT_OUT, emoji["annotation"])


def draw(path, frame=FRAME):
    """Draw an SVG on white: (64, 64, 3) uint8, antialiased by drawing it four times as large."""
    svg = re.sub(r'viewBox="[^"]*"', f'viewBox="{frame}"', path.read_text(encoding="utf-8"), count=1)
    png = cairosvg.svg2png(svg.encode(), output_width=256, output_height=256, background_color="white")
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB").resize((64, 64), Image.Resampling.BOX))


def main():
    """Write the sheet and say what it holds."""
    package = Path(sys.argv[1])
    emojis = json.loads((package / "data" / "openmoji.json").read_text(encoding="utf-8"))
    pictures = [draw(package / "color" / "svg" / f"{e['hexcode']}.svg") for e in emojis if is_portrait(e)]
    different = list({picture.tobytes(): picture for picture in pictures}.values())
    path = Path(__file__).parent.parent / "gans_workshop" / "data" / "portraits.png"
    Image.fromarray(np.concatenate(different)).save(path, optimize=True)
    print(f"{len(pictures)} portraits, {len(different)} different; {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
