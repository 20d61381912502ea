"""Mixtures, walks, and the way to a picture."""

import math
import re

import pytest
import torch

from gans_workshop import lerp, load_style_network, project, slerp, walk
from gans_workshop.game.images import to_uint8


def test_both_mixtures_start_and_end_where_they_should():
    torch.manual_seed(0)
    a, b = torch.randn(7, 64), torch.randn(7, 64)
    for mix in (lerp, slerp):
        torch.testing.assert_close(mix(a, b, 0), a, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(mix(a, b, 1), b, rtol=1e-4, atol=1e-4)


def test_slerp_keeps_length_and_pace_where_lerp_cuts_the_corner():
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    angles = []
    for t in (0.25, 0.5, 0.75):
        z = slerp(a, b, t)
        assert z.norm().item() == pytest.approx(3, rel=1e-5)
        angles.append(math.degrees(math.atan2(z[1], z[0])))
    assert angles == pytest.approx([22.5, 45, 67.5], abs=0.01)
    assert lerp(a, b, 0.5).norm().item() == pytest.approx(3 / math.sqrt(2), rel=1e-5)


@pytest.mark.parametrize("other", [1.0, -1.0, 2.0, 0.0])
def test_slerp_between_parallel_z_is_finite(other):
    a = torch.tensor([1.0, 2.0, 2.0])
    assert slerp(a, other * a, 0.5).isfinite().all()
    torch.testing.assert_close(slerp(a, other * a, 1), other * a)


def test_one_parallel_pair_does_not_change_the_others():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    b = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    torch.testing.assert_close(slerp(a, b, 0.5)[0], slerp(a[0], b[0], 0.5))


def test_a_walk_visits_its_stops_and_comes_back():
    torch.manual_seed(0)
    stops = torch.randn(3, 8)
    z = walk(stops, steps=5)
    assert z.shape == (15, 8)
    torch.testing.assert_close(z[[0, 5, 10]], stops, rtol=1e-4, atol=1e-4)
    paces = (z.roll(-1, 0) - z).norm(dim=1)
    assert paces.max() < 3 * paces.min(), "no jump, not even from the last to the first"


def test_a_walk_takes_z_as_people_have_it():
    stops = torch.randn(3, 8)
    for same in (stops.numpy(), list(stops), tuple(stops.numpy()), stops.tolist()):
        torch.testing.assert_close(walk(same, steps=2.0), walk(stops, steps=2))
    assert torch.equal(slerp(stops[0].numpy(), stops[1].numpy(), 0.5), slerp(stops[0], stops[1], 0.5))


@pytest.mark.parametrize("steps", [0, "12", 1.5])
def test_steps_of_a_walk_are_a_whole_number(steps):
    with pytest.raises(ValueError, match=r"steps=.* must be a whole number of at least 1"):
        walk(torch.randn(3, 8), steps=steps)


def test_what_the_refusal_of_a_walk_advises_is_a_walk(make_gan):
    gan = make_gan()
    with pytest.raises(ValueError) as refusal:
        walk(gan.fixed_z[0])
    advised = eval(re.search(r"walk\(.*\)", str(refusal.value))[0], {"walk": walk, "gan": gan})
    assert gan.sample(advised).shape == (60, 1, 28, 28)


@pytest.mark.parametrize("stops", [torch.randn(1, 8), torch.randn(8), torch.randn(3, 2, 8), [], 5, None])
def test_a_walk_without_a_way_is_refused(stops):
    with pytest.raises(ValueError, match="A walk needs at least two stops"):
        walk(stops)


# Which z draws this picture?


def apart(fake, targets):
    return (fake - targets).square().flatten(1).mean(1)


@pytest.fixture
def painter(make_gan):
    """A network that has batch norm, random weights, and draws strongly."""
    torch.manual_seed(0)
    network = make_gan().average_generator
    for weights in network.parameters():
        weights.data = torch.randn_like(weights) / max(1, weights[0].numel()) ** 0.5
    return network.train()


def test_the_way_leads_to_the_picture_and_leaves_the_network_as_it_was(painter):
    before = {name: values.clone() for name, values in painter.state_dict().items()}
    learn = [weights.requires_grad for weights in painter.parameters()]
    wanted, start = torch.randn(2, 5, painter.latent_dim)
    with torch.no_grad():
        targets, first = painter.eval()(wanted), painter(start)
        painter.train()
        z = project(painter, start, targets, loss=apart, steps=100, pull=0)  # gradients flow also in here
        assert painter.training and [weights.requires_grad for weights in painter.parameters()] == learn
        found = painter.eval()(z)
    assert (apart(found, targets) < 0.3 * apart(first, targets)).all()
    assert z.shape == start.shape and not z.requires_grad
    assert all(torch.equal(values, before[name]) for name, values in painter.state_dict().items())
    assert all(weights.grad is None for weights in painter.parameters())


def test_each_target_finds_its_way_as_if_it_were_alone(painter):
    start, targets = torch.randn(4, painter.latent_dim), torch.rand(4, 1, 28, 28)
    together = project(painter, start, targets, loss=apart, steps=5)
    alone = torch.cat([project(painter, start[i : i + 1], targets[i : i + 1], loss=apart, steps=5) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=0)


def test_any_function_may_draw_and_the_pull_leads_to_its_centre():
    start, targets = torch.full((3, 2, 4), 5.0), torch.zeros(3, 2, 4)
    z = project(lambda w: w, start, targets, loss=apart, steps=400, rate=0.3, pull=1, centre=2.0)
    torch.testing.assert_close(z, torch.ones(3, 2, 4), atol=0.01, rtol=0)  # half-way between both wishes
    free = project(lambda w: w, start, targets, loss=apart, steps=400, rate=0.3, pull=0, centre=2.0)
    torch.testing.assert_close(free, targets, atol=0.01, rtol=0)
    assert (start == 5).all(), "the start is copied"


WRONG = {
    "There are 3 starts and 2 targets": {"targets": torch.zeros(2, 1, 28, 28)},
    r"pictures of shape \(1, 28, 28\), and the targets have \(1, 32, 32\)": {"targets": torch.zeros(3, 1, 32, 32)},
    r"pictures of shape \(1, 28, 28\), and the targets have \(3, 28, 28\)": {"targets": torch.zeros(3, 3, 28, 28)},
    r"The loss has shape \(\), not \(3,\)": {"loss": lambda fake, targets: apart(fake, targets).mean()},
    "After 0 steps the loss is nan: look for NaN": {"targets": torch.full((3, 1, 28, 28), torch.nan)},
    "steps=0 must be a whole number": {"steps": 0},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_cannot_be_found_is_refused_in_one_sentence(painter, sentence):
    options = {"targets": torch.zeros(3, 1, 28, 28), "loss": apart, "steps": 2} | WRONG[sentence]
    with pytest.raises(ValueError, match=sentence):
        project(painter, torch.randn(3, painter.latent_dim), options.pop("targets"), **options)


def test_where_no_gradient_comes_back_it_says_what_to_draw_with(make_gan):
    gan = make_gan()
    with pytest.raises(ValueError, match="No gradient comes back to z: draw with the network"):
        project(gan.sample, gan.fixed_z[:3], torch.zeros(3, 1, 28, 28), loss=apart, steps=2)


def test_a_z_of_another_length_is_refused(painter):
    with pytest.raises(ValueError, match="Nothing can be drawn from z of shape"):
        project(painter, torch.randn(3, painter.latent_dim + 1), torch.zeros(3, 1, 28, 28), loss=apart)


def test_a_style_for_each_size_is_found_again_and_the_network_is_left_alone(bits, same):
    def far(pictures, targets):
        return (pictures - targets).square().mean((1, 2, 3))

    torch.manual_seed(0)
    network = load_style_network()
    w = network.to_w(torch.randn(2, 64))
    targets, before = network.draw(w), bits(network)
    start = w + 0.2 * torch.randn_like(w)
    found = project(network.draw, start, targets, loss=far, steps=40, rate=0.05, pull=0, centre=w.mean(0))
    assert found.shape == w.shape
    assert far(network.draw(found), targets).mean() < 0.4 * far(network.draw(start), targets).mean()
    assert same(bits(network), before)
    network.train()
    project(network.draw, start, targets, loss=far, steps=1)
    assert all(part.training for part in network.modules()), "at rest while it is searched, then as it was"
    network.eval()
    stored = project(network.draw, start, to_uint8(targets), loss=far, steps=2, centre=w.mean(0))
    torch.testing.assert_close(
        stored, project(network.draw, start, targets, loss=far, steps=2, centre=w.mean(0)), atol=0.02, rtol=0
    )
