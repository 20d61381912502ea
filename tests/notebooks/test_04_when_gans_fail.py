"""Notebook 04: a patient differs in what was changed and in nothing else, and the chart and the hills show what is."""

import re

import numpy as np
import pytest
import torch

from gans_workshop import GAN, Discriminator, Generator, Loss, MLPGenerator, diagnose, hinge, non_saturating, train
from gans_workshop.view import diagnosis
from tools import code_cells, load_notebook, notebook, printed, read, run, shrink, source_of, text_of

SMALL_GAMES = {"STEPS": 3, "BATCH_SIZE": 8, "WIDTH": 4}


@pytest.fixture(scope="module")
def book():
    torch.manual_seed(0)
    return load_notebook("04", "check", "play", "chart", "hills", **SMALL_GAMES)


@pytest.fixture(scope="module")
def two(book):
    """Two short games that differ in one number."""
    return {"healthy": book.new_patient(), "strict": book.new_patient(g_lr=0.00003)}


def test_the_same_settings_are_the_same_patient(book, two, bits, same):
    assert same(bits(book.new_patient()), bits(two["healthy"]))
    assert not same(bits(book.new_patient(seed=1)), bits(two["healthy"]))


def test_one_change_is_one_change(book, two):
    healthy, strict = two.values()
    assert healthy.step == strict.step == 3
    assert torch.equal(healthy.fixed_z, strict.fixed_z)
    rates = [(gan.d_optimizer.param_groups[0]["lr"], gan.g_optimizer.param_groups[0]["lr"]) for gan in two.values()]
    assert rates == [(0.003, 0.003), (0.003, 0.00003)]
    assert healthy.history.d_loss[0] == strict.history.d_loss[0]  # D has not met the change yet
    assert healthy.history.d_loss[2] != strict.history.d_loss[2]


def test_each_setting_reaches_the_game(book, monkeypatch):
    assert isinstance(book.new_patient(plain=True).generator, MLPGenerator)
    assert book.new_patient(latent_dim=1).fixed_z.shape[1] == 1
    assert book.new_patient(d_steps=2).seen == 2 * book.new_patient().seen
    losses = [book.new_patient(**loss).history.d_loss[0] for loss in ({}, {"loss": hinge})]
    assert losses[0] == pytest.approx(2 * np.log(2), abs=0.2) and losses[1] == pytest.approx(2, abs=0.3)
    seen = []
    monkeypatch.setattr(book, "train", lambda gan, pictures, **_: seen.append(pictures))
    book.new_patient(only=3)
    assert torch.equal(seen[0], book.digits[book.labels == 3])


# A constant that cannot be


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STEPS", "400"),
        ("STEPS", 0),
        ("STEPS", -1),
        ("STEPS", 400.5),
        ("BATCH_SIZE", 1),
        ("BATCH_SIZE", [32]),
        ("BATCH_SIZE", 10**6),
        ("WIDTH", 0),
        ("WIDTH", 0.5),
        ("WIDTH", 10**4),
        ("SEED", "42"),
        ("SEED", -1),
        ("SEED", True),
    ],
)
def test_a_constant_that_cannot_be_is_named_before_any_game(name, value):
    with pytest.raises(ValueError, match=rf"^{name} = .* must be a whole number from [\d,]+ to [\d,]+\.$"):
        load_notebook("04", "check", **{name: value})


def test_the_ranges_in_the_comments_are_those_of_the_check(book):
    comments = dict(re.findall(r"^(\w+) = .*?(\d+ to [\d,]+)", source_of("04", "parameters"), flags=re.MULTILINE))
    assert comments == {name: f"{low} to {high:,}" for name, (low, high) in book.RANGES.items()}


@pytest.mark.parametrize(
    "constants", [{"STEPS": 1, "BATCH_SIZE": 2, "WIDTH": 1, "SEED": 0}, {"SEED": 10**6, "WIDTH": 64}]
)
def test_the_ends_of_the_ranges_can_be_played(constants):
    limits = load_notebook("04", "check", "play", **SMALL_GAMES | constants)
    assert np.isfinite(limits.new_patient().history.variety[-1])


# What is shown


