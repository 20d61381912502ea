"""What does not fit into the memory lies in a file, is trained from as if it were in memory, and damage is noticed."""

import os

import pytest
import torch

from gans_workshop import GAN, CycleGAN, Discriminator, Generator, PatchDiscriminator, UNet, cycle_round, train
from gans_workshop.files import mapped
from gans_workshop.files.mapped import Ahead, bring
from gans_workshop.files.marks import make_mark
from gans_workshop.files.photos import load_photos
from gans_workshop.files.workspace import cache_folder
from tools import scene

CPU = torch.device("cpu")


@pytest.fixture
def lent(folder):
    """The same pictures in memory and in a file."""
    return load_photos(folder)[0], load_photos(folder, memory=1000)[0]


def the_file():
    (path,) = cache_folder().glob("*.pictures")
    return path


def make_gan():
    torch.manual_seed(0)
    form = {"image_size": 32, "channels": 3, "width": 2}
    return GAN(Generator(**form), Discriminator(**form))


def play(images, rounds=7, **options):
    gan = make_gan()
    train(gan, images, steps=rounds, batch_size=5, **options)
    return gan


def test_pictures_in_a_file_are_those_in_memory_and_so_is_their_mark(lent):
    memory, file = lent
    assert torch.equal(memory, file) and file.untyped_storage().filename == str(the_file())
    assert memory.untyped_storage().filename is None
    assert make_mark([memory]) == make_mark([file])
    assert make_mark([memory[3:7]]) == make_mark([file[3:7]])
    assert make_mark([memory.flip(0)]) == make_mark([file.flip(0)])


def test_a_training_from_the_file_is_the_training_from_memory(lent):
    one, other = (play(images) for images in lent)
    assert one.seen == other.seen == 35
    assert all(torch.equal(a, b) for a, b in zip(one.generator.parameters(), other.generator.parameters()))


def test_two_piles_in_files_are_played_there_and_back(lent):
    _, file = lent
    players = [(UNet(given_channels=3, width=2), PatchDiscriminator(given_channels=0, width=2)) for _ in range(2)]
    game = CycleGAN(*(GAN(*two, fixed_condition=file[:2], seed=seed) for seed, two in enumerate(players)))
    train(game, file[:6], conditions=file[6:], steps=2, batch_size=2, one_round=cycle_round)
    assert game.step == 2
    with pytest.raises(ValueError, match="Both piles are the same pictures"):
        train(game, file, conditions=file, steps=4, batch_size=2, one_round=cycle_round)


def test_a_checkpoint_goes_on_from_file_to_memory_and_back(lent, tmp_path, capsys):
    memory, file = lent
    play(file, rounds=3, checkpoint=tmp_path / "models")
    play(memory, rounds=5, checkpoint=tmp_path / "models")
    gan = play(file, rounds=7, checkpoint=tmp_path / "models")
    assert "Going on from round 5" in capsys.readouterr().out
    assert torch.equal(gan.preview(), play(memory).preview())


def test_the_next_batch_is_gathered_ahead_of_time(lent):
    ahead = bring(lent[1], CPU)
    ahead.look_ahead([3, 1])
    coming = ahead.coming
    assert torch.equal(ahead[[3, 1]], lent[0][[3, 1]]) and coming.done()
    ahead.look_ahead([3, 1])
    assert torch.equal(ahead[[2, 2, 0]], lent[0][[2, 2, 0]]), "something else was asked for"
    assert bring(lent[0], CPU) is lent[0], "what fits moves as ever"
    assert torch.equal(Ahead(lent[0], CPU)[[4]], lent[0][[4]]), "what does not fit on a GPU stays in memory"


def test_the_file_is_used_again_and_made_anew_where_the_folder_has_changed(folder, lent):
    before = the_file().stat().st_mtime_ns
    load_photos(folder, memory=1000)
    assert the_file().stat().st_mtime_ns == before
    scene(99).save(folder / "new.png")
    more, _ = load_photos(folder, memory=1000)
    assert len(more) == 13 and the_file().stat().st_mtime_ns != before, "and the old one is gone"
    assert torch.equal(more, load_photos(folder)[0])


def test_a_changed_picture_is_noticed_when_it_is_to_be_learned_from(lent):
    with open(the_file(), "r+b") as file:
        file.seek(3 * 32 * 32 * 4 + 7)
        file.write(b"\x01\x02\x03")
    with pytest.raises(OSError, match=r"damaged or was changed, at picture 4: delete it"):
        play(lent[1])


@pytest.mark.parametrize("size", [0, 3 * 32 * 32 * 12, 20_000])
def test_a_file_that_was_cut_short_is_noticed_and_made_anew(folder, lent, size):
    ahead = bring(lent[1], CPU)
    os.truncate(the_file(), size)
    if size < 3 * 32 * 32 * 12:
        with pytest.raises(OSError, match="damaged"):
            ahead[[11]]
    assert torch.equal(load_photos(folder, memory=1000)[0], lent[0])


def test_a_stop_while_the_file_is_written_leaves_none_and_nothing_is_decoded_again(folder, monkeypatch):
    real, calls = mapped.hashlib.sha256, []

    def stopped(*data):
        calls.append(data)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*data)

    monkeypatch.setattr(mapped.hashlib, "sha256", stopped)
    with pytest.raises(KeyboardInterrupt):
        load_photos(folder, memory=1000)
    assert list(cache_folder().glob("photos-*")) == []
    monkeypatch.setattr(mapped.hashlib, "sha256", real)
    monkeypatch.setattr("gans_workshop.files.photos.read_picture", None)  # would fail
    assert len(load_photos(folder, memory=1000)[0]) == 12


def test_labels_go_with_pictures_in_a_file(tmp_path):
    for i in range(8):
        (tmp_path / "pets" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        scene(i).save(tmp_path / "pets" / "ab"[i % 2] / f"{i}.png")
    images, labels, names, _ = load_photos(tmp_path / "pets", memory=1000, labels=True)
    others = load_photos(tmp_path / "pets", labels=True)
    assert torch.equal(images, others[0]) and torch.equal(labels, others[1]) and names == ["a", "b"]
