"""What does not fit into the memory lies in a file, is trained from as if it were in memory, and damage is noticed."""

import os
from types import SimpleNamespace

import pytest
import torch

from gans_workshop import GAN, CycleGAN, Discriminator, Generator, PatchDiscriminator, UNet, cycle_round, train
from gans_workshop.files import mapped, photos
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


def test_one_of_several_processes_takes_its_part_of_each_batch(lent):
    for images in lent:
        parts = [Ahead(images, CPU, part=slice(rank, None, 3)) for rank in range(3)]
        parts[1].look_ahead([5, 4, 3, 2, 1])
        assert [len(part[[5, 4, 3, 2, 1]]) for part in parts] == [2, 2, 1]
        assert torch.equal(parts[1][[5, 4, 3, 2, 1]], lent[0][[4, 1]]) and len(parts[1]) == 12


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


def stop_at(monkeypatch, number):
    """Let making a picture of the file smaller stop at that number; return the list of all that were begun."""
    real, begun = photos.shrink, []

    def shrink(*picture):
        begun.append(1)
        if len(begun) == number:
            raise KeyboardInterrupt
        return real(*picture)

    monkeypatch.setattr(photos, "shrink", shrink)
    return begun


def test_a_stop_while_the_file_is_written_goes_on_from_there(folder, monkeypatch):
    begun = stop_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        load_photos(folder, memory=1000)
    assert [path.suffix for path in cache_folder().glob("photos-*")] == [".unfinished"]
    monkeypatch.setattr(photos, "read_picture", None)  # would fail: nothing is decoded again
    images = load_photos(folder, memory=1000)[0]
    assert len(begun) == 8 + 5, "seven of twelve were there"
    assert torch.equal(images, load_photos(folder)[0])
    assert [path.suffix for path in cache_folder().glob("photos-*")] == [".pictures"]


def test_what_was_half_written_or_is_of_another_folder_is_written_again(folder, monkeypatch):
    begun = stop_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        load_photos(folder, memory=1000)
    (unfinished,) = cache_folder().glob("*.unfinished")
    with open(unfinished, "r+b") as file:  # as after a loss of power
        file.seek(3 * 32 * 32 * 4)
        file.write(bytes(3 * 32 * 32))
    images = load_photos(folder, memory=1000)[0]
    assert len(begun) == 8 + 8 and torch.equal(images, load_photos(folder)[0])
    scene(99).save(folder / "new.png")
    unfinished.write_bytes(b"of what the folder was before")
    assert len(load_photos(folder, memory=1000)[0]) == 13 and not unfinished.exists()


def test_where_the_disk_has_no_room_a_sentence_says_so_and_nothing_stays(folder, monkeypatch):
    monkeypatch.setattr(mapped.shutil, "disk_usage", lambda place: SimpleNamespace(free=2**30))
    with pytest.raises(OSError, match=r"0\.0 GB of pictures cannot be kept in .* \(no room\): free space there"):
        load_photos(folder, memory=1000)
    monkeypatch.undo()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.os, "fsync", full)
    with pytest.raises(OSError, match=r"\(No space left on device\): .* take a smaller image_size"):
        load_photos(folder, memory=1000)
    assert list(cache_folder().glob("photos-*")) == []


def test_labels_go_with_pictures_in_a_file(tmp_path):
    for i in range(8):
        (tmp_path / "pets" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        scene(i).save(tmp_path / "pets" / "ab"[i % 2] / f"{i}.png")
    images, labels, names, _ = load_photos(tmp_path / "pets", memory=1000, labels=True)
    others = load_photos(tmp_path / "pets", labels=True)
    assert torch.equal(images, others[0]) and torch.equal(labels, others[1]) and names == ["a", "b"]
