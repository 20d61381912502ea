"""Nothing is lost: killed, stopped, damaged, disk full, Drive gone: the training goes on from the last good minute.

The full sweeps are in benchmarks/checkpoint_*.py; here they run in a small size.
"""

import hashlib
import io
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import types

import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    load_digits,
    seed_everything,
    train,
)
from gans_workshop.files import checkpoints, disk, workspace
from gans_workshop.game.notes import NOTES
from tools import ROOT


@pytest.fixture
def tiny(digits):
    """Return a function that makes a small GAN, always the same, and one that trains it on 100 digits."""

    def make(seed=0, **options):
        seed_everything(3)
        players = MLPGenerator(width=16), MLPDiscriminator(width=16)
        return GAN(*players, seed=seed, **({"augment": noise} | options))

    def play(gan, folder, **options):
        train(gan, digits[:100], **({"batch_size": 16, "checkpoint": folder} | options))
        return gan

    return types.SimpleNamespace(make=make, play=play)


def noise(images):
    return images + 0.05 * torch.randn(images.shape)


@pytest.fixture
def drive(tmp_path, monkeypatch):
    """Let the package believe that it is in Colab; return Drive's folder for models."""
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(workspace, "DRIVE", tmp_path / "drive")
    (tmp_path / "drive").mkdir()
    return tmp_path / "drive" / "cats-models"


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def write(path, state):
    """Write a checkpoint with a right checksum."""
    file = io.BytesIO()
    torch.save(state, file)
    path.write_bytes(checkpoints.HEADER + hashlib.sha256(file.getvalue()).digest() + file.getvalue())


def settle():
    """Wait for the threads that write."""
    for thread in threading.enumerate():
        if thread.daemon and "_write" in thread.name:
            thread.join()


def read(path):
    return checkpoints._unpack(path.read_bytes())


# Going on


def test_a_new_kernel_goes_on_exactly_where_the_last_one_stopped(tiny, tmp_path, bits, same, capsys):
    whole = tiny.play(tiny.make(), None, steps=9)
    dice = torch.get_rng_state()
    tiny.play(tiny.make(), tmp_path, steps=4)
    assert capsys.readouterr().out == f"Round 4 is saved in {tmp_path}.\n"
    again = tiny.play(tiny.make(seed=7), tmp_path, steps=9)
    assert same(bits(whole), bits(again)) and torch.equal(dice, torch.get_rng_state())
    said = re.sub(r"\d+\.\d minutes", "some minutes", capsys.readouterr().out)
    going_on = f"Going on from round 4 (some minutes of training) in {tmp_path}."
    assert f"{going_on}\nTo begin anew, choose another folder.\n" in said
    assert files(tmp_path) == ["step-000000004.checkpoint", "step-000000009.checkpoint"]


