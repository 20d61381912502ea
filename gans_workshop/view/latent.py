"""Move through the latent space, the space of all z: mixtures, walks, and the way to a picture that is given."""

import contextlib

import torch
from torch import nn

from gans_workshop.game.images import check, to_float, whole


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


def project(draw, start, targets, *, loss, steps=150, rate=0.1, pull=0.01, centre=0):
    """Find for each target a z, from that of `start` on, whose picture has a small loss: z learns, no weight does.

    What falls is `loss(draw(z), targets)`, one number for each picture, and `pull` times the mean square of
    z - `centre`; each target has steps of its own. Adam's `rate` falls evenly, and would be 0 after the last step.
    Shapes: start (N, ...), as `draw` takes it; targets (N, ...), as it draws, or uint8 -> as start.
    Raises: ValueError: 'There are ...', 'Nothing can be drawn ...', 'Drawn are ...', 'No gradient ...', 'The loss ...',
    'After ... steps ...'
    """
    check(len(start) == len(targets), f"There are {len(start)} starts and {len(targets)} targets: give each its own.")
    targets, z = to_float(targets), start.detach().clone().float().requires_grad_()
    optimizer, steps = torch.optim.Adam([z], lr=rate), whole("steps", steps)
    with _at_rest(draw), torch.enable_grad():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
            fake = _draw(draw, z, targets)
            losses = loss(fake, targets)
            fits = tuple(losses.shape) == (len(z),)
            check(fits, f"The loss has shape {tuple(losses.shape)}, not ({len(z)},): return a number for each picture.")
            total = (losses + pull * (z - centre).square().flatten(1).mean(1)).sum()
            finite = f"After {step} steps the loss is {total.item()}: look for NaN in the targets, or lower the rate."
            check(total.isfinite(), finite)
            (z.grad,) = torch.autograd.grad(total, z)
            optimizer.step()
    return z.detach()


def _draw(draw, z, targets):
    try:
        fake = draw(z)
    except RuntimeError as error:
        raise ValueError(f"Nothing can be drawn from z of shape {tuple(z.shape)} ({error}): give z as for G.") from None
    sizes = f"pictures of shape {tuple(fake.shape[1:])}, and the targets have {tuple(targets.shape[1:])}"
    check(fake.shape == targets.shape, f"Drawn are {sizes}: bring the targets to the size and channels of the fakes.")
    check(fake.requires_grad, "No gradient comes back to z: draw with the network, gan.average_generator, not sample.")
    return fake


@contextlib.contextmanager
def _at_rest(draw):
    """Use the network as when it is looked at: each picture for itself; then it is as it was."""
    network = getattr(draw, "__self__", draw)  # of G.draw, G
    learning = [part for part in network.modules() if part.training] if isinstance(network, nn.Module) else []
    try:
        for part in learning:
            part.training = False
        yield
    finally:
        for part in learning:
            part.training = True
