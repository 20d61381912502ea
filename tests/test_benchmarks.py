"""What the measuring scripts compute is right, and the bundled data are what their recipes make."""

import base64
import csv
import os
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from gans_workshop import classify_digits, load_digits, to_float
from tools import ROOT, load_notebook, load_script, notebook, read, source_of

TEXTURES = ROOT / "gans_workshop" / "data" / "textures"


# Slanted land


@pytest.fixture(scope="module")
def slanted():
    return load_script("benchmarks/slanted_land.py")


@pytest.fixture(scope="module")
def land():
    return load_notebook("01")


@pytest.mark.parametrize("setting", [{}, {"d_turns": 3}, {"g_turns": 2}, {"d_turns": 0}, {"rate": 1}], ids=str)
def test_the_benchmark_plays_the_notebooks_game(slanted, land, setting):
    slanted.compare_with_notebook(land, land.FACES, 30, **setting)


def test_every_one_of_200_criminals_learns_to_lean(slanted, land):
    games = slanted.new_games(range(200))
    assert slanted.lean_count(slanted.fakes_for_all_z(games)) < 10
    slanted.play_games(games, land.FACES, land.ROUNDS, rate=land.LEARNING_RATE)
    assert slanted.lean_count(slanted.fakes_for_all_z(games)) == 200


# The playground


def test_a_detective_alone_draws_a_border_and_a_criminal_alone_runs_over_it():
    playground = load_script("benchmarks/playground.py")
    ends = playground.alone(playground.load(), [200, 201])
    assert max(ends["D(fakes)"]) < 0.05 and min(ends["blue part of the sheet"]) > 0.5  # real, where nothing ever was
    assert min(ends["then D(G(z)) at the end"]) > 0.9 and max(ends["islands"]) <= 4


# Pictures are numbers


def test_the_recogniser_knows_most_drawings():
    torch.set_num_threads(1)
    drawn, book = load_script("benchmarks/pictures_are_numbers.py").drawn_digits(), load_notebook("00", "slices")
    right = [book.opinion(ink).argmax().item() == n for n, ink in enumerate(drawn)]
    assert sum(right) >= 7
    np.testing.assert_array_equal(drawn[2], book.ink)  # the two is the notebook's own drawing


# Textures


@pytest.fixture(scope="module")
def textures():
    return load_script("benchmarks/textures.py")


@pytest.fixture(scope="module")
def book():
    return load_notebook("05")


def test_the_seam_of_an_open_picture_is_noticed(textures):
    ramp = torch.linspace(-1, 1, 64).repeat(1, 3, 64, 1)
    seam, inside = textures.jumps_across(ramp)
    assert seam > 50 * inside
    seam, inside = textures.jumps_across(torch.cos(torch.arange(64) * torch.pi / 32).repeat(1, 3, 64, 1))
    assert seam < 1.5 * inside


def test_spread_is_one_for_real_patches_and_none_for_a_repeated_one(book, textures):
    reals = book.cut_patches([book.open_texture(TEXTURES / "wood.jpg")], 64)
    assert textures.spread(reals, reals) == 1
    assert textures.spread(reals[:1].repeat(64, 1, 1, 1), reals) == 0


def test_what_repeats_is_found(textures):
    torch.manual_seed(0)
    snow = torch.randn(1, 3, 512, 512)
    assert textures.repeats(snow, 16) == pytest.approx(100 / 1024, rel=0.2), "by chance: there are 1,024 squares"
    woven = snow + torch.randn(1, 3, 16, 16).repeat(1, 1, 32, 32) / 4  # a sixteenth of the variance
    assert textures.repeats(woven, 16) == pytest.approx(100 / 17, rel=0.2)
    assert textures.repeats(woven, 15) < 0.2


def test_the_edges_of_a_quilt_are_found_and_a_photo_has_none(textures, book):
    picture = book.open_texture(TEXTURES / "terrazzo.jpg")
    torch.manual_seed(0)
    sewn = to_float(textures.quilt(book.cut_patches([picture], 256)))
    assert sewn.shape == (1, 3, 1024, 1024)
    assert textures.edge(sewn) > 2 and textures.edge(sewn.roll((7, 7), (2, 3))) < 1.1
    assert textures.edge(to_float(textures.as_picture(picture))) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("name", ["brick", "cloth", "terrazzo", "wood"])
