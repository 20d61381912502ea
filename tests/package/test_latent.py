"""Mixtures and walks."""

import math
import re

import pytest
import torch

from gans_workshop import lerp, load_style_network, project, slerp, walk


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


def far(pictures, targets):
    return (pictures - targets).square().mean((1, 2, 3))


def test_what_a_network_drew_is_found_again_and_the_network_is_left_alone(bits, same):
    torch.manual_seed(0)
    network = load_style_network()
    w = network.to_w(torch.randn(2, 64))
    targets, before = network.draw(w), bits(network.state_dict())
    start = w + 0.2 * torch.randn_like(w)
    kept = start.clone()
    found = project(network.draw, start, targets, loss=far, steps=25, rate=0.05, pull=0)
    assert far(network.draw(found), targets).max() < 0.2 * far(network.draw(start), targets).min()
    assert torch.equal(start, kept) and not found.requires_grad
    assert same(bits(network.state_dict()), before)
    assert all(part.grad is None for part in network.parameters())


def test_the_pull_keeps_a_search_near_its_centre():
    z = torch.zeros(3, 4)
    ways = {pull: project(lambda z: z[:, :, None, None].expand(-1, 4, 1, 1)[:, :1], z, torch.ones(3, 1, 1, 1),
                          loss=far, steps=300, pull=pull) for pull in (0, 1)}  # fmt: skip
    assert ways[0][:, 0] == pytest.approx([1, 1, 1], abs=0.02)
    assert ways[1][:, 0] == pytest.approx([0.8, 0.8, 0.8], abs=0.02), "1 + pull / 4 pulls: both slopes are equal there"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": torch.zeros(2, 5, 64)}, "project needs one for each, and found 2 latents"),
        ({"targets": torch.zeros(3, 3, 32, 32)}, "project compares pictures of one shape"),
        ({"loss": lambda a, b: (a - b).abs().mean()}, "project needs a loss for each picture"),
        ({"steps": 0}, "steps=0 must be a whole number"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_one_sentence(change, words):
    network = load_style_network()
    options = {"start": torch.zeros(3, 5, 64), "targets": torch.zeros(3, 3, 64, 64), "loss": far, "steps": 2} | change
    with pytest.raises(ValueError, match=words):
        project(network.draw, options.pop("start"), options.pop("targets"), **options)


def test_a_network_that_still_learns_is_not_searched():
    for learning in (load_style_network().train(), load_style_network().train().draw):
        with pytest.raises(ValueError, match="The network is still learning"):
            project(learning, torch.zeros(1, 64), torch.zeros(1, 3, 64, 64), loss=far)


def test_a_search_that_flies_off_says_so():
    with pytest.raises(FloatingPointError, match="In step 1 the loss is no number"):
        project(lambda z: z[:, :1, None, None] / 0, torch.ones(1, 4), torch.zeros(1, 1, 1, 1), loss=far)
