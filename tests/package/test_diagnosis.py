"""The doctor: each failure is provoked, named and mended."""

import copy
import re
from array import array
from contextlib import suppress

import numpy as np
import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    compare_with_page,
    diagnose,
    load_digits,
    seed_everything,
    train,
)
from gans_workshop.game.notes import NOTES, History
from gans_workshop.view.diagnosis import NOTED_AS, REMEDY, WINDOW
from gans_workshop.view.live import draw_view

# What is said

HEARD = {"label_effect": 1.0, "label_use": 0.95, "class_variety": 0.6, "poorest_class": 1.0}


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ({}, "healthy"),
        ({"label_effect": 0.02}, "it ignores the label"),  # D asks, and G does not listen
        ({"label_effect": 0.2, "label_use": 0.5}, "it ignores the label"),  # D does not ask either
        ({"label_effect": 0.2}, "healthy"),  # a small thing, such as a smile
        ({"label_use": 0.5}, "healthy"),
        ({"class_variety": 0.1}, "one class is missing or collapsed"),
    ],
)
def test_the_labels_are_judged_where_all_else_is_healthy(what, name):
    history = invent()
    for note, value in (HEARD | what).items():
        for step in range(0, WINDOW, 10):
            getattr(history, note)[step] = value
    verdict = diagnose(history)
    assert verdict.name == name and verdict.advice == REMEDY[name]
    for step in range(WINDOW):  # the older illness is the louder one
        history.variety[step] = 0.01
    assert diagnose(history).name == "mode collapse"


@pytest.mark.parametrize(
    ("push", "contrast", "rate", "name"),
    [
        (0.2, 1.0, 0.9, "healthy"),
        (0.2, 1.0, 0.6, "healthy"),
        (0.01, 1.0, 1.0, "L1 decides everything"),
        (0.05, 1.0, 0.5, "D is ignored"),
        (0.2, 0.5, 0.9, "white output"),
        (0.01, 0.1, 1.0, "white output"),  # what one sees comes first
    ],
)
def test_games_of_pairs_are_judged_by_ds_push_and_by_what_is_on_the_sheet(push, contrast, rate, name):
    history = invent()
    history.detect_rate[:], history.contrast[:] = (array("d", [value] * WINDOW) for value in (rate, contrast))
    for step in range(0, WINDOW, 10):
        history.opinion_push[step] = push
    verdict = diagnose(history)
    assert verdict.name == name and verdict.advice == REMEDY[name]


def test_the_poorest_class_is_called_by_its_number():
    history = invent()
    for note, value in (HEARD | {"class_variety": 0.1, "poorest_class": 7}).items():
        for step in range(0, WINDOW, 10):
            getattr(history, note)[step] = value
    assert "fakes of class 7 (the first is 0) differ" in diagnose(history).sentence