def test_the_bundled_textures_are_what_the_recipes_make(book, name):
    picture = book.open_texture(TEXTURES / f"{name}.jpg")
    assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
    made = getattr(load_script("tools/bundle_textures.py"), name)(np.random.default_rng(0))
    assert np.abs(picture.astype(int) - made).mean() < 8  # a JPEG is not exact


# The failures of notebook 04


def test_the_patients_of_the_ward_and_the_remedies_are_those_of_the_page():
    failures = load_script("benchmarks/failures.py")  # which imports benchmarks/diagnosis.py
    patients = load_notebook("04", "check", "play", "sealed", STEPS=1, BATCH_SIZE=2, WIDTH=1).unseal()
    assert {name: failures.GAMES[f"mystery patient {name}"][1] for name in "ABCD"} == patients
    smooth = failures.GAMES["2: g_lr = 0.00003, label smoothing"][1]["loss"]
    real, fake = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.0], [-0.5]])
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    expected = (-0.9 * d_real.log() - 0.1 * (1 - d_real).log()).mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(smooth.discriminator(real, fake), expected)


# The strips of small sets


def test_the_strips_on_the_page_are_those_that_were_measured_small_and_with_their_licences():
    strips = load_script("benchmarks/own_pictures.py")
    text = "".join(cell.source for cell in read(notebook("03")).cells if cell.id == "s2-strips")
    measured = (strips.RESULTS / "own_pictures.csv").exists()
    rows = strips.read_csv("own_pictures") if measured else []
    assert bool(text) == measured
    data = re.findall(r"^\[(\w+-\d+)\]: data:image/png;base64,(\S+)$", text, flags=re.MULTILINE)
    assert [name for name, _ in data] == [f"{row['kind']}-{row['size']}" for row in rows]
    assert sum(len(picture) for _, picture in data) < 250_000
    for row, (name, picture) in zip(rows, data):
        assert f"**{row['pictures']} {row['kind']}, {row['size']} pixels, after {int(row['rounds']):,} rounds**" in text
        assert base64.b64decode(picture) == (strips.RESULTS / f"own-pictures-{name}.png").read_bytes()
        assert strips.KINDS[row["kind"]].licence in text


# The one command for a machine with a GPU


@pytest.fixture(scope="module")
def gpu():
    return load_script("benchmarks/gpu.py")


@pytest.fixture
def tiny(gpu):
    return gpu.SMALL._replace(minutes=(0.0001,), fakes=12, seconds=0.01, pixels=(16,))


def measured(name, tmp_path):
    return load_script("benchmarks/common.py").read_csv(name, tmp_path / "results")


def test_speed_with_and_without_mixed_precision_is_measured_on_any_device(gpu, tiny, tmp_path):
    assert gpu.measure(["rounds"], tiny, torch.device("cpu")) == []
    rows = measured("gpu_rounds", tmp_path)
    assert [(row["set"], row["pixels"], row["recipe"]) for row in rows] == [
        (name, pixels, f"ours, width {width}, batch 64{how}")
        for name, pixels in (("digits", "28"), ("faces", "16"))
        for width in tiny.widths
        for how in ("", ", mixed precision")
    ]
    assert all(float(row["rounds a second"]) > 0 and row["machine"] and row["date"] for row in rows)


def test_mixed_precision_counts_otherwise_and_keeps_its_weights(gpu):
    games = []
    for how in gpu.WAYS:
        game, images = gpu.start(gpu.ours(28, 1, 4, one_round=how), load_digits_of(gpu), 0, "cpu")
        how(game, images, batch_size=8)
        games.append(game)
    plain, mixed = (game.discriminator.state_dict() for game in games)
    assert {weights.dtype for weights in mixed.values() if weights.is_floating_point()} == {torch.float32}
    assert any(not torch.equal(plain[name], mixed[name]) for name in plain)
    assert games[1].is_finite() and games[1].step == 1


