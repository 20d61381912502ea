"""What is noted of each round: once, small, and read from older versions too."""

import math

import torch

from gans_workshop import train
from gans_workshop.game.notes import NOTES, History


def test_a_history_of_hours_stays_small():
    history = History()
    for step in range(10_000):
        history.append(dict.fromkeys(NOTES, 0.5) | {"steps": step})
    assert sum(values.itemsize * len(values) for values in vars(history).values()) == 9 * 8 * 10_000
    copied = History()
    copied.load_state_dict(history.state_dict())
    assert copied.d_fake == history.d_fake and copied.steps[-1] == 9999


def test_each_round_has_a_number_for_each_name(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, batch_size=16)
    assert set(vars(gan.history)) == set(NOTES)
    assert list(gan.history.steps) == [1, 2, 3]
    for name in NOTES:
        values = getattr(gan.history, name)
        assert len(values) == 3 and all(map(math.isfinite, values)), name
    gradient = torch.cat([p.grad.flatten() for p in gan.discriminator.parameters()])
    torch.testing.assert_close(torch.tensor(gan.history.d_slope[-1]), gradient.norm(), rtol=1e-5, atol=0)


def test_what_is_not_known_is_nan():
    history = History()
    history.append({"steps": 7})
    assert list(history.steps) == [7] and math.isnan(history.variety[0])
