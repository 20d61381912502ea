"""Choose the machine's fastest processor for PyTorch, make runs repeatable and the stop button safe."""

import functools
import signal
from contextlib import contextmanager
from types import SimpleNamespace

import torch

SENTENCES = {
    "cuda": "A GPU will do the sums ({name}): training runs many times faster than on the processor.",
    "mps": "Apple's GPU will do the sums: training runs faster than on the processor.",
    "cpu": "The processor (CPU) will do the sums: everything works, and the minutes stated for a CPU apply.",
}


def pick_device():
    """Return the fastest `torch.device` that PyTorch can use here, and say what it means."""
    kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    print(SENTENCES[kind].format(name=torch.cuda.get_device_name() if kind == "cuda" else ""))
    return torch.device(kind)


def seed_everything(seed):
    """Start PyTorch's random numbers (CPU and GPU) at `seed`: on a CPU the same seed gives the same run."""
    torch.manual_seed(seed)


def dice(seed):
    """Start random numbers of their own at any whole number, also at one that PyTorch finds too large."""
    if not hasattr(seed, "__index__"):
        raise ValueError(f"seed={seed!r} must be a whole number, for example seed=42.")
    return torch.Generator().manual_seed(int(seed) if -(2**63) <= seed < 2**64 else seed % 2**64)


@functools.lru_cache(maxsize=4)
def order(count, seed, epoch):
    """Shuffle the numbers from 0 to count - 1, each epoch in another way."""
    return torch.randperm(count, generator=dice(seed * 1_000_003 + epoch)).tolist()


@contextmanager
def stop_button():
    """Turn the stop button (Ctrl-C) into a wish, granted at the end of a round: no round is ever left half done."""
    stop = SimpleNamespace(pressed=False)

    def note(*_):
        stop.pressed = True

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # only the main thread can be stopped by the button
        yield stop
        return
    try:
        yield stop
    except KeyboardInterrupt:  # raised by code, in `watch` or a loss: that round may stay half done, and is not saved
        stop.pressed = True
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