def invent(steps=WINDOW, *, rate=0.75, variety=1.0, d_loss=1.2, d_fake=0.4, d_real=0.6):
    """Make a history in which nothing changes, but for what is given as a function of the step."""
    history = History()
    for step in range(steps):
        now = [value(step) if callable(value) else value for value in (d_loss, d_fake, rate, variety, d_real)]
        first = {"steps": step + 1, "d_loss": 1.386 if step == 0 else now[0], "g_loss": 1.0, "d_real": now[4]}
        history.append(first | {"d_fake": now[1], "detect_rate": now[2], "variety": now[3]})
    return history


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ({}, "healthy"),
        ({"rate": 1.0}, "healthy"),  # always right, but not sure: there is still something to learn
        ({"rate": 1.0, "d_loss": 0.01}, "the detective dominates"),
        ({"rate": 1.0, "d_loss": 0.01, "variety": 0.0}, "the detective dominates"),
        ({"rate": 1.0, "d_loss": 0.1}, "healthy"),  # far ahead, as at small learning rates, but G still learns from it
        (
            {"rate": 1.0, "d_loss": 0.33, "d_fake": 0.001},
            "the detective dominates",
        ),  # with smoothed labels D always pays
        ({"rate": 1.0, "d_loss": -3.0, "d_fake": 0.001}, "healthy"),  # a Wasserstein loss has no floor
        ({"rate": 1.0, "d_loss": lambda step: -4.0 if step < 50 else 0.001}, "healthy"),  # and may come back to 0
        ({"rate": 0.02, "d_loss": 2.0}, "the criminal dominates"),
        ({"variety": 0.03}, "mode collapse"),
        ({"variety": lambda step: 0.1 if step % 4 == 0 else 0.5}, "mode collapse"),  # seen in every fourth batch
        ({"variety": lambda step: 0.1 if step % 25 == 0 else 0.5}, "healthy"),  # two alike by chance
        ({"rate": lambda step: float(step // 25 % 2)}, "oscillating"),
        ({"rate": lambda step: 0.15 + 0.6 * (step // 10 % 2), "variety": 0.1}, "oscillating"),
        (
            {"rate": lambda step: 0.2 + 0.5 * (step // 10 % 2)},
            "healthy",
        ),  # swings, and draws varied pictures all the same
        ({"rate": lambda step: 0.5 + 0.5 * (step // 10 % 2)}, "healthy"),  # at times unsure, never beaten
        ({"d_loss": lambda step: np.nan if step > 90 else 1.2}, "NaN"),
        ({"d_loss": np.inf}, "NaN"),
    ],
)
def test_each_state_has_its_name_its_evidence_and_an_advice(what, name):
    verdict = diagnose(invent(**what))
    assert verdict.name == name
    assert verdict.sentence.lower().startswith(name.lower()) and any(letter.isdigit() for letter in verdict.sentence)
    assert verdict.sentence.endswith(".") and verdict.advice.endswith(".") and "\n" not in verdict.sentence


def every(*rounds_of_100, low, high):
    """Return a function of the step: `low` in as many of 100 rounds as said, spread evenly, `high` in the others."""
    (count,) = rounds_of_100
    return lambda step: low if (step * count) % 100 < count else high


@pytest.mark.parametrize(
    ("what", "evidence"),
    [
        (
            {"rate": every(90, low=1.0, high=0.5), "d_fake": every(70, low=0.001, high=0.3), "d_loss": 0.3},
            "100 rounds D picked out the real one over 98% of the time, and in 70 D(G(z)) was below 0.015",
        ),
        (
            {"rate": 1.0, "d_loss": every(80, low=0.01, high=0.3)},
            "and in 80 its loss was below 2% of what it once paid",
        ),
        ({"rate": every(90, low=0.1, high=0.9)}, "in 90 of the last 100 rounds D picked out the real one under 25% of"),
        ({"variety": every(40, low=0.1, high=0.5)}, "in 20 of the last 50 rounds fakes differed"),
        ({"rate": lambda step: float(step // 25 % 2)}, "swings between 0% and 100% (spread 0.49, limit 0.3)"),
    ],
)
def test_the_evidence_is_a_count_of_rounds_beside_the_line(what, evidence):
    verdict = diagnose(invent(2 * WINDOW, **what))
    assert verdict.name != "healthy" and evidence in verdict.sentence


def test_a_healthy_game_is_told_in_the_means_of_the_page():
    sentence = diagnose(invent(rate=every(50, low=0.7, high=0.9), variety=every(50, low=1.0, high=1.08))).sentence
    assert "80% of the time" in sentence and "1.04 times as varied" in sentence


def test_a_slow_drift_apart_is_no_illness_and_nothing_to_worry_about():
    """As in notebook 02: D(x) from 0.55 to 0.66, D(G(z)) from 0.45 to 0.33 over thousands of rounds."""
    slow = {"d_real": lambda step: 0.55 + step / 30_000, "d_fake": lambda step: 0.45 - step / 30_000}
    verdict = diagnose(invent(3000, **slow))
    assert verdict.name == "healthy" and "ahead" not in verdict.sentence and verdict.advice == "Train on."


@pytest.mark.parametrize("what", [{"d_real": 0.95}, {"rate": 0.995, "d_fake": 0.08, "d_real": 0.8, "d_loss": 0.4}])
def test_a_detective_far_ahead_is_called_so_before_it_has_won(what):
    verdict = diagnose(invent(**what))
    assert verdict.name == "healthy" and "but D is far ahead: D(x) is 0." in verdict.sentence
    assert "rounds D(G(z)) was below" not in verdict.sentence, "none is no evidence"
    assert verdict.advice.startswith("Train on, and look") and "g_lr" in verdict.advice


def test_how_often_fakes_were_caught_for_certain_is_counted():
    sentence = diagnose(invent(d_real=0.95, d_fake=every(50, low=0.01, high=0.1))).sentence
    assert re.search(r"D\(x\) is 0\.95, and in \d+ of the last 100 rounds D\(G\(z\)\) was below 0\.015", sentence)


def test_a_wasserstein_game_is_not_told_about_opinions():
    verdict = diagnose(invent(rate=1.0, d_loss=lambda step: -3.0, d_real=1.0, d_fake=0.0))
    assert verdict.name == "healthy" and "ahead" not in verdict.sentence


def test_only_the_last_steps_count():
    assert diagnose(invent(3 * WINDOW, rate=lambda step: 0.0 if step < 2 * WINDOW else 0.75)).name == "healthy"


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ({"rate": lambda step: max(0.0, 0.75 - step / 400)}, "the criminal dominates"),
        (
            {"rate": lambda step: min(1.0, 0.75 + step / 400), "d_loss": lambda step: 1.3 * 0.98**step},
            "the detective dominates",
        ),
        ({"variety": lambda step: max(0.05, 1 - step / 300)}, "mode collapse"),
        ({"rate": lambda step: 0.6 + min(0.4, step / 600) * (-1) ** (step // 10)}, "oscillating"),
    ],
)
def test_a_failure_that_creeps_in_is_named_once_it_is_there(what, name):
    assert diagnose(invent(WINDOW, **what)).name == "healthy"
    assert diagnose(invent(400, **what)).name == name


def test_many_d_steps_make_the_first_loss_small_and_mean_nothing():
    history = invent(rate=1.0, d_loss=0.3)
    history.d_loss[0] = 0.001
    assert diagnose(history).name == "healthy"
    history = invent(rate=1.0, d_loss=1e-6)
    history.d_loss[0] = 0.001
    assert diagnose(history).name == "the detective dominates"


def test_a_loss_that_was_no_number_long_ago_is_forgotten():
    history = invent(2 * WINDOW, rate=1.0, d_loss=lambda step: np.nan if step == 20 else 0.001)
    assert diagnose(history).name == "the detective dominates"


def test_noise_of_single_batches_is_no_oscillation():
    dice = np.random.default_rng(0)
    assert diagnose(invent(rate=lambda step: dice.uniform(0.5, 1))).name == "healthy"


@pytest.mark.parametrize("steps", [0, 1, WINDOW - 1])
def test_a_short_history_gets_a_plain_answer(steps):
    verdict = diagnose(invent(steps))
    assert verdict.name == "too early to say" and f"has {steps}." in verdict.sentence


def test_a_history_from_an_older_version_gets_a_plain_answer():
    state = invent(500).state_dict()
    old = History()
    old.load_state_dict({name: state[name] for name in ("steps", "d_loss", "g_loss", "d_real", "d_fake")})
    verdict = diagnose(old)
    assert verdict.name == "too early to say" and "older version" in verdict.sentence
    for step in range(WINDOW):
        notes = {"d_loss": 1.2, "g_loss": 1.0, "d_real": 0.6, "d_fake": 0.4, "detect_rate": 0.75, "variety": 1.0}
        old.append(notes | {"steps": 501 + step})
    assert diagnose(old).name == "healthy"


@pytest.mark.parametrize(
    ("steps", "name"), [(WINDOW, "healthy"), (WINDOW - 50, "too early to say"), (0, "too early to say")]
)
def test_a_history_cut_off_in_the_middle_of_a_note_is_read(steps, name):
    history = invent(steps)
    history.steps.append(steps + 1)
    history.d_loss.append(1.0)
    assert diagnose(history).name == name


def test_notes_with_gaps_are_not_judged():
    history = invent(2 * WINDOW)
    for name in ("d_fake", "d_real", "d_loss"):
        getattr(history, name)[-20] = np.nan
    verdict = diagnose(history)
    assert verdict.name == "too early to say" and "1 of them have gaps" in verdict.sentence


@pytest.mark.parametrize("what", ["gan", "GAN", "state", "list", "notes", None, "text", 3])
def test_what_is_no_history_gets_one_sentence(what, make_gan):
    gan = make_gan()
    others = {"gan": gan, "GAN": GAN, "state": gan.history.state_dict(), "list": [1.0], "notes": History}
    given = others.get(what, what)
    found = "a class" if isinstance(given, type) else f"a {type(given).__name__}"
    with pytest.raises(TypeError) as caught:
        diagnose(given)
    assert (
        str(caught.value) == f"The doctor reads the notes of a game, and this is {found}: write diagnose(gan.history)."
    )
    assert diagnose(gan.history).name == "too early to say"  # as it advises


def test_reading_changes_nothing():
    history = invent()
    before = copy.deepcopy(history.state_dict())
    diagnose(history)
    for name, values in history.state_dict().items():
        torch.testing.assert_close(values, before[name], rtol=0, atol=0, equal_nan=True)


# Provoked, named and mended, with small players


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("name", "latent_dim", "d_lr", "g_lr"),
    [
        ("healthy", 64, 3e-3, 3e-3),
        ("mode collapse", 1, 3e-3, 3e-3),
        ("the criminal dominates", 64, 3e-5, 3e-3),
        ("the detective dominates", 64, 3e-3, 3e-5),
    ],
)
def test_a_failure_is_provoked_by_one_change_and_named(name, latent_dim, d_lr, g_lr, seed):
    seed_everything(seed)
    digits, _ = load_digits()
    gan = GAN(Generator(width=8, latent_dim=latent_dim), Discriminator(width=8), d_lr=d_lr, g_lr=g_lr, seed=seed)
    train(gan, digits, steps=130, batch_size=32)
    assert diagnose(gan.history).name == name


def test_a_loss_that_is_no_number_is_noted_for_the_doctor(make_gan, digits):
    gan = make_gan(d_lr=1e30, g_lr=1e30)
    with pytest.raises(FloatingPointError):
        train(gan, digits, steps=5)
    assert diagnose(gan.history).name == "NaN"


def test_a_picture_that_is_no_number_is_found_by_what_the_doctor_advises(make_gan, digits):
    images = digits[:16].float() / 127.5 - 1
    images[3, 0, 5, 5] = torch.nan
    gan = make_gan()
    with suppress(FloatingPointError, ValueError):
        train(gan, images, steps=4)
    verdict = diagnose(gan.history)
    if gan.history.steps:  # the check of pictures may have refused them before
        assert verdict.name == "NaN" and "images.isfinite().all()" in verdict.advice
        assert "a tenth of d_lr and g_lr" in verdict.advice
    assert not images.isfinite().all()


def test_every_verdict_has_a_remedy():
    names = {diagnose(invent(rate=rate, variety=v, d_loss=0.01)).name for rate in (0.0, 0.5, 1.0) for v in (0.0, 1.0)}
    assert names <= set(REMEDY)


def test_the_live_view_says_it_under_the_pictures(make_gan):
    gan = make_gan()
    gan.history = invent(variety=0.03)
    said, verdict = draw_view(gan).get_supxlabel().replace("\n", " "), diagnose(gan.history)
    assert said == f"{verdict.sentence} {verdict.advice}" and "Mode collapse" in said and "Give z more numbers" in said
    silent = draw_view(gan, advice=False).get_supxlabel().replace("\n", " ")
    assert silent == verdict.sentence


# Your numbers beside the page's


def compared(capsys, history, ranges, rounds=100):
    compare_with_page(history, ranges, rounds=rounds)
    first, _, *lines = capsys.readouterr().out.splitlines()
    return first, lines


def test_each_mean_is_beside_the_range_of_the_page(capsys):
    ranges = {"D(x)": (0.55, 0.65), "D(G(z))": (0.1, 0.3), "d_loss": (1.2, 1.2), "hit rate": (0.8, 0.9)}
    _, lines = compared(capsys, invent(), ranges)
    assert re.fullmatch(r"D\(x\) +0\.60 +0\.55 to 0\.65 +usual", lines[0])
    words = [re.search(r"(\w+)(?::.*)?$", line)[1] for line in lines]
    assert words == ["usual", "unusual", "usual", "unusual"]


def test_only_the_last_rounds_are_compared(capsys):
    history = invent(300, d_loss=lambda step: 9.0 if step < 200 else 1.0)
    first, (line,) = compared(capsys, history, {"d_loss": (0.9, 1.1)}, rounds=300)
    assert "the last 100 of 300 rounds" in first and line.endswith(" usual")


def test_a_mean_is_judged_as_it_is_printed(capsys):
    _, (line,) = compared(capsys, invent(d_fake=0.3549), {"D(G(z))": (0.2, 0.35)})
    assert "0.35 " in line and line.endswith(" usual")


@pytest.mark.parametrize(
    ("steps", "reason"),
    [(40, "fewer rounds"), (50, "another setting"), (200, "another setting"), (210, "more rounds")],
)
def test_what_is_unusual_has_a_reason(capsys, steps, reason):
    _, (line,) = compared(capsys, invent(steps), {"D(x)": (0.9, 1.0)}, rounds=100)
    assert "unusual: " in line and reason in line


def test_what_was_not_noted_is_no_error(capsys):
    """An old checkpoint knows no hit rate; a game that has not begun knows nothing."""
    _, (line,) = compared(capsys, invent(rate=np.nan), {"hit rate": (0.5, 0.9)})
    assert "nan" in line and "unusual" in line
    compare_with_page(History(), {"D(x)": (0.5, 0.9)}, rounds=100)
    assert "train first" in capsys.readouterr().out


def test_the_words_of_the_pages_name_notes():
    assert set(NOTED_AS.values()) <= set(NOTES)