def test_the_minutes_of_all_sessions_count(tiny, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def a_minute_passes(gan, done, last):
        now[0] += 60
        if gan.step == 3:
            signal.raise_signal(signal.SIGINT)

    tiny.play(tiny.make(), tmp_path, minutes=10, watch=a_minute_passes)
    gan = tiny.play(tiny.make(), tmp_path, minutes=10, watch=a_minute_passes)
    assert gan.step == 12 and gan.seconds == 600  # the minute of the look at which it was stopped does not count


def test_a_minute_at_most_is_lost(tiny, tmp_path, monkeypatch):
    now, lost = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def three_seconds_pass(gan, done, last):
        now[0] += 3
        settle()
        newest = checkpoints._Home(tmp_path, "").newest()
        lost.append(3 * (gan.step - (newest["gan"]["step"] if newest else 0)))

    tiny.play(tiny.make(), tmp_path, steps=60, watch=three_seconds_pass)
    assert 40 < max(lost) <= 60


def test_the_stop_button_saves_the_step_at_which_it_was_pressed(tiny, tmp_path, bits, same):
    def press(gan, done, last):
        if gan.step == 5:
            signal.raise_signal(signal.SIGINT)

    gan = tiny.play(tiny.make(), tmp_path, steps=100, watch=press)
    assert gan.step == 5 and read(tmp_path / "step-000000005.checkpoint")["gan"]["step"] == 5
    whole = tiny.play(tiny.make(), None, steps=8)
    assert same(bits(whole), bits(tiny.play(tiny.make(), tmp_path, steps=8)))


def test_a_step_that_an_error_left_half_done_is_not_saved(tiny, tmp_path):
    def fail(images):
        raise KeyboardInterrupt

    gan = tiny.play(tiny.make(), tmp_path, steps=3)
    gan.augment = fail
    tiny.play(gan, tmp_path, steps=6)
    assert files(tmp_path) == ["step-000000003.checkpoint"]


def test_a_game_that_is_further_than_its_folder_goes_on_from_memory(tiny, tmp_path, bits, same):
    whole = tiny.play(tiny.make(), None, steps=8)
    gan = tiny.play(tiny.make(), tmp_path, steps=3)
    tiny.play(gan, None, steps=6)
    assert same(bits(whole), bits(tiny.play(gan, tmp_path, steps=8)))


def test_the_learning_rate_is_that_of_the_cell(tiny, tmp_path):
    tiny.play(tiny.make(), tmp_path, steps=3)
    gan = tiny.play(tiny.make(d_lr=1e-5), tmp_path, steps=4)
    assert gan.step == 4 and gan.d_optimizer.param_groups[0]["lr"] == 1e-5


def test_a_checkpoint_made_on_a_gpu_goes_on_here(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    monkeypatch.setattr(checkpoints, "_machine", lambda gan: ["another machine"])
    tiny.play(tiny.make(), tmp_path, steps=3)
    monkeypatch.undo()
    assert b"cuda:0" in (tmp_path / "step-000000003.checkpoint").read_bytes()
    assert tiny.play(tiny.make(), tmp_path, steps=4).step == 4
    assert "On this machine the last digits may differ." in capsys.readouterr().out


def test_a_history_from_before_a_column_was_there(tiny, tmp_path):
    tiny.play(tiny.make(), tmp_path, steps=3)
    path = tmp_path / "step-000000003.checkpoint"
    state = read(path)
    del state["gan"]["history"]["d_real"]
    state["gan"]["history"]["unheard of"] = torch.zeros(3)
    write(path, state)
    history = tiny.play(tiny.make(), tmp_path, steps=4).history
    assert [value == value for value in history.d_real] == [False] * 3 + [True]
    assert len(history.steps) == 4 and "unheard of" not in vars(history)


# What must not be mixed up


@pytest.mark.parametrize(
    ("other", "pictures", "words"),
    [
        ({"width": 8}, slice(0, 100), "is built in another way"),
        ({"latent_dim": 3}, slice(0, 100), "is built in another way"),
        ({"image_size": 32}, slice(0, 100), r"draws pictures of shape \(1, 28, 28\), and this one draws \(1, 32, 32\)"),
        ({}, slice(0, 90), "learns from 100 other pictures"),
        ({}, slice(100, 200), "learns from 100 other pictures"),
    ],
)
def test_the_folder_of_another_training_is_refused_and_left_alone(tiny, digits, tmp_path, other, pictures, words):
    tiny.play(tiny.make(), tmp_path, steps=3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    size = other.get("image_size", 28)
    gan = GAN(MLPGenerator(**({"width": 16} | other)), MLPDiscriminator(width=16, image_size=size))
    images = torch.nn.functional.pad(digits[pictures], [(size - 28) // 2] * 4)
    with pytest.raises(ValueError, match=f"holds the training of a GAN that {words}.*choose another folder") as refusal:
        train(gan, images, steps=5, checkpoint=tmp_path)
    assert "\n" not in str(refusal.value) and gan.step == 0
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_trained_gan_with_another_seed_is_not_overwritten(tiny, tmp_path):
    tiny.play(tiny.make(), tmp_path, steps=3)
    other = tiny.play(tiny.make(seed=1), None, steps=2)
    with pytest.raises(ValueError, match="began with another seed"):
        tiny.play(other, tmp_path, steps=5)
    assert other.step == 2


def test_numbers_that_are_none_never_replace_a_good_checkpoint(tiny, tmp_path, capsys):
    gan = tiny.play(tiny.make(), tmp_path, steps=3)
    with torch.no_grad():
        next(gan.average_generator.parameters()).fill_(torch.nan)
    tiny.play(gan, tmp_path, steps=5)
    assert files(tmp_path) == ["step-000000003.checkpoint"]
    said = capsys.readouterr().out
    assert f"Round 5 is not saved in {tmp_path} yet (some weights are not numbers any more): run this" in said


# Damage and strangers


def test_a_checkpoint_of_a_stranger_runs_no_code(tiny, tmp_path, capsys):
    marker, folder = tmp_path / "was here", tmp_path / "models"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    tiny.play(tiny.make(), folder, steps=3)
    good = read(folder / "step-000000003.checkpoint")
    write(folder / "step-000000004.checkpoint", good | {"minutes": Hostile()})
    write(folder / "step-000000005.checkpoint", {"gan": Hostile()})
    content = pickle.dumps(Hostile())
    whole = checkpoints.HEADER + hashlib.sha256(content).digest() + content
    (folder / "step-000000006.checkpoint").write_bytes(whole)
    write(folder / "step-000000007.checkpoint", [1, 2, 3])
    gan = tiny.play(tiny.make(), folder, steps=4)
    assert not marker.exists() and gan.step == 4
    assert capsys.readouterr().out.count("is damaged: the one before is used") == 4
    assert files(folder) == ["step-000000003.checkpoint", "step-000000004.checkpoint"]


@pytest.mark.parametrize("script", ["kills", "faults"])
def test_kills_faults_and_damage_in_a_small_size(script):
    if not hasattr(os, "fork"):
        pytest.skip("Windows has no fork")
    options = {"kills": ["--kills", "12"], "faults": ["--every", "41", "--damages", "150"]}[script]
    command = [sys.executable, ROOT / "benchmarks" / f"checkpoint_{script}.py", *options]
    memory = {"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {}  # a disk is slow to say that it is done
    env = os.environ | memory | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


# A person's own files


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OWN = [
    "step-01-sketch.png",
    "step-by-step.pdf",
    "unfinished-portrait.png",
    "unfinished-",
    "step-",
    "step-3.checkpoint",
    "step-0000000003.checkpoint",
    "step-000000001.checkpoint.bak",
    "step-000000001 (1).checkpoint",
    "Copy of step-000000001.checkpoint",
    "step-00000000\u0663.checkpoint",
    "unfinished-step-1.checkpoint",
    "unfinished-0123456789abcdef0123456789abcde.png",
    "step-000000900.checkpoint",  # exactly our name, and a person's all the same
    "unfinished-0123456789abcdef0123456789abcdef",
    "notes.txt",
]


def test_a_persons_own_files_are_neither_read_nor_touched(tiny, tmp_path, monkeypatch, bits, same):
    monkeypatch.setattr(checkpoints, "EVERY", 0)
    for name in OWN:
        (tmp_path / name).write_bytes(b"mine")
    for name in (
        "step-previews",
        "step-000000901.checkpoint",
        "unfinished-" + 32 * "a",
        "unfinished-step-000000001.checkpoint",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.png").write_bytes(b"mine")
    before = contents(tmp_path)
    tiny.play(tiny.make(), tmp_path, steps=5, watch=lambda *_: settle())
    gan = tiny.play(tiny.make(), tmp_path, steps=9, watch=lambda *_: settle())
    assert same(bits(gan), bits(tiny.play(tiny.make(), None, steps=9)))
    after = contents(tmp_path)
    new = sorted(str(name) for name in after.keys() - before.keys())
    assert new == ["step-000000008.checkpoint", "step-000000009.checkpoint"], "two generations of its own"
    assert {name: after[name] for name in before} == before


def test_a_file_of_a_person_with_the_very_name_of_the_next_checkpoint_is_set_aside_whole(tiny, tmp_path, capsys):
    (tmp_path / "step-000000003.checkpoint").write_bytes(b"mine")
    tiny.play(tiny.make(), tmp_path, steps=3)
    assert read(tmp_path / "step-000000003.checkpoint")["gan"]["step"] == 3
    (aside,) = tmp_path.glob("set-aside-*-step-000000003.checkpoint")
    assert aside.read_bytes() == b"mine"
    tiny.play(tiny.make(), tmp_path, steps=5)
    tiny.play(tiny.make(), tmp_path, steps=7)
    assert aside.read_bytes() == b"mine"


def test_a_folder_with_the_very_name_of_the_next_checkpoint_stays_and_the_training_goes_on(tiny, tmp_path, capsys):
    (tmp_path / "step-000000003.checkpoint").mkdir()
    assert tiny.play(tiny.make(), tmp_path, steps=3).step == 3
    assert "Round 3 is not saved in" in capsys.readouterr().out and (tmp_path / "step-000000003.checkpoint").is_dir()
    tiny.play(tiny.make(), tmp_path, steps=4)
    assert read(tmp_path / "step-000000004.checkpoint")["gan"]["step"] == 4


def test_a_second_name_or_a_link_that_a_person_made_keeps_its_content(tiny, tmp_path):
    folder, safe = tmp_path / "models", tmp_path / "safe"
    safe.mkdir()
    (safe / "elsewhere.txt").write_bytes(b"mine")
    tiny.play(tiny.make(), folder, steps=1)
    os.link(folder / "step-000000001.checkpoint", safe / "best.checkpoint")
    (folder / "step-000000000.checkpoint").symlink_to(safe / "elsewhere.txt")
    kept = contents(safe)
    for steps in (2, 3, 4):
        tiny.play(tiny.make(), folder, steps=steps)
    assert contents(safe) == kept and read(safe / "best.checkpoint")["gan"]["step"] == 1
    assert files(folder) == [f"step-00000000{i}.checkpoint" for i in (0, 3, 4)]


def test_leftovers_of_every_version_are_tidied(tiny, tmp_path):
    tiny.play(tiny.make(), tmp_path, steps=1)
    whole = (tmp_path / "step-000000001.checkpoint").read_bytes()
    leftovers = [f"unfinished-{i:032x}" for i in range(4)] + [
        f"unfinished-step-00000000{i}.checkpoint" for i in range(2)
    ]
    for name, content in zip(leftovers, (whole, whole[:10], b"", bytes(5000), whole[:100], b""), strict=True):
        (tmp_path / name).write_bytes(content)
    tiny.play(tiny.make(), tmp_path, steps=2)
    assert files(tmp_path) == ["step-000000001.checkpoint", "step-000000002.checkpoint"]


@pytest.mark.parametrize("junk", [b"", b"\x89PNG\r\n", bytes(9000)])
def test_a_newest_checkpoint_that_is_ruined_does_not_keep_its_round_from_being_saved_again(tiny, tmp_path, junk):
    tiny.play(tiny.make(), tmp_path, steps=2)
    tiny.play(tiny.make(), tmp_path, steps=4)
    (tmp_path / "step-000000004.checkpoint").write_bytes(junk)
    tiny.play(tiny.make(), tmp_path, steps=4)
    assert read(tmp_path / "step-000000004.checkpoint")["gan"]["step"] == 4
    assert read(tmp_path / "step-000000002.checkpoint")["gan"]["step"] == 2


# The folder


@pytest.mark.parametrize("name", ["text", "path", "home", "relative", "new and deep/er"])
def test_a_folder_is_understood_in_every_form(tiny, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    forms = {"text": str(tmp_path / "text"), "path": tmp_path / "path", "home": "~/home"}
    tiny.play(tiny.make(), forms.get(name, name), steps=1)
    assert files(tmp_path / name) == ["step-000000001.checkpoint"]


@pytest.mark.parametrize(
    "folder", ["", " ", False, True, 5, ["models"], ("a", "b"), b"models", "https://drive.google.com/x"]
)
def test_what_is_no_folder_is_refused_before_the_first_round(tiny, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    gan = tiny.make()
    with pytest.raises(ValueError, match="names no folder or file of this machine: give a path, for example 'my-gan'"):
        tiny.play(gan, folder, steps=1)
    assert gan.step == 0 and os.listdir(tmp_path) == []


def test_a_file_instead_of_a_folder_is_refused_before_the_first_round(tiny, tmp_path):
    tiny.play(tiny.make(), tmp_path, steps=1)
    (tmp_path / "model.pt").write_bytes(b"mine")
    before = contents(tmp_path)
    for file in ("model.pt", "step-000000001.checkpoint"):
        gan = tiny.make()
        with pytest.raises(ValueError, match=f"{file} is a file, and checkpoint= wants a folder: give .*, for example"):
            tiny.play(gan, tmp_path / file, steps=2)
        assert gan.step == 0
    with pytest.raises(OSError, match=r"inside cannot be written \(a file is in the way\): nothing was saved\. Choose"):
        tiny.play(tiny.make(), tmp_path / "model.pt" / "inside", steps=2)
    assert contents(tmp_path) == before


def test_a_place_that_cannot_be_written_is_said_before_the_first_round(tiny, tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(disk, "probe", refuse)
    gan = tiny.make()
    with pytest.raises(
        OSError, match=r"cannot be written \(Read-only file system\): nothing was saved\. Choose another"
    ):
        tiny.play(gan, tmp_path / "models", steps=2)
    assert gan.step == 0


# The same pictures


def test_the_same_pictures_in_another_order_go_on(tiny, digits, tmp_path, capsys):
    tiny.play(tiny.make(), tmp_path, steps=3)
    capsys.readouterr()
    gan = tiny.make()
    train(gan, digits[:100].flip(0), steps=5, batch_size=16, checkpoint=tmp_path)
    said = capsys.readouterr().out
    assert gan.step == 5 and "Going on from round 3" in said
    assert "The pictures are the same in another order: it goes on, not exactly as without the break." in said
    train(gan, digits[:100].flip(0), steps=6, batch_size=16, checkpoint=tmp_path)
    assert "another order" not in capsys.readouterr().out


def test_another_order_is_not_said_where_the_machine_is_another_too(tiny, digits, tmp_path, capsys, monkeypatch):
    tiny.play(tiny.make(), tmp_path, steps=3)
    monkeypatch.setattr(checkpoints, "_machine", lambda gan: ["another machine"])
    train(tiny.make(), digits[:100].flip(0), steps=5, batch_size=16, checkpoint=tmp_path)
    said = capsys.readouterr().out
    assert "On this machine the last digits may differ." in said and "another order" not in said


def test_a_look_between_two_trainings_changes_nothing(tiny, tmp_path, bits, same):
    gan = tiny.play(tiny.make(), tmp_path, steps=4)
    gan.sample(64)  # draws from PyTorch's own random numbers, as the augmentation does
    tiny.play(gan, tmp_path, steps=8)
    assert same(bits(gan), bits(tiny.play(tiny.make(), None, steps=8)))


# Colab


def test_in_colab_the_game_is_on_the_disk_and_in_drive(tiny, drive, tmp_path, capsys, bits, same):
    tiny.play(tiny.make(), drive, steps=3)
    said = capsys.readouterr().out
    assert f"Round 3 is copied to Drive's folder {drive}." in said and "is saved on Colab's own disk in" in said
    assert "safe" not in said
    assert files(drive) == ["step-000000003.checkpoint"] == files(tmp_path / "cache")
    whole = tiny.play(tiny.make(), None, steps=6)
    for lost in (drive, tmp_path / "cache"):  # one of them is enough
        for path in [path for path in lost.rglob("*") if path.is_file()]:
            path.unlink()
        again = tiny.play(tiny.make(), drive, steps=6)
        assert same(bits(whole), bits(again))
        assert "step-000000006.checkpoint" in files(drive) and "step-000000006.checkpoint" in files(tmp_path / "cache")


def test_when_drive_is_gone_training_goes_on_and_catches_up(tiny, drive, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0)
    away = tmp_path / "away"

    def come_and_go(gan, done, last):
        settle()
        if gan.step == 3:
            drive.parent.rename(away)
        if gan.step == 30:
            assert not drive.parent.exists()  # a folder made there would block Drive's return
            away.rename(drive.parent)

    tiny.play(tiny.make(), drive, steps=33, watch=come_and_go)
    said = capsys.readouterr().out
    assert said.count("Drive is not connected") == 1 and "training goes on" in said
    assert "Round 33 is copied to Drive's folder" in said and "step-000000033.checkpoint" in files(drive)


def test_a_drive_that_cannot_be_read_is_not_taken_for_an_empty_one(tiny, drive, tmp_path):
    drive.parent.rmdir()
    with pytest.raises(OSError, match=r"cannot be read \(Drive is not connected\): nothing was changed"):
        tiny.play(tiny.make(), drive, steps=3)


def test_a_drive_that_hangs_at_the_start_is_left_aside(tiny, drive, tmp_path, monkeypatch, capsys):
    tiny.play(tiny.make(), drive, steps=3)
    back, names = threading.Event(), checkpoints._Home.names
    monkeypatch.setattr(disk, "PATIENCE", 0.3)
    monkeypatch.setattr(checkpoints, "LAST_WAIT", 0.3)
    monkeypatch.setattr(checkpoints._Home, "names", lambda home: (home.folder == drive and back.wait()) or names(home))
    assert tiny.play(tiny.make(), drive, steps=5).step == 5
    assert "Going on from round 3" in capsys.readouterr().out
    back.set()


# Written by older code


def test_a_checkpoint_of_november_2026_goes_on_exactly(tmp_path, bits, same, capsys):
    """The data were written at commit 431069a by five rounds of this very game; the parts had other names then."""
    images = load_digits()[0][:50, :, 6:22, 6:22].contiguous()

    def make():
        seed_everything(3)
        players = Generator(image_size=16, width=2, latent_dim=8), Discriminator(image_size=16, width=2)
        return GAN(*players, seed=5, augment=noise)

    whole, part, again = make(), make(), make()
    train(whole, images, steps=9, batch_size=16)
    shutil.copy(ROOT / "tests" / "data" / "step-000000005.checkpoint", tmp_path)
    train(again, images, steps=9, batch_size=16, checkpoint=tmp_path)
    assert "Going on from round 5" in capsys.readouterr().out
    assert again.history.steps == whole.history.steps and again.seen == whole.seen and again.seconds > 0
    assert torch.equal(again.random.get_state(), whole.random.get_state())
    for theirs, ours in zip(bits(again.average_generator), bits(whole.average_generator), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-4)  # another processor rounds in another way
    for name in NOTES:
        theirs, ours = (torch.tensor(getattr(gan.history, name)) for gan in (again, whole))
        torch.testing.assert_close(theirs, ours, rtol=1e-2, atol=1e-3, equal_nan=True)  # NaN: no labels here
    assert files(tmp_path) == ["step-000000005.checkpoint", "step-000000009.checkpoint"]
    train(part, images, steps=9, batch_size=16, checkpoint=tmp_path)  # what the new code wrote is read as well
    assert same(bits(part), bits(again))
