"""Move through the latent space, the space of all z: mixtures of two points, and walks along several."""

import torch

from gans_workshop.game.images import check, whole


def lerp(a, b, t):
    """Mix two z on the straight line from `a` (t = 0) to `b` (t = 1); shapes as for `slerp`, which keeps the length."""
    return a + t * (b - a)


def slerp(a, b, t):
    """Mix two z on the arc from `a` (t = 0) to `b` (t = 1): the length changes evenly, as does the angle.

    Shapes: a, b (..., latent_dim), t a number or (..., 1) -> (..., latent_dim). Source: Shoemake 1985; White 2016.
    """
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    length_a, length_b = (z.norm(dim=-1, keepdim=True).clamp(min=1e-12) for z in (a, b))
    cosine = (a * b).sum(-1, keepdim=True) / (length_a * length_b)
    angle = cosine.clamp(-1, 1).acos()
    parallel = angle.sin() < 1e-4  # the same or the opposite direction: there is no one arc
    sine = angle.sin().masked_fill(parallel, 1)
    direction = (a / length_a * ((1 - t) * angle).sin() + b / length_b * (t * angle).sin()) / sine
    return torch.where(parallel, lerp(a, b, t), direction * lerp(length_a, length_b, t))


def walk(stops, *, steps=12, mix=slerp):
    """Walk from stop to stop (K, latent_dim) and back to the first: the z on the way (K * steps, latent_dim)."""
    steps, stops = whole("steps", steps), list(map(torch.as_tensor, stops if hasattr(stops, "__len__") else ()))
    fits = len(stops) > 1 and {stop.ndim for stop in stops} == {1}
    check(fits, "A walk needs at least two stops (K, latent_dim), for example walk(gan.fixed_z[:5]).")
    times = [i / steps for i in range(steps)]
    return torch.stack([mix(a, b, t) for a, b in zip(stops, [*stops[1:], stops[0]]) for t in times])
