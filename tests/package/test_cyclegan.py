"""Two piles and no pairs: two games learn together, there and back, and are as safe as one."""

import math

import pytest
import torch

from gans_workshop import (
    GAN,
    CycleGAN,
    LiveView,
    PatchDiscriminator,
    UNet,
    criminals_bills,
    cycle_round,
    draw_seasons,
    least_squares,
    load_gan,
    pix2pix,
    seed_everything,
    to_float,
    train,
)
from gans_workshop.view.flatten import fold, list_steps, play
from gans_workshop.view.live import draw_view

SUMMER, WINTER = draw_seasons(24, seed=1)[0], draw_seasons(17, seed=2)[1]
SHAPE = {"image_size": 32, "width": 2, "norm": torch.nn.InstanceNorm2d}


def one_way(pictures, seed):
    players = UNet(given_channels=3, **SHAPE), PatchDiscriminator(given_channels=0, **SHAPE)
    return GAN(*players, loss=least_squares, fixed_condition=pictures[:4], d_lr=1e-3, g_lr=1e-3, seed=seed)


def game(**options):
    seed_everything(1)
    return CycleGAN(one_way(SUMMER, 2), one_way(WINTER, 3), **options)


def play_on(cycle, steps, summer=SUMMER, winter=WINTER, **options):
    train(cycle, summer, conditions=winter, steps=steps, batch_size=4, one_round=cycle_round, **options)
    return cycle


def test_the_same_game_goes_on_exactly_in_every_bit(tmp_path, bits, same, capsys):
    whole = play_on(game(), 25)
    play_on(game(), 11, checkpoint=tmp_path)
    again = play_on(game(), 25, checkpoint=tmp_path)
    assert "Going on from round 11" in capsys.readouterr().out
    assert same(bits(whole), bits(again))
    assert whole.there.step == whole.back.step == 25 and whole.there.seen == whole.back.seen == 100
    with pytest.raises(ValueError, match="learns from 17 other conditions"):
        play_on(game(), 30, winter=255 - WINTER, checkpoint=tmp_path)
    train(one_way(SUMMER, 2), SUMMER[:17], conditions=WINTER, steps=2, checkpoint=tmp_path / "plain")
    with pytest.raises(ValueError, match="is no game of two piles"):
        play_on(game(), 30, SUMMER[:17], checkpoint=tmp_path / "plain")


def test_the_bill_is_both_opinions_and_what_the_paper_adds():
    cycle = game(cycle=7, identity=3)
    there, back = cycle.there, cycle.back
    summer, winter = to_float(SUMMER[:4]), to_float(WINTER[:5])
    made_winter, made_summer = there.generator(None, summer), back.generator(None, winter)
    logits = there.discriminator(made_winter, None), back.discriminator(made_summer, None)
    opinions = [(side - 1).square().mean() / 2 for side in logits]
    round_trips = (back.generator(None, made_winter) - summer), (there.generator(None, made_summer) - winter)
    kept = (there.generator(None, winter) - winter), (back.generator(None, summer) - summer)
    expected = [
        opinion + 7 * changed.abs().mean() + 3 * touched.abs().mean()
        for opinion, changed, touched in zip(opinions, round_trips, kept)
    ]
    torch.testing.assert_close(criminals_bills(cycle, summer, winter), expected)
    cycle.cycle = cycle.identity = 0
    torch.testing.assert_close(criminals_bills(cycle, summer, winter), opinions)


def test_a_round_moves_every_player_and_the_way_back_moves_the_way_there():
    cycle = game(identity=0)
    before = [[weight.clone() for weight in player.parameters()] for player in players(cycle)]
    play_on(cycle, 1)
    for player, old in zip(players(cycle), before):
        assert any(not torch.equal(weight, known) for weight, known in zip(player.parameters(), old))
    for side in (cycle.there, cycle.back):
        for weight in side.generator.parameters():
            weight.grad = None
    bills = criminals_bills(cycle, to_float(SUMMER[:2]), to_float(WINTER[:2]))
    bills[0].backward()  # of summer that went there and back
    assert all(weight.grad is not None for side in (cycle.there, cycle.back) for weight in side.generator.parameters())


def players(cycle):
    return [player for side in (cycle.there, cycle.back) for player in (side.generator, side.discriminator)]


def test_a_detective_without_a_question_sees_the_picture_alone():
    detective = PatchDiscriminator(given_channels=0, **SHAPE)
    pictures = torch.rand(2, 3, 32, 32)
    assert torch.equal(detective(pictures, pictures), detective(pictures, 1 - pictures))
    assert torch.equal(detective(pictures, None), detective(pictures, pictures))


def test_the_live_view_shows_what_comes_back_and_the_doctor_speaks_of_both_ways():
    cycle, view = game(), LiveView()
    play_on(cycle, 3, watch=view)
    assert view.film.frames[-1].shape == (4, 3, 32, 32)
    figure = draw_view(cycle)
    assert "given, made, back again" in figure.subfigs[0].axes[0].get_title()
    words = figure._supxlabel.get_text()
    assert "There: Too early" in words and "Back: Too early" in words


