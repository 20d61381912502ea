"""Scenes drawn by our own code, each in summer and in winter: pairs whose truth can be hidden from a training."""

import numpy as np
import torch

BIG = 4  # times as large drawn, then made smaller, so that edges are smooth
SUMMER = {"sky": (140, 200, 245), "far": (95, 160, 90), "near": (70, 145, 60), "tree": (35, 105, 45), "roof": None}
WINTER = {"sky": (190, 194, 200), "far": (222, 228, 236), "near": (242, 246, 250), "tree": (150, 160, 168)}
WINTER["roof"] = (248, 250, 252)  # snow on every roof
WALLS = [(214, 170, 120), (200, 90, 70), (235, 225, 200), (120, 130, 170)]
ROOFS = [(150, 50, 40), (90, 60, 50), (60, 70, 90)]


def draw_seasons(count, *, image_size=32, seed=0):
    """Draw `count` scenes twice: the same hills, houses and trees in summer and in winter, which hides the sun.

    Shapes: -> summer, winter (count, 3, image_size, image_size) uint8, in the same order. Raises: ValueError
    """
    if image_size not in range(32, 257, 16):
        raise ValueError(f"image_size={image_size!r:.40}: give 32, 64, 128 or 256.")
    scenes = [_plan(np.random.default_rng((seed, number))) for number in range(count)]
    return tuple(_as_pictures([_paint(scene, look, image_size) for scene in scenes]) for look in (SUMMER, WINTER))


def find_sun(pictures):
    """Say where each picture has its sun, the middle of all yellow pixels: across and down, from 0 to 1; NaN is no sun.

    Shapes: pictures (N, 3, H, W) in [-1, 1] -> (N, 2)
    """
    red, green, blue = pictures.unbind(1)
    yellow = ((red > 0.55) & (green > 0.35) & (blue < -0.2)).float()
    places = [torch.linspace(0, 1, side, device=pictures.device) for side in pictures.shape[2:]]
    down, across = (yellow * places[0][:, None]).sum((1, 2)), (yellow * places[1]).sum((1, 2))
    return torch.stack([across, down], 1) / yellow.sum((1, 2))[:, None]


def _plan(dice):
    """Throw the dice for one scene: all places from 0 to 1, across and down."""
    plan = {"sun": (dice.uniform(0.12, 0.88), dice.uniform(0.1, 0.3), dice.uniform(0.06, 0.09))}
    for name, height in (("far", 0.5), ("near", 0.66)):
        waves = [(dice.uniform(0.02, 0.08), dice.uniform(0.6, 2.2), dice.uniform(0, 6.3)) for _ in range(2)]
        plan[name] = (height + dice.uniform(-0.05, 0.05), waves)
    plan["houses"] = [
        (dice.uniform(0.1, 0.8), dice.uniform(0.14, 0.22), dice.integers(len(WALLS)), dice.integers(len(ROOFS)))
        for _ in range(dice.integers(1, 3))
    ]
    plan["trees"] = [(dice.uniform(0.02, 0.98), dice.uniform(0.10, 0.2)) for _ in range(dice.integers(2, 6))]
    return plan


def _height(ridge, across):
    base, waves = ridge
    return base + sum(size * np.sin(speed * 6.28 * across + start) for size, speed, start in waves)


def _paint(plan, look, size):
    from PIL import Image, ImageDraw

    side = BIG * size
    picture = Image.new("RGB", (side, side), look["sky"])
    pen = ImageDraw.Draw(picture)

    def box(left, top, right, bottom):
        return [side * left, side * top, side * right, side * bottom]

    if look is SUMMER:
        x, y, radius = plan["sun"]
        pen.ellipse(box(x - radius, y - radius, x + radius, y + radius), fill=(255, 222, 60))
    for name in ("far", "near"):
        line = [(side * x, side * _height(plan[name], x)) for x in np.linspace(0, 1, 33)]
        pen.polygon([*line, (side, side), (0, side)], fill=look[name])
    for x, high in plan["trees"]:
        foot = _height(plan["near"], x) + 0.06
        pen.rectangle(box(x - 0.012, foot - high, x + 0.012, foot), fill=(95, 70, 50))
        pen.ellipse(box(x - high / 3, foot - high, x + high / 3, foot - high / 3), fill=look["tree"])
    for x, wide, wall, roof in plan["houses"]:
        foot = _height(plan["near"], x + wide / 2) + 0.12
        top = foot - 0.7 * wide
        pen.rectangle(box(x, top, x + wide, foot), fill=WALLS[wall])
        corners = [(x - 0.02, top), (x + wide / 2, top - 0.5 * wide), (x + wide + 0.02, top)]
        pen.polygon([(side * a, side * b) for a, b in corners], fill=look["roof"] or ROOFS[roof])
        pen.rectangle(box(x + 0.4 * wide, foot - 0.35 * wide, x + 0.6 * wide, foot), fill=(70, 50, 40))
    return np.asarray(picture.reduce(BIG))


def _as_pictures(arrays):
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()
