"""Notebook 04: a patient differs in what was changed and in nothing else, and the chart and the hills show what is."""

import numpy as np
import pytest
import torch

from gans_workshop import MLPGenerator, diagnose, hinge
from tools import load_notebook


@pytest.fixture(scope="module")
def book():
    torch.manual_seed(0)
    return load_notebook("04", "play", "chart", "hills", STEPS=3, BATCH_SIZE=8, WIDTH=4)


@pytest.fixture(scope="module")
def two(book):
    """Two short games that differ in one number."""
    return {"healthy": book.new_patient(live=False), "strict": book.new_patient(g_lr=0.00003, live=False)}


def test_the_same_settings_are_the_same_patient(book, two, bits, same):
    assert same(bits(book.new_patient(live=False)), bits(two["healthy"]))
    assert not same(bits(book.new_patient(live=False, seed=1)), bits(two["healthy"]))


def test_one_change_is_one_change(book, two):
    healthy, strict = two.values()
    assert healthy.step == strict.step == 3
    assert torch.equal(healthy.fixed_z, strict.fixed_z)
    rates = [(gan.d_optimizer.param_groups[0]["lr"], gan.g_optimizer.param_groups[0]["lr"]) for gan in two.values()]
    assert rates == [(0.003, 0.003), (0.003, 0.00003)]
    assert healthy.history.d_loss[0] == strict.history.d_loss[0]  # D has not met the change yet
    assert healthy.history.d_loss[2] != strict.history.d_loss[2]


def test_each_setting_reaches_the_game(book):
    assert isinstance(book.new_patient(plain=True, live=False).generator, MLPGenerator)
    assert book.new_patient(latent_dim=1, live=False).fixed_z.shape[1] == 1
    assert book.new_patient(d_steps=2, live=False).seen == 2 * book.new_patient(live=False).seen
    losses = [book.new_patient(live=False, **loss).history.d_loss[0] for loss in ({}, {"loss": hinge})]
    assert losses[0] == pytest.approx(2 * np.log(2), abs=0.2) and losses[1] == pytest.approx(2, abs=0.3)


def test_the_chart_prints_what_was_noted(book, two, capsys):
    book.chart(**two)
    lines = capsys.readouterr().out.splitlines()
    columns = ("d_loss", "g_loss", "d_real", "d_fake", "detect_rate", "variety")
    for name, gan in two.items():
        (at,) = [number for number, line in enumerate(lines) if line.startswith(name)]
        *noted, digits, distance = [float(word.rstrip("%")) for word in lines[at].split()[1:]]
        noted[4] /= 100
        means = [np.mean(getattr(gan.history, column)) for column in columns]
        assert noted == pytest.approx(means, abs=0.006)
        assert 0 <= digits <= 10 and distance > 0
        assert lines[at + 1].strip() == diagnose(gan.history).sentence


def test_the_hills_count_500_real_and_500_fake_pictures(book, two):
    fig = book.hills(**two)
    assert [ax.get_title() for ax in fig.axes] == list(two)
    for ax, gan in zip(fig.axes, two.values()):
        outlines = {patch.get_label(): patch.get_xy() for patch in ax.patches}
        assert set(outlines) == {"real", "fake"}
        for corners in outlines.values():
            steps = corners[1:-1:2]  # each height stands twice, at both ends of its bin
            assert steps[:, 1].sum() == 500
        with torch.no_grad():
            logits = gan.discriminator(book.to_float(book.digits[:500]))
        assert outlines["real"][:, 0].min() <= logits.min() <= logits.max() <= outlines["real"][:, 0].max() + 1e-4
