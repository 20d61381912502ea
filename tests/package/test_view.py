"""The rooms: whatever looks at a game leaves every bit of it, and the random numbers, as they were."""

import copy

import pytest
import torch

from gans_workshop import (
    LiveView,
    classify_digits,
    contact_sheet,
    diagnose,
    draw_losses,
    draw_scores,
    figure_with_axes,
    film_strip,
    frechet_distance,
    nearest_images,
    plot_losses,
    plot_scores,
    save_contact_sheet,
    save_gif,
    save_page,
    show_images,
    slerp,
    train,
    walk,
)
from gans_workshop.view.live import Film, draw_view

LOOKS = {
    "a sample": lambda gan, digits, folder: gan.sample(5),
    "a preview": lambda gan, digits, folder: gan.preview(),
    "the live view": lambda gan, digits, folder: LiveView()(gan, 0.5, True),
    "its picture": lambda gan, digits, folder: draw_view(gan),
    "a film": lambda gan, digits, folder: Film().keep(gan),
    "the doctor": lambda gan, digits, folder: diagnose(gan.history),
    "pictures": lambda gan, digits, folder: (show_images(gan.sample(4)), contact_sheet(gan.sample(4))),
    "a strip": lambda gan, digits, folder: film_strip([gan.preview()[:4]] * 2, captions=["1", "2"]),
    "curves": lambda gan, digits, folder: (plot_losses(gan.history), plot_scores(gan.history)),
    "curves on axes": lambda gan, digits, folder: [
        draw(figure_with_axes(1, 1, size=(3, 3))[1][0, 0], gan.history) for draw in (draw_losses, draw_scores)
    ],
    "the judge": lambda gan, digits, folder: frechet_distance(
        classify_digits(gan.sample(20))[1], classify_digits(digits)[1]
    ),
    "the nearest": lambda gan, digits, folder: nearest_images(gan.sample(4), digits),
    "a walk": lambda gan, digits, folder: gan.sample(walk(gan.fixed_z[:3], steps=2, mix=slerp)),
    "files": lambda gan, digits, folder: (
        save_gif(folder / "a.gif", [gan.preview()]),
        save_contact_sheet(folder / "a.png", gan.preview()),
        save_page(folder / "a.html", gan),
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_looking_changes_no_bit_of_a_game(look, make_gan, digits, bits, same, tmp_path):
    gan = make_gan()
    train(gan, digits, steps=2, batch_size=16)
    before, modes = copy.deepcopy(bits(gan)), [module.training for module in gan.generator.modules()]
    clock, gradients = gan.seconds, [p.grad.clone() for p in gan.discriminator.parameters()]
    LOOKS[look](gan, digits, tmp_path)
    assert same(before, bits(gan)) and gan.seconds == clock
    assert modes == [module.training for module in gan.generator.modules()]
    assert all(torch.equal(p.grad, old) for p, old in zip(gan.discriminator.parameters(), gradients))
    after, untouched = make_gan(), make_gan()  # and the next round is the one that would have come
    train(after, digits, steps=2, batch_size=16)
    LOOKS[look](after, digits, tmp_path)
    train(after, digits, steps=3, batch_size=16)
    train(untouched, digits, steps=3, batch_size=16)
    assert same(bits(after), bits(untouched))
