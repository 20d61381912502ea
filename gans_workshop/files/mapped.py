"""More pictures than memory: they lie in one file, with a checksum of each at its end, and come batch by batch."""

import errno
import hashlib
import math
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import torch

ENDING, DIGEST = ".pictures", hashlib.sha256().digest_size
SPARE = 2**30  # bytes of a disk that stay free


def collect(pictures, shape, memory, path):
    """Make one tensor of `pictures(size)`, arrays (C, size, size) uint8: in a file if it does not fit into the memory.

    Smaller and fewer ones are taken where there is no `path` or no room. `shape`: (N, C, H, W), `memory`: bytes
    """
    if path and math.prod(shape) > memory:
        place = path.with_name(f"{path.name}-{shape[1]}x{shape[-1]}{ENDING}")
        if (images := map_pictures(place, shape, pictures(shape[-1]))) is not None:
            return images
    size, room = _what_fits(*shape[:3], memory)
    images = torch.empty(min(room, shape[0]), shape[1], size, size, dtype=torch.uint8)
    for image, picture in zip(images, pictures(size)):
        image.copy_(torch.from_numpy(picture))
    return images


def _what_fits(count, channels, image_size, memory):
    """Give the largest size, of the one wished for, 64 and 32, in which all pictures fit, and how many would fit."""
    sizes = [size for size in (image_size, 64, 32) if size <= image_size]
    size = next((s for s in sizes if count * channels * s * s <= memory), sizes[-1])
    return size, memory // (channels * size * size)


def map_pictures(path, shape, pictures):
    """Return `pictures`, arrays (C, H, W) uint8, as a tensor of `shape` (N, C, H, W) that lies in the file `path`.

    A whole file is used again; one of the same place with other pictures is deleted. None is returned without room.
    """
    size = math.prod(shape) + DIGEST * shape[0]
    if not path.is_file() or path.stat().st_size != size:
        for old in path.parent.glob(f"{'-'.join(path.name.split('-')[:2])}-*"):
            with suppress(OSError):  # Windows keeps what is in use
                old.unlink()
        try:
            _write(path, size, pictures)
        except OSError:
            return None
    return torch.from_file(str(path), shared=True, size=math.prod(shape), dtype=torch.uint8).view(shape)


def _write(path, size, pictures):
    """Write the file whole or not at all."""
    if shutil.disk_usage(path.parent).free < size + SPARE:
        raise OSError(errno.ENOSPC, "the disk is full")
    digests, unfinished = [], path.with_suffix(".unfinished")
    try:
        with open(unfinished, "wb") as file:
            for picture in pictures:
                digests.append(hashlib.sha256(data := picture.tobytes()).digest())
                file.write(data)
            file.write(b"".join(digests))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def stored(images):
    """Return the open file in which `images` lie, where the first begins, and all checksums; None if in none of ours."""
    name = images.untyped_storage().filename if images.device.type == "cpu" else None
    if not name or not name.endswith(ENDING) or not images.is_contiguous():
        return None
    file, start, size = open(name, "rb", buffering=0), images.storage_offset(), max(1, images[:1].numel())
    file.seek(images.untyped_storage().nbytes() + DIGEST * (start // size))
    return file, start, file.read(DIGEST * len(images))


def checksums(images):
    """List the checksum of each picture or condition, an array or tensor (N, ...)."""
    images = torch.as_tensor(images)
    if place := stored(images):
        place[0].close()
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
        (file, start, digests), batch = self.place, torch.empty(len(indices), *self.images.shape[1:], dtype=torch.uint8)
        for picture, i in zip(batch.flatten(1).numpy(), indices):
            file.seek(start + i * picture.nbytes)
            file.readinto(picture)
            if hashlib.sha256(picture).digest() != digests[DIGEST * i : DIGEST * (i + 1)]:
                found = f"The file {file.name} is damaged or was changed, at picture {i:,}"
                raise OSError(f"{found}: delete it, and load_photos makes it anew.")
        return batch
