"""Move through the latent space, the space of all z: mixtures of two points, walks along several, and searches."""

import torch

from gans_workshop.game.images import check, check_images, to_float, whole


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
    """Search the latents of which `draw` makes the targets: gradient descent on z, or on w, while the network rests.

    `loss(pictures, targets)` says how unlike each pair is, (N,); added is `pull` times the mean square distance from
    `centre`, 0 or a mean w. Adam takes the steps, at a `rate` that falls to 0 in the second half.
    Shapes: start (N, ...), targets (N, C, H, W), uint8 or in [-1, 1] -> latents of the shape of `start`
    Raises: ValueError: 'project ...', 'The network is still learning ...'; FloatingPointError: 'In step ...'
    Source: Zhu et al. 2016; Abdal et al. 2019.
    """
    learning = getattr(getattr(draw, "__self__", draw), "training", False)
    check(not learning, "The network is still learning, and would change while you look: call .eval() on it first.")
    targets, steps = to_float(check_images(targets)).to(start.device), whole("steps", steps)
    check(
        len(start) == len(targets), f"project starts from {len(start)} latents, but there are {len(targets)} targets."
    )
    latents = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([latents], lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1, 2 * (1 - step / steps))
        pictures = draw(latents)
        found = f"{tuple(pictures.shape)} and {tuple(targets.shape)}"
        check(pictures.shape == targets.shape, f"project compares pictures of one shape, not {found}.")
        unlike = loss(pictures, targets)
        needed = unlike.shape == (len(start),) and unlike.requires_grad
        check(
            needed, "project needs a loss for each picture, (N,), made of the pictures: end it with .mean((1, 2, 3))."
        )
        total = unlike + pull * (latents - centre).square().flatten(1).mean(1)
        if not total.isfinite().all():
            raise FloatingPointError(
                f"In step {step + 1} the loss is no number any more: try a smaller rate than {rate}."
            )
        (latents.grad,) = torch.autograd.grad(total.sum(), latents)
        optimizer.step()
    return latents.detach()
