"""The formulas in the docstrings, on fixed numbers."""

import math

import pytest
import torch
import torch.nn.functional as F

from gans_workshop import hinge, least_squares, minimax, non_saturating, pix2pix, wasserstein_gp
from gans_workshop.game.losses import gradient_penalty, l1, r1_penalty

REAL = torch.tensor([[0.0], [2.0], [-1.0]])
FAKE = torch.tensor([[1.0], [-3.0], [0.5]])


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def mean(formula, logits):
    return sum(formula(t) for t in logits.flatten().tolist()) / len(logits)


LOG_D = mean(lambda t: -math.log(sigmoid(t)), REAL) + mean(lambda t: -math.log(1 - sigmoid(t)), FAKE)
FORMULAS = {
    "minimax": (minimax, LOG_D, mean(lambda t: math.log(1 - sigmoid(t)), FAKE)),
    "non-saturating": (non_saturating, LOG_D, mean(lambda t: -math.log(sigmoid(t)), FAKE)),
    "least squares": (
        least_squares,
        mean(lambda t: (t - 1) ** 2 / 2, REAL) + mean(lambda t: t**2 / 2, FAKE),
        mean(lambda t: (t - 1) ** 2 / 2, FAKE),
    ),
    "hinge": (
        hinge,
        mean(lambda t: max(0, 1 - t), REAL) + mean(lambda t: max(0, 1 + t), FAKE),
        mean(lambda t: -t, FAKE),
    ),
    "wasserstein": (wasserstein_gp, mean(lambda t: t, FAKE) - mean(lambda t: t, REAL), mean(lambda t: -t, FAKE)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_code_computes_the_formula(name):
    loss, d_loss, g_loss = FORMULAS[name]
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(d_loss, rel=1e-5)
    assert loss.generator(FAKE).item() == pytest.approx(g_loss, rel=1e-5)


def test_the_log_loss_is_pytorchs():
    one_liner = F.binary_cross_entropy_with_logits(REAL, torch.ones(3, 1))
    one_liner += F.binary_cross_entropy_with_logits(FAKE, torch.zeros(3, 1))
    torch.testing.assert_close(non_saturating.discriminator(REAL, FAKE), one_liner)
    torch.testing.assert_close(
        non_saturating.generator(FAKE), F.binary_cross_entropy_with_logits(FAKE, torch.ones(3, 1))
    )


def test_a_coin_tossing_detective_pays_two_ln_two():
    coin = torch.zeros(5, 1)
    assert non_saturating.discriminator(coin, coin).item() == pytest.approx(2 * math.log(2))
    assert non_saturating.generator(coin).item() == pytest.approx(math.log(2))


def test_certainty_costs_finite_numbers():
    sure = torch.full((2, 1), 1000.0)
    assert non_saturating.discriminator(-sure, sure).item() == pytest.approx(2000)
    assert non_saturating.generator(-sure).item() == pytest.approx(1000)


def test_the_minimax_slope_vanishes_where_the_other_is_steep():
    slopes = []
    for loss in (minimax, non_saturating):
        logit = torch.tensor([[-6.0]], requires_grad=True)
        loss.generator(logit).backward()
        slopes.append(abs(logit.grad.item()))
    assert slopes == pytest.approx([sigmoid(-6), 1 - sigmoid(-6)], rel=1e-4)


def test_the_gradient_penalty_knows_the_slope_of_a_plane():
    torch.manual_seed(0)
    real, fake = torch.randn(4, 1, 2, 2), torch.randn(4, 1, 2, 2)
    direction = torch.tensor([[3.0, 0.0], [0.0, 4.0]], requires_grad=True)  # slope 5 everywhere
    penalty = gradient_penalty(lambda images: (images * direction).sum((1, 2, 3))[:, None], real, fake)
    assert penalty.item() == pytest.approx(10 * (5 - 1) ** 2, rel=1e-5)
    penalty.backward()
    assert direction.grad.abs().sum() > 0, "D learns from it"


def test_r1_is_the_squared_slope_at_a_quarter_of_the_real_pictures():
    real = torch.arange(1.0, 9.0).reshape(8, 1, 1, 1)
    scale = torch.tensor(3.0, requires_grad=True)
    penalty = r1_penalty(lambda images: scale * images.flatten(1).square(), real, None)  # slope 2 * 3 * x
    assert penalty.item() == pytest.approx((6**2 + 12**2) / 2)
    penalty.backward()
    assert scale.grad > 0, "D learns from it"
    assert r1_penalty(lambda images: 3 * images.flatten(1), real[:1], None).item() == pytest.approx(9)
    told = r1_penalty(lambda images, labels: labels * images.flatten(1), real, None, torch.arange(8.0)[:, None])
    assert told.item() == pytest.approx((0**2 + 1**2) / 2), "each picture keeps its label"


def test_the_likeness_is_a_hundred_times_the_mean_difference():
    fake, real = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.0, 1.0]])
    assert l1(fake, real).item() == pytest.approx(100 * (0.5 + 2) / 2)
    assert pix2pix.likeness is l1 and non_saturating.likeness is None
    assert (pix2pix.discriminator, pix2pix.generator) == (non_saturating.discriminator, non_saturating.generator)
