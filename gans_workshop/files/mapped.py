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
    """Make one tensor (N, C, H, W) uint8 of what `draw(first)` yields, arrays; in a file where it needs more `memory`.

    `names`: of the place, and of what is used there; the same names, the same file. Raises: OSError: '... GB of ...'
    """
    if math.prod(shape) > memory:
        keys = "-".join(hashlib.sha1(os.fsencode(name)).hexdigest()[:16] for name in names)
        return map_pictures(cache_folder() / f"photos-{keys}-{shape[1]}x{shape[-1]}{ENDING}", shape, draw)
    images = torch.empty(shape, dtype=torch.uint8)
    for image, picture in zip(images, draw(0)):
        image.copy_(torch.from_numpy(picture))
    return images


def map_pictures(path, shape, draw):
    """Return a tensor of this shape that lies in the file `path`, as `collect`.

    A whole file is used again, one that was begun goes on, and one of the same place with other pictures is deleted.
    """
    size, unfinished = math.prod(shape) + DIGEST * shape[0], path.with_suffix(".unfinished")
    if not path.is_file() or path.stat().st_size != size:
        for old in set(path.parent.glob(f"{'-'.join(path.name.split('-')[:2])}-*")) - {unfinished}:
            with suppress(OSError):  # Windows keeps what is in use
                old.unlink()
        try:
            if not unfinished.exists() and shutil.disk_usage(path.parent).free < size + SPARE:
                raise OSError("no room")
            _write(unfinished, shape, draw)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            found = f"{size / 1e9:.1f} GB of pictures cannot be kept in {path.parent} ({error.strerror or error})"
            raise OSError(f"{found}: free space there, or take a smaller image_size.") from None
    return torch.from_file(str(path), shared=True, size=math.prod(shape), dtype=torch.uint8).view(shape)


def _write(path, shape, draw):
    """Write the pictures that are not there yet, and behind all pictures their checksums."""
    count, size, first = shape[0], math.prod(shape[1:]), 0
    path.touch()
    with open(path, "r+b") as file:
        file.truncate(count * (size + DIGEST))
        while first < count and _intact(file, first, count, size):
            first += 1
        for i, picture in enumerate(draw(first), first):
            file.seek(size * i)
            file.write(data := picture.tobytes())
            file.seek(size * count + DIGEST * i)
            file.write(hashlib.sha256(data).digest())
        file.flush()
        os.fsync(file.fileno())


def _intact(file, i, count, size):
    """Read picture i of a file of so many, each of `size` bytes; None if it is not what was written."""
    file.seek(size * i)
    data = file.read(size)
    file.seek(size * count + DIGEST * i)
    return data if hashlib.sha256(data).digest() == file.read(DIGEST) else None


def stored(images):
    """Tell where `images` lie in a file of ours: name, number of the first, how many are there; None for others."""
    name = images.untyped_storage().filename if images.device.type == "cpu" else None
    if not name or not name.endswith(ENDING) or not images.is_contiguous() or not len(images):
        return None
    size = images[0].numel()
    return name, images.storage_offset() // size, images.untyped_storage().nbytes() // size


def checksums(images):
    """List the checksum of each picture or condition, an array or tensor (N, ...)."""
    images = torch.as_tensor(images)
    if place := stored(images):
        name, first, count = place
        with open(name, "rb") as file:
            file.seek(count * images[0].numel() + DIGEST * first)
            return [file.read(DIGEST) for _ in images]
    return [hashlib.sha256(row).digest() for row in images.reshape(len(images), -1).numpy()]


def bring(images, device):
    """Move pictures to the device; those in a file, and those that do not fit there, come batch by batch."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" and images.device != device else math.inf
    too_many = images.numel() * images.element_size() > free / 2  # the other half is for the networks
    return Ahead(images, device) if too_many or stored(images) else images.to(device)


class Ahead:
    """Pictures (N, C, H, W) that stay where they are: the next batch comes to `device` while this one is learned from.

    `part`: a slice of each batch, where several processes share it. Raises: OSError: 'The file ... is damaged ...'
    """

    def __init__(self, images, device, *, part=slice(None)):
        self.images, self.device, self.part, self.place = images, device, part, stored(images)
        self.worker, self.wanted, self.coming = ThreadPoolExecutor(1), None, None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, indices):
        if indices != self.wanted:
            self.look_ahead(indices)
        return self.coming.result()

    def cpu(self):
        """Return the pictures where they are."""
        return self.images

    def look_ahead(self, indices):
        """Begin to gather the pictures that will be asked for next."""
        self.wanted, self.coming = indices, self.worker.submit(self._gather, indices)

    def _gather(self, indices):
        indices = indices[self.part]
        batch = self._read(indices) if self.place else self.images[indices]
        if self.device.type == "cuda":
            batch = batch.pin_memory()
        return batch.to(self.device, non_blocking=True)

    def _read(self, indices):
        """Read by file, not by memory map: a file that was cut short is then an error, and not the end of Python."""
        name, first, count = self.place
        with open(name, "rb", buffering=0) as file:
            pictures = [_intact(file, first + i, count, self.images[0].numel()) for i in indices]
        if None in pictures:
            found = f"The file {name} is damaged or was changed, at picture {indices[pictures.index(None)]:,}"
            raise OSError(f"{found}: delete it, and load_photos makes it anew.")
        return torch.frombuffer(bytearray().join(pictures), dtype=torch.uint8).view(-1, *self.images.shape[1:])
