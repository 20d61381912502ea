"""More pictures than memory: they lie in one file, with a checksum of each at its end, and come batch by batch."""

import hashlib
import math
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import torch

from gans_workshop.files.workspace import cache_folder

ENDING, DIGEST = ".pictures", hashlib.sha256().digest_size
SPARE = 2**30  # bytes of a disk that stay free


def collect(draw, shape, memory, *, names):
    """Make one tensor of `draw(size)`, arrays (C, size, size) uint8: in a file where it does not fit into the memory.

    They are smaller and fewer where the disk has no room either. `shape`: (N, C, H, W) as wished for, `memory`: bytes,
    `names`: of the place, and of what is used there; the same names, the same file.
    """
    count, channels, image_size, _ = shape
    if math.prod(shape) > memory:
        keys = "-".join(hashlib.sha1(os.fsencode(name)).hexdigest()[:16] for name in names)
        with suppress(OSError):
            path = cache_folder() / f"photos-{keys}-{channels}x{image_size}{ENDING}"
            return map_pictures(path, shape, draw(image_size))
    sizes = [size for size in (image_size, 64, 32) if size <= image_size]
    size = next((s for s in sizes if count * channels * s * s <= memory), sizes[-1])
    images = torch.empty(min(count, memory // (channels * size * size)), channels, size, size, dtype=torch.uint8)
    for image, picture in zip(images, draw(size)):
        image.copy_(torch.from_numpy(picture))
    return images


def map_pictures(path, shape, pictures):
    """Return `pictures`, arrays (C, H, W) uint8, as a tensor of `shape` (N, C, H, W) that lies in the file `path`.

    A whole file is used again; one of the same place with other pictures is deleted. Raises: OSError: 'No room ...'
    """
    size = math.prod(shape) + DIGEST * shape[0]
    if not path.is_file() or path.stat().st_size != size:
        for old in path.parent.glob(f"{'-'.join(path.name.split('-')[:2])}-*"):
            with suppress(OSError):  # Windows keeps what is in use
                old.unlink()
        if shutil.disk_usage(path.parent).free < size + SPARE:
            raise OSError(f"No room for {size / 1e9:.1f} GB in {path.parent}")
        _write(path, pictures)
    return torch.from_file(str(path), shared=True, size=math.prod(shape), dtype=torch.uint8).view(shape)


def _write(path, pictures):
    """Write pictures, and behind them their checksums, whole or not at all."""
    checksums, unfinished = [], path.with_suffix(".unfinished")
    try:
        with open(unfinished, "wb") as file:
            for picture in pictures:
                checksums.append(hashlib.sha256(data := picture.tobytes()).digest())
                file.write(data)
            file.write(b"".join(checksums))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def stored(images):
    """Return the file of ours in which `images` lie, where there, and their checksums; None for all other pictures."""
    name = images.untyped_storage().filename if images.device.type == "cpu" else None
    if not name or not name.endswith(ENDING) or not images.is_contiguous():
        return None
    start = images.storage_offset()
    with open(name, "rb") as file:
        file.seek(images.untyped_storage().nbytes() + DIGEST * (start // max(1, images[:1].numel())))
        return name, start, file.read(DIGEST * len(images))


def checksums(images):
    """List the checksum of each picture or condition, an array or tensor (N, ...)."""
    images = torch.as_tensor(images)
    if place := stored(images):
        return [place[2][i : i + DIGEST] for i in range(0, DIGEST * len(images), DIGEST)]
    return [hashlib.sha256(row).digest() for row in images.reshape(len(images), -1).numpy()]


def bring(images, device):
    """Move pictures to the device; those in a file, and those that do not fit there, come batch by batch."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" and images.device != device else math.inf
    too_many = images.numel() * images.element_size() > free / 2  # the other half is for the networks
    return Ahead(images, device) if too_many or stored(images) else images.to(device)


class Ahead:
    """Pictures (N, C, H, W) that stay where they are: the next batch comes to `device` while this one is learned from.

    Raises: OSError: 'The file ... is damaged ...'
    """

    def __init__(self, images, device):
        self.images, self.device, self.place = images, device, stored(images)
        self.worker, self.wanted, self.coming = ThreadPoolExecutor(1), None, None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, indices):
        coming = self.coming if indices == self.wanted else self.worker.submit(self._gather, indices)
        self.wanted = self.coming = None
        return coming.result()

    def cpu(self):
        """Return the pictures where they are."""
        return self.images

    def look_ahead(self, indices):
        """Begin to gather the pictures that will be asked for next."""
        self.wanted, self.coming = indices, self.worker.submit(self._gather, indices)

    def _gather(self, indices):
        batch = self._read(indices) if self.place else self.images[indices]
        if self.device.type == "cuda":
            batch = batch.pin_memory()
        return batch.to(self.device, non_blocking=True)

    def _read(self, indices):
        """Read by file, not by memory map: a file that was cut short is then an error, and not the end of Python."""
        name, start, known = self.place
        batch = torch.empty(len(indices), *self.images.shape[1:], dtype=torch.uint8)
        with open(name, "rb", buffering=0) as file:
            for picture, i in zip(batch.flatten(1).numpy(), indices):
                file.seek(start + i * picture.nbytes)
                file.readinto(picture)
                if hashlib.sha256(picture).digest() != known[DIGEST * i : DIGEST * (i + 1)]:
                    found = f"The file {name} is damaged or was changed, at picture {i:,}"
                    raise OSError(f"{found}: delete it, and load_photos makes it anew.")
        return batch
