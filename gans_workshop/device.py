"""Choose the machine's fastest processor for PyTorch, make runs repeatable and the stop button safe."""

import signal
from contextlib import contextmanager
from types import SimpleNamespace

import torch

SENTENCES = {
    "cuda": "A GPU will do the sums ({name}): training runs many times faster than on the processor.",
    "mps": "Apple's GPU will do the sums: training runs faster than on the processor.",
    "cpu": "The processor (CPU) will do the sums: everything works, and the minutes stated for a CPU apply.",
}


def available_devices():
    """Name the devices that PyTorch can use here, fastest first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, found in there.items() if found]


def pick_device(name=None):
    """Return the fastest `torch.device` here, or the one called `name`, and say what it means.

    Raises: ValueError: 'You asked for ..., but PyTorch finds only ... here ...'
    """
    available = available_devices()
    kind = available[0] if name is None else str(name).split(":")[0]
    if kind not in available:
        raise ValueError(
            f"You asked for '{name}', but PyTorch finds only {' and '.join(available)} here. "
            "In Colab choose Runtime > Change runtime type > T4 GPU; or call pick_device() and use what there is."
        )
    gpu = torch.cuda.get_device_name(name or "cuda") if kind == "cuda" else ""
    print(SENTENCES[kind].format(name=gpu))
    return torch.device(name or kind)


def seed_everything(seed):
    """Start PyTorch's random numbers (CPU and GPU) at `seed`: on a CPU the same seed gives the same run."""
    torch.manual_seed(seed)


@contextmanager
def stop_button():
    """Turn the stop button (Ctrl-C) into a wish, granted at the end of a step: no step is ever left half done."""
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
    except KeyboardInterrupt:  # raised by code, in `watch` or a loss: that step may stay half done, and is not saved
        stop.pressed = True
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