def test_a_trained_one_comes_back_with_both_ways(tmp_path, capsys):
    cycle = play_on(game(), 3, checkpoint=tmp_path)
    found = load_gan(tmp_path)
    for old, new in zip(cycle.there_and_again(SUMMER[:5]), found.there_and_again(SUMMER[:5])):
        torch.testing.assert_close(old, new)
    assert found.step == 3 and found.seconds == cycle.seconds and "A GAN of 3 rounds" in capsys.readouterr().out
    play_on(found, 4)


def test_pictures_that_are_all_bright_come_back_too():
    bright = torch.rand(300, 3, 32, 32)
    made = game().translate_back(bright)
    assert made.shape == bright.shape and made.abs().max() <= 1


def test_a_web_page_can_play_it():
    network = game().there.average_generator
    pictures = to_float(SUMMER[:1])
    torch.testing.assert_close(play(fold(list_steps(network)), pictures), network(None, pictures), atol=1e-5, rtol=0)


def test_piles_of_different_number_are_fine_and_it_is_said(capsys):
    play_on(game(), 1)
    assert "The piles have 17 and 24 pictures: the larger one is walked through more slowly." in capsys.readouterr().out


WRONG = {
    "one pile": (SUMMER, None, "Two piles are needed: train"),
    "the same twice": (SUMMER, SUMMER.clone(), "Both piles are the same pictures"),
    "an empty one": (SUMMER, SUMMER[:0], "no picture"),
    "another size": (SUMMER, WINTER[..., :16, :16], "have shape"),
    "grey ones": (SUMMER, WINTER[:, :1], "have shape"),
    "NaN": (SUMMER, torch.full((4, 3, 32, 32), torch.nan), "NaN"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_piles_are_refused_before_anything_is_learned(name):
    first, second, words = WRONG[name]
    cycle = game()
    with pytest.raises(ValueError, match=words):
        play_on(cycle, 1, first, second)
    assert cycle.step == 0


def test_games_that_do_not_belong_together_are_refused():
    def other(given_channels=3, pictures=SUMMER, **options):
        players = UNet(given_channels=given_channels, **SHAPE), PatchDiscriminator(given_channels=0, **SHAPE)
        return GAN(*players, fixed_condition=pictures[:2], seed=5, **options)

    small = {"image_size": 48, "width": 2}
    large = GAN(UNet(**small), PatchDiscriminator(**small), fixed_condition=torch.zeros(2, 1, 48, 48).byte())
    with pytest.raises(ValueError, match=r"Both games must draw pictures of one shape, .*\(3, 32, 32\), \(3, 48, 48\)"):
        CycleGAN(one_way(SUMMER, 2), large)
    with pytest.raises(ValueError, match="Both games must be given pictures like those that they draw"):
        CycleGAN(one_way(SUMMER, 2), other(given_channels=1, pictures=SUMMER[:, :1], loss=least_squares))
    with pytest.raises(ValueError, match="Both games have seed=2: give one of them another"):
        CycleGAN(one_way(SUMMER, 2), one_way(WINTER, 2))
    for options in ({"d_steps": 5, "loss": least_squares}, {"loss": pix2pix}):
        with pytest.raises(ValueError, match="A CycleGAN plays with d_steps=1 and a loss without likeness"):
            CycleGAN(one_way(SUMMER, 2), other(**options))


def test_what_a_cyclegan_lacks_is_said_with_what_it_has():
    with pytest.raises(
        AttributeError, match=r"A CycleGAN has no 'd_steps': its two GANs are \.there and \.back, and train"
    ):
        train(game(), SUMMER, conditions=WINTER, steps=1)
    with pytest.raises(AttributeError, match="A CycleGAN has no 'sample'"):
        game().sample(3)


def test_no_note_compares_pictures_that_are_no_pair():
    cycle = play_on(game(), 11)
    for name in ("contrast", "opinion_push"):
        assert all(math.isnan(note) for note in getattr(cycle.there.history, name)), name


def test_weights_come_back_and_networks_of_ones_own_are_refused_with_a_way_on(tmp_path):
    play_on(game(cycle=0, identity=2), 1, checkpoint=tmp_path)
    found = load_gan(tmp_path)
    assert (found.cycle, found.identity) == (0, 2)
    with pytest.raises(ValueError, match=r"holds a CycleGAN, which is loaded without them: .* goes on"):
        load_gan(tmp_path, generator=UNet(given_channels=3, **SHAPE))


def test_detectives_that_see_pairs_can_be_saved_and_loaded(tmp_path):
    def seeing(pictures, seed):
        players = UNet(given_channels=3, **SHAPE), PatchDiscriminator(given_channels=3, **SHAPE)
        return GAN(*players, loss=least_squares, fixed_condition=pictures[:4], seed=seed)

    cycle = play_on(CycleGAN(seeing(SUMMER, 2), seeing(WINTER, 3)), 1, checkpoint=tmp_path)
    torch.testing.assert_close(load_gan(tmp_path).preview(), cycle.preview())


def test_the_view_survives_a_broken_way_back():
    cycle = play_on(game(), 2)
    for weights in cycle.back.average_generator.parameters():
        weights.data.fill_(torch.nan)
    draw_view(cycle)