def load_digits_of(gpu):
    return gpu.load_digits()[0][:100]


def test_piles_are_judged_by_time_against_the_hidden_truth(gpu, tiny, tmp_path):
    assert gpu.measure(["piles"], tiny, torch.device("cpu")) == []
    (row,) = measured("gpu_piles", tmp_path)
    assert 0 < float(row["there"]) < 2 and 0 < float(row["back"]) < 2 and 0 < float(row["again"]) < 2


def test_pairs_are_judged_by_time_on_drawings_that_were_held_out(gpu, tiny, tmp_path):
    assert gpu.measure(["pairs"], tiny, torch.device("cpu")) == []
    (row,) = measured("gpu_pairs", tmp_path)
    assert row["pixels"] == "32" and int(row["rounds"]) >= 1 and float(row["l1"]) > 0 and float(row["texture"]) > 0


def test_what_one_device_began_another_goes_on_with(gpu, tiny, tmp_path):
    assert gpu.measure(["resume"], tiny, torch.device("cpu")) == []
    (row,) = measured("gpu_resume", tmp_path)
    assert (row["rounds there"], row["rounds then"], row["finite"]) == ("10", "5", "True")
    assert float(row["largest difference of the 64 previews, grey levels"]) < 0.01


def test_quality_by_time_has_its_ratio_to_the_best_peer_of_the_same_run(gpu, tiny, tmp_path):
    recipes = [recipe for recipe in gpu.digit_recipes(tiny) if recipe.pixels == 28][-2:]
    assert [recipe.ours for recipe in recipes] == [True, False]
    gpu.by_time("digits", load_digits_of(gpu), recipes, gpu.judge_digits, tiny, torch.device("cpu"))
    mine, peer = measured("gpu_quality", tmp_path)
    assert peer["distance of the best peer's"] == "1.00"
    share = float(mine["distance"]) / float(peer["distance"])
    assert float(mine["distance of the best peer's"]) == pytest.approx(share, abs=0.01)


def test_faces_of_any_size_are_judged_at_64_pixels(gpu):
    real = gpu.load_faces(image_size=32)[0][2000:2100]
    noise = torch.randint(0, 256, real.shape, dtype=torch.uint8)
    scores = [gpu.judge_faces(pictures) for pictures in (real, noise)]
    assert scores[0]["distance"] < scores[1]["distance"] and set(scores[0]) == {"distance", "coverage", "invention"}


