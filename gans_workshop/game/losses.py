"""What each player pays: pairs of plain functions on logits, each the mean over the batch and each to be minimised.

`GAN(generator, discriminator, loss=hinge)` plays the same game with another loss.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from gans_workshop.game.images import check


class Loss(NamedTuple):
    """What D pays, what G pays and, if there are more functions, a penalty for D on how steep it is, one for G on
    how far a fake is from the picture that belongs to the same condition.

    Shapes: discriminator(real_logits (N, 1), fake_logits (N, 1)) -> scalar; generator(fake_logits (N, 1)) -> scalar;
    penalty(discriminator network, real (N, C, H, W), fake (N, C, H, W)[, condition]) -> scalar;
    likeness(fake (N, C, H, W), real (N, C, H, W)) -> scalar.
    """

    discriminator: Callable
    generator: Callable
    penalty: Callable | None = None
    likeness: Callable | None = None


def log_loss_d(real_logits, fake_logits):
    """-log D(x) - log(1 - D(G(z))), with D = sigmoid(logit).

    softplus(-logit) is -log sigmoid(logit), without overflow where D is certain. Source: Goodfellow et al. 2014, eq. 1.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_g(fake_logits):
    """log(1 - D(G(z))), whose gradient vanishes where D is sure of the fakes. Source: Goodfellow et al. 2014, eq. 1."""
    return -F.softplus(fake_logits).mean()


def non_saturating_g(fake_logits):
    """-log D(G(z)): the same wish, with a strong gradient where G is bad. Source: Goodfellow et al. 2014, sec. 3."""
    return F.softplus(-fake_logits).mean()


def least_squares_d(real_logits, fake_logits):
    """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2, D without a sigmoid. Source: Mao et al. 2017, eq. 9."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def least_squares_g(fake_logits):
    """(D(G(z)) - 1)^2 / 2, D without a sigmoid. Source: Mao et al. 2017, eq. 9."""
    return (fake_logits - 1).square().mean() / 2


def hinge_d(real_logits, fake_logits):
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))), D without a sigmoid. Source: Lim and Ye 2017; Miyato et al. 2018."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def wasserstein_d(real_logits, fake_logits):
    """D(G(z)) - D(x), D without a sigmoid. Source: Arjovsky et al. 2017, eq. 2."""
    return fake_logits.mean() - real_logits.mean()


def wasserstein_g(fake_logits):
    """-D(G(z)), D without a sigmoid. Source: Arjovsky et al. 2017, eq. 2."""
    return -fake_logits.mean()


def gradient_penalty(discriminator, real, fake, *condition):
    """10 (|gradient of D| - 1)^2, on random mixtures of a real picture and a fake. Not for a D with batch norm.

    Shapes: real, fake (N, C, H, W) -> scalar. Source: Gulrajani et al. 2017, eq. 3.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    mixture = (share * real + (1 - share) * fake).detach().requires_grad_()
    logits = discriminator(mixture, *condition)
    (gradient,) = torch.autograd.grad(logits.sum(), mixture, create_graph=True)
    return 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1_penalty(discriminator, real, fake, *condition):
    """R1 with gamma = 2: the squared slope of D at real pictures, measured at a quarter of the batch to save time.

    Not for a D with batch norm. Shapes: real (N, C, H, W) -> scalar. Source: Mescheder et al. 2018, eq. 9.
    """
    few = -(-len(real) // 4)
    real = real[:few].detach().requires_grad_()
    logits = discriminator(real, *(one[:few] for one in condition))
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


def l1(fake, real):
    """100 |fake - real|, the mean over all pixels. Source: Isola et al. 2017, eq. 3, with their weight.

    Shapes: fake, real (N, C, H, W) -> scalar.
    """
    return 100 * (fake - real).abs().mean()


minimax = Loss(log_loss_d, minimax_g)
non_saturating = Loss(log_loss_d, non_saturating_g)
non_saturating_r1 = Loss(log_loss_d, non_saturating_g, r1_penalty)
least_squares = Loss(least_squares_d, least_squares_g)
pix2pix = Loss(log_loss_d, non_saturating_g, likeness=l1)
hinge = Loss(hinge_d, wasserstein_g)  # G's side is the same: -D(G(z))
wasserstein_gp = Loss(wasserstein_d, wasserstein_g, gradient_penalty)


def check_rules(loss, augment, rates, betas):
    """Say in one sentence which rule of a game is of the wrong kind; `rates` are learning rates by name."""
    two = isinstance(betas, tuple | list) and len(betas) == 2
    fits = two and all(hasattr(beta, "__float__") and 0 <= beta < 1 for beta in betas)
    check(fits, f"betas={betas!r:.60}: give two numbers from 0 to below 1, as in betas=(0.5, 0.999).")
    check(isinstance(loss, Loss), f"loss={loss!r} is no Loss: write loss=hinge without quotes, or Loss(of_d, of_g).")
    to_do = "write augment=shift, or augment=lambda images: cut_out(shift(images)) for two"
    check(augment is None or callable(augment), f"augment={augment!r} is no function of pictures: {to_do}.")
    for name, rate in rates.items():
        check(hasattr(rate, "__float__") and rate >= 0, f"{name}={rate!r} must be a number, for example {name}=0.003.")
