"""What several tests need: small players, a few real digits, and files that go to a temporary folder."""

import os
import struct

import pytest
import torch

from gans_workshop import GAN, Discriminator, Generator, load_digits, seed_everything
from tools import scene

LONG_ONES = (
    "test_colab",
    "test_jupyterlab",
    "test_anatomy",
    "test_slides",
    "test_workshop",
    "test_rehearsal",
)  # minutes each


def pytest_collection_modifyitems(items):
    """Begin with the long files: what comes last should be short, so that no core waits for another."""
    items.sort(key=lambda item: [*LONG_ONES, item.path.stem].index(item.path.stem))


@pytest.fixture(autouse=True)
def temporary_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "files"))
    monkeypatch.setenv("GANS_WORKSHOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GANS_WORKSHOP_RESULTS", str(tmp_path / "results"))  # a small run is no evidence
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # in kernels: threads without a core of their own only wait


@pytest.fixture(scope="session")
def need():
    """Return a function that skips a test on a machine that lacks something; in CI, which has all, it fails."""

    def check(found, what):
        if not found:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"this test needs {what}")

    return check


@pytest.fixture
def digits():
    return load_digits()[0][:200]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with twelve pictures."""
    folder = tmp_path / "cats"
    folder.mkdir()
    for i in range(12):
        scene(i).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def make_gan():
    def make(seed=0, **options):
        seed_everything(seed)
        return GAN(Generator(width=4), Discriminator(width=4), seed=seed, **options)

    return make


@pytest.fixture
def bits():
    """Return a function that lists every tensor and number of a network's, an optimizer's or a GAN's state.

    Seconds are left out: by the clock no run is like another.
    """

    def flatten(state):
        if isinstance(state, dict):
            return [item for key in state if key != "seconds" for item in flatten(state[key])]
        if isinstance(state, list | tuple):
            return [item for part in state for item in flatten(part)]
        return [state.clone() if isinstance(state, torch.Tensor) else state]

    return lambda thing: flatten(thing.state_dict())


def _bytes(thing):
    """Return what lies in memory, for which NaN is like NaN."""
    if isinstance(thing, torch.Tensor):
        return thing.dtype, thing.shape, thing.cpu().numpy().tobytes()
    return struct.pack("d", thing) if isinstance(thing, float) else thing


@pytest.fixture
def same():
    """Return a function that tells whether two such lists agree in every bit."""

    def compare(a, b):
        return bool(a) and [_bytes(x) for x in a] == [_bytes(x) for x in b]

    return compare