def test_the_chart_prints_what_was_noted(book, two, capsys):
    fig = book.chart(**two)
    text = capsys.readouterr().out
    columns = ("d_loss", "g_loss", "d_real", "d_fake", "detect_rate", "variety")
    for name, gan in two.items():
        (line,) = [line for line in text.splitlines() if re.match(rf"{name} +-?\d", line)]
        *noted, digits, distance = [float(word.rstrip("%")) for word in line.split()[1:]]
        noted[4] /= 100
        means = [np.mean(getattr(gan.history, column)) for column in columns]
        assert noted == pytest.approx(means, abs=0.006)
        assert 0 <= digits <= 10 and distance > 0
        verdict = diagnose(gan.history)
        assert f"{name}: {verdict.sentence}" in text.replace("\n", " ") and verdict.advice not in text
        assert max(len(line) for line in text.splitlines()) <= 95, "a page breaks longer lines inside words"
    assert [ax.get_ylabel() for ax in fig.axes] == list(two), "each row of fakes has its name beside it"


def test_the_hills_count_the_logits_of_20_rounds_on_one_axis(book, two, bits, same):
    before = {name: bits(gan) for name, gan in two.items()}
    fig = book.hills(**two)
    assert all(same(bits(gan), before[name]) for name, gan in two.items()), "a twin plays on, not the patient"
    assert [ax.get_title() for ax in fig.axes] == list(two)
    edges = []
    for ax in fig.axes:
        outlines = {patch.get_label(): patch.get_xy() for patch in ax.patches}
        assert set(outlines) == {"real", "fake"}
        for corners in outlines.values():
            assert corners[1:-1:2, 1].sum() == 20 * 8  # each height stands twice, at both ends of its bin
            edges.append((corners[:, 0].min(), corners[:, 0].max()))
    assert len(set(edges)) == 1


def test_the_hills_stand_where_d_of_x_says_although_all_opinions_jump_from_round_to_round():
    """A single round may lie far off the mean of the last 100, which the chart prints; 20 rounds do not."""
    hills = load_notebook("04", "check", "play", "hills", STEPS=1, BATCH_SIZE=32, WIDTH=8)
    gan = GAN(Generator(width=8), Discriminator(width=8), g_lr=0.001, seed=42)
    train(gan, hills.digits, steps=150, batch_size=32)
    (real, fake), notes = hills.look(gan), gan.history
    rounds = np.array(notes.d_real[-100:])
    assert abs(real.sigmoid().mean() - rounds.mean()) < 0.1
    assert abs(fake.sigmoid().mean() - np.mean(notes.d_fake[-100:])) < 0.1
    assert np.abs(rounds - rounds.mean()).max() > 0.15


# The doctor on the page


def test_the_page_shows_the_lines_of_the_doctor():
    page = text_of(read(notebook("04")).cells)
    (table,) = re.findall(r"\| the doctor says, in this order \|.*?\n\n", page, flags=re.DOTALL)
    rows = {cells[1].strip(): cells[2] for cells in (line.split("|") for line in table.splitlines()[2:] if line)}
    assert list(rows) == [
        "the detective dominates",
        "oscillating",
        "the criminal dominates",
        "mode collapse",
        "healthy",
    ]
    lines = {name: [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)] for name, text in rows.items()}
    percent = {name: 100 * getattr(diagnosis, name) for name in ("CERTAIN", "CHEAP", "LOW", "FOOLED")}
    assert lines["the detective dominates"] == [percent["CERTAIN"], diagnosis.SURE, percent["CHEAP"]]
    assert lines["oscillating"] == [percent["LOW"]]
    assert lines["the criminal dominates"] == [percent["FOOLED"]]
    assert lines["mode collapse"] == [diagnosis.ALIKE]
    (swings,) = re.findall(r"^\*Swings far\*.*", page, flags=re.MULTILINE)
    assert [float(n) for n in re.findall(r"\d\.\d+", swings)] == [diagnosis.WILD, diagnosis.SWINGING]


