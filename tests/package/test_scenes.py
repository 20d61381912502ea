"""A small world in two seasons: the same things in both, and a sun that winter hides."""

import pytest
import torch

from gans_workshop import draw_seasons, find_sun, to_float


@pytest.mark.parametrize("size", [32, 64, 128])
def test_summer_and_winter_are_the_same_scene(size):
    summer, winter = draw_seasons(6, image_size=size, seed=4)
    assert summer.shape == winter.shape == (6, 3, size, size) and summer.dtype == torch.uint8
    again, _ = draw_seasons(3, image_size=size, seed=4)
    assert torch.equal(again, summer[:3]), "each scene has dice of its own"
    assert not torch.equal(draw_seasons(3, image_size=size, seed=5)[0], summer[:3])
    edges = [to_float(pictures).mean(1).diff(dim=1).abs() for pictures in (summer, winter)]
    own = torch.corrcoef(torch.stack([edge.flatten() for edge in edges]))[0, 1]
    others = torch.corrcoef(torch.stack([edges[0].flatten(), edges[1].roll(1, 0).flatten()]))[0, 1]
    assert own > others + 0.2, "hills, houses and trees stand in the same places"


def test_winter_hides_the_sun_and_summer_shows_it_where_it_was_drawn():
    summer, winter = draw_seasons(40, seed=6)
    found = find_sun(to_float(summer))
    assert not found.isnan().any() and (found[:, 1] < 0.45).all()
    assert find_sun(to_float(winter)).isnan().all()
    marked = torch.full((1, 3, 32, 32), -1.0)
    marked[0, :, 4:8, 20:24] = torch.tensor([1.0, 0.8, -0.6])[:, None, None]
    assert find_sun(marked)[0].tolist() == pytest.approx([21.5 / 31, 5.5 / 31])
    assert find_sun(torch.zeros(2, 3, 8, 8)).isnan().all(), "no sun, no place"


@pytest.mark.parametrize("size", [0, 30, 40, "32", None, 512])
def test_a_side_that_no_player_can_halve_is_refused(size):
    with pytest.raises(ValueError, match=r"image_size=.*: give 32, 64, 128 or 256\."):
        draw_seasons(2, image_size=size)