def test_faces_are_played_at_each_size_and_width_and_by_a_peer(gpu, tiny, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    recipes = gpu.face_recipes(gpu.Size())
    assert {(recipe.pixels, recipe.ours) for recipe in recipes} == {(64, True), (128, True), (64, False)}
    assert len({(recipe.name, recipe.pixels) for recipe in recipes}) == len(recipes)
    for recipe in gpu.face_recipes(tiny)[:-1]:
        game, images = gpu.start(recipe, gpu.load_faces()[0][:20], 0, "cpu")
        recipe.one_round(game, images, batch_size=4)
        assert images.shape == (20, 3, 16, 16) and game.is_finite(), recipe.name


def test_the_notebooks_are_rehearsed_and_written_down(gpu, tiny, tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    nbformat.write(book, tmp_path / "01_small.ipynb")
    assert gpu.measure(["rehearse"], tiny._replace(notebooks=tmp_path), torch.device("cpu")) == []
    (row,) = measured("rehearsal", tmp_path)
    assert (row["notebook"], row["run"], row["verdict"]) == ("01_small", "on cpu", "ok")


def test_a_part_that_fails_is_named_and_stops_no_other(gpu, tiny, monkeypatch, capsys):
    done = []

    def breaks(size, device):
        """Break."""
        raise RuntimeError("out of memory")

    def works(size, device):
        """Work."""
        done.append(size)

    monkeypatch.setattr(gpu, "PARTS", {"breaks": breaks, "works": works})
    assert gpu.measure(["breaks", "works"], tiny, torch.device("cpu")) == ["breaks"]
    assert done == [tiny] and "out of memory" in capsys.readouterr().err


def test_one_command_knows_all_that_is_not_measured_yet(gpu):
    """Each command in RESULTS.md that has no table yet is a part of gpu.py, or is run by it."""
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    missing = set(re.findall(r"^`python (benchmarks/.*)`: not measured yet\.$", results, flags=re.MULTILINE))
    parts = {line for line in missing if line.startswith("benchmarks/gpu.py")}
    assert missing - parts <= set(gpu.OTHERS)
    assert {name for line in parts for name in line.split()[1:]} <= set(gpu.PARTS)
    assert all((ROOT / command.split()[0]).exists() for command in gpu.OTHERS)


def test_a_machine_with_a_gpu_is_called_by_it(monkeypatch):
    common = load_script("benchmarks/common.py")
    without = common.machine()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    assert common.machine() == f"Tesla T4, {without}"


def test_typical_and_covered_are_what_the_benchmarks_call_density_and_coverage():
    book = load_notebook("07", "one-hot")
    names = vars(book) | {"classify_digits": classify_digits}
    exec(source_of("07", "measure"), names)
    test_digits = load_digits(test=True)[0]

    class Copier:
        def sample(self, z, wanted):
            return test_digits[1000:2000]

    names["gan"] = Copier()
    _, typical, covered = names["price"](torch.zeros(1000, 64))
    real, fake = (classify_digits(part)[1] for part in (test_digits[:1000], test_digits[1000:2000]))
    coverage, density = load_script("benchmarks/measures.py").coverage_and_density(real, fake)
    assert typical == pytest.approx(density) and covered == pytest.approx(coverage, abs=1e-6)


# Peers in colour


@pytest.fixture(scope="module")
def peers():
    return load_script("benchmarks/colour_peers.py")


def test_a_peer_is_trained_and_judged_and_seeds_may_come_later(peers, tmp_path, monkeypatch):
    faces = peers.Set("faces", 64)
    faces.images, faces.known = faces.images[:64], faces.known[:64]
    monkeypatch.setattr(peers, "Set", lambda *_: faces)
    monkeypatch.setitem(peers.PEERS, "FastGAN-like", lambda: peers.FastGAN(width=2))
    monkeypatch.setenv("GANS_WORKSHOP_RESULTS", str(tmp_path))
    for seed in ("0-0", "1-1"):
        options = "--peers", "FastGAN-like", "--seeds", seed, "--seconds", "0.01", "--count", "8", "--folder", tmp_path
        monkeypatch.setattr(sys, "argv", ["colour_peers.py", *map(str, options)])
        peers.main()
    (row,) = load_script("benchmarks/common.py").read_csv("colour_peers", tmp_path)
    assert (row["peer"], row["seconds"], row["seeds"], row["rounds.median"]) == ("FastGAN-like", "0.01", "2", "1")
    assert all(float(row[f"{what}.min"]) >= 0 for what in ("distance", "coverage", "invention"))
    assert len(list(tmp_path.glob("FastGAN-like.*.png"))) == 2


@pytest.mark.parametrize("name", ["pytorch/examples DCGAN", "FastGAN-like"])
def test_both_players_of_a_peer_learn(peers, name):
    peer = peers.FastGAN(width=2) if name == "FastGAN-like" else peers.PEERS[name]()
    players = peer.generator, peer.discriminator
    before = [[weights.clone() for weights in player.parameters()] for player in players]
    z, images = torch.randn(4, peer.latent_dim), torch.rand(4, 3, 64, 64) * 2 - 1
    assert peer.draw(z).shape == images.shape
    peer.play(images)
    for player, weights in zip(players, before):
        assert not any(map(torch.equal, player.parameters(), weights))


def test_the_peer_that_is_not_installed_says_how_to_get_it(peers, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightweight_gan", None)
    with pytest.raises(SystemExit, match="not installed: `pip install lightweight-gan`"):
        peers.LightweightGAN()


# Many GPUs, and more pictures than memory


def test_messages_are_counted_and_the_paper_is_worked_out(monkeypatch, tmp_path):
    monkeypatch.setenv("GANS_WORKSHOP_RESULTS", str(tmp_path))
    load_script("benchmarks/many_gpus.py").messages(None)
    text = (tmp_path / "many_gpus_messages.csv").read_text(encoding="utf-8")
    assert text.count("Ethernet") == 3 and "64,NVLink,2," in text


def test_one_process_repeats_itself_and_a_turned_batch_is_nearly_the_same(monkeypatch, tmp_path):
    script = load_script("benchmarks/many_gpus.py")
    job = {"width": 2, "batch": 8, "rounds": 2, "norm": False, "seed": 0, "fakes": 1, "double": True}
    runs = []
    for more in ({}, {}, {"turned": True}):
        script.play(job | more | {"out": tmp_path / "out.pt"})
        runs.append(torch.load(tmp_path / "out.pt")["g"]["layers.0.weight"])
    assert torch.equal(runs[0], runs[1]) and torch.allclose(runs[0], runs[2], atol=1e-9)


def test_a_training_from_a_file_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("GANS_WORKSHOP_RESULTS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    small = ["--count", "40", "--size", "16", "--width", "1", "--batch", "4", "--rounds", "2", "--turns", "1"]
    monkeypatch.setattr(sys, "argv", ["larger_than_memory.py", *small])
    load_script("benchmarks/larger_than_memory.py").main()
    assert "40,16,0.0," in (tmp_path / "larger_than_memory.csv").read_text(encoding="utf-8")


# Styles


def test_styles_are_counted_pulled_walked_searched_and_edited(monkeypatch, tmp_path):
    style = load_script("benchmarks/style.py")
    small = {"FACES": 30, "PAIRS": 8, "TARGETS": 2, "EDITED": 12, "TRUE": 60, "FACTORS": (0.5, 1)}
    for name, value in small.items():
        monkeypatch.setattr(style, name, value)
    whole = style.notebook

    def notebook(seed):
        names = whole(seed)
        names |= {"LABELLED": 200, "SEARCH_STEPS": 3}
        return names

    monkeypatch.setattr(style, "notebook", notebook)
    monkeypatch.setattr(style, "second_judge", style.load_face_judge)
    for part in style.PARTS.values():
        part([0, 1], tmp_path)
    found = {name: read_csv(name) for name in ("style_mixing", "style_mean", "style_walks", "style_edits")}
    assert len(found["style_mixing"]) == 10 and len(found["style_mean"]) == 2 and len(found["style_edits"]) == 4
    assert all(0 <= float(row["as coarse.median"]) <= 1 for row in found["style_mixing"])
    assert 0.5 < float(found["style_walks"][0]["times as far.median"]) < 3
    searched = {row["by"]: row for row in read_csv("style_projection")}
    assert float(searched["itself"]["root mean square"]) == 0 < float(searched["pixels"]["root mean square"])
    assert searched["itself"]["the judge"] == searched["itself"]["a second judge"]


def read_csv(name):
    """Return the rows of a CSV of this test's own folder."""
    with open(Path(os.environ["GANS_WORKSHOP_RESULTS"]) / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_style_network_of_the_package_is_made_by_its_tool(monkeypatch, tmp_path):
    tool = load_script("tools/train_style.py")
    monkeypatch.setattr(tool, "BATCH_SIZE", 2)
    monkeypatch.setattr(sys, "argv", ["train_style.py", "--rounds", "2", "--trial", str(tmp_path)])
    tool.main()
    with np.load(tmp_path / "style.npz") as made, np.load(ROOT / "gans_workshop" / "data" / "style.npz") as kept:
        assert {name: made[name].shape for name in made} == {name: kept[name].shape for name in kept}
        assert all(np.isfinite(made[name]).all() for name in made)


def test_the_rate_falls_to_nothing_in_the_second_half(make_gan, digits):
    tool, gan = load_script("tools/train_style.py"), make_gan()
    rates = []
    for gan.step in (0, 5, 7, 9):
        tool.play_slower(gan, digits, batch_size=4, rounds=10)
        rates.append(gan.g_optimizer.param_groups[0]["lr"] / tool.RATE)
    assert rates == pytest.approx([1, 1, 0.6, 0.2])