def test_the_doctor_gives_no_advice_before_a_question():
    cells = code_cells(read(notebook("04")))
    assert {call for cell in cells for call in re.findall(r"LiveView\(.*?\)", cell.source)} == {
        "LiveView(advice=False)"
    }
    assert [cell.id for cell in cells if ".advice" in cell.source] == ["advice"]


# The sealed patients and the solutions


def test_the_settings_of_the_patients_cannot_be_read_by_accident():
    source = source_of("04", "sealed")
    games = load_notebook("04", "check", "play", "sealed", **SMALL_GAMES)
    assert list(games.ward) == list(games.unseal()) == list("ABCD")
    sealed = source.replace("plain", "").partition("def unseal")[0]
    for settings in games.unseal().values():
        assert [setting for setting in settings if setting in sealed] == []
    assert "hinge" not in source, "the name of a loss would say that a patient has it"
    assert games.ward["D"].loss is hinge and games.ward["A"].d_steps == 5


def test_no_patient_repeats_a_game_of_the_page():
    games = load_notebook("04", "check", "play", "sealed", **SMALL_GAMES)
    page = "\n".join(cell.source for cell in code_cells(read(notebook("04"))) if cell.id != "play")
    played = [dict(re.findall(r"(\w+)=([\w.]+)", call)) for call in re.findall(r"new_patient\(([^*\n]*)\)", page)]
    played = [{key: value for key, value in call.items() if key != "live"} for call in played]
    assert {"g_lr": "0.00003"} in played and {"latent_dim": "1"} in played
    for settings in games.unseal().values():
        assert {key: str(value) for key, value in settings.items()} not in played


def test_the_solutions_say_nothing_until_they_are_asked(tmp_path, monkeypatch):
    book = read(notebook("04"))
    book.cells = [cell for cell in book.cells if "solution" in cell.metadata.get("tags", [])]
    assert len(book.cells) == 4
    run(book, tmp_path, monkeypatch)
    assert [cell.id for cell in book.cells if cell.outputs] == []


def test_the_smoothing_of_the_solution_is_the_formula_of_the_exercise():
    source = source_of("04", "ex2-solution").partition("if SHOW:")[2]
    function = re.search(r"    def smoothed.*?\n\n", source, flags=re.DOTALL)[0]
    names = {"F": torch.nn.functional}
    exec(re.sub(r"^    ", "", function, flags=re.MULTILINE), names)
    real, fake = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.0], [-0.5]])
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    expected = (-0.9 * d_real.log() - 0.1 * (1 - d_real).log()).mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(names["smoothed"](real, fake), expected)
    assert Loss(names["smoothed"], hinge.generator).discriminator is names["smoothed"]


def test_each_step_of_the_ward_is_a_question_so_that_a_rehearsed_page_folds_what_answers_it():
    before, text = {}, ""
    for cell in read(notebook("04")).cells:
        text = cell.source if cell.cell_type == "markdown" else text
        before[cell.id] = text
    for cell in ("sealed", "curves", "examine", "ask-the-doctor"):
        assert "**Predict" in before[cell], cell


def test_the_smoothing_to_fill_in_runs_as_it_stands_and_is_no_smoothing_yet():
    function = re.search(r"def smooth_d.*?\n\n", source_of("04", "ex2-start"), flags=re.DOTALL)[0]
    names = {"F": torch.nn.functional}
    exec(function, names)
    real, fake = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.0], [-0.5]])
    torch.testing.assert_close(names["smooth_d"](real, fake), non_saturating.discriminator(real, fake))


def test_a_walk_that_skips_what_may_be_skipped_runs(tmp_path, monkeypatch):
    """Sections 3 and 6 and the exercise on section 6 left out: no later cell needs a name from there."""
    book = shrink(read(notebook("04")), {"STEPS": 2, "BATCH_SIZE": 8})
    skipped, kept = False, []
    for cell in book.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            skipped = "*Skip at first" in cell.source
        kept += [] if skipped else [cell]
    assert len(kept) < len(book.cells)
    book.cells = kept
    run(book, tmp_path, monkeypatch)
    (cell,) = [cell for cell in book.cells if cell.id == "ask-the-doctor"]
    assert re.findall(r"^([A-D]): ", printed(cell), flags=re.MULTILINE) == list("ABCD")
