"""Bring a trained GAN back from its checkpoint; none of the pictures that it learned from is needed."""

import itertools
import os
from contextlib import suppress
from types import SimpleNamespace

import torch
from torch import nn

from gans_workshop.files import checkpoints, disk
from gans_workshop.game.cyclegan import SIDES, CycleGAN
from gans_workshop.game.gan import GAN, OPTIMIZERS
from gans_workshop.game.labels import counts
from gans_workshop.game.models import Discriminator, Generator, MLPDiscriminator, MLPGenerator
from gans_workshop.game.style import StyleGenerator
from gans_workshop.game.translation import PatchDiscriminator, UNet


def load_gan(path, *, device="cpu", generator=None, discriminator=None):
    """Load a trained GAN from the folder that `train` saved in, or from a file of it, made on whatever machine.

    It can draw, and learn on at its learning rates; for other rules set `gan.loss`, `gan.augment` and `gan.d_steps`
    before, or those of a `CycleGAN`'s two GANs. Networks of your own are given as `generator` and `discriminator`,
    made as for the training.
    Raises: ValueError: '... holds no whole checkpoint ...', '... has networks ...'; OSError: 'The checkpoints in ...'
    """
    found = _read(disk.whole_path(path))
    state, (_, *shape) = found["gan"], found["pictures"]["kinds"][0][0]
    if SIDES[0] in state:
        if generator or discriminator:
            hint = "with networks of your own make the game anew, and train(game, ..., checkpoint=...) goes on"
            raise ValueError(f"{path} holds a CycleGAN, which is loaded without them: {hint}.")
        weights = {name: state[name] for name in ("cycle", "identity")}
        gan = CycleGAN(*(_revive(state[side], shape, path, device) for side in SIDES), **weights)
        gan.seconds = state["seconds"]
    else:
        gan = _revive(state, shape, path, device, generator=generator, discriminator=discriminator)
    print(f"A GAN of {gan.step:,} rounds ({gan.seconds / 60:.1f} minutes of training), drawing {tuple(shape)}.")
    return gan


def _revive(state, shape, path, device, *, generator=None, discriminator=None):
    """Make the GAN of this state anew."""
    more = {"classes": state["classes"]} if state.get("classes") else {}
    criminals, detectives = (Generator, MLPGenerator, StyleGenerator), (Discriminator, MLPDiscriminator)
    if getattr(state.get("fixed_condition"), "ndim", 0) == 4:
        criminals, detectives = (UNet,), (PatchDiscriminator,)
        more = {"given_channels": state["fixed_condition"].shape[1]}
    generator = generator or _rebuild(criminals, state.get("generator", {}), shape, more)
    alone = {"given_channels": 0} if "given_channels" in more else {}  # a detective without the question
    for told in (more, more | alone):
        discriminator = discriminator or _rebuild(detectives, state.get("discriminator", {}), shape, told)
    if not (generator and discriminator):
        hint = "make them as for its training, and call load_gan(..., generator=..., discriminator=...)"
        raise ValueError(f"The GAN in {path} has networks that are not the package's: {hint}.")
    gan = GAN(generator, discriminator, device=device, fixed_condition=state.get("fixed_condition"))
    if why := gan.misfit(state):
        raise ValueError(f"The GAN in {path} {why}: make generator and discriminator as for its training.")
    for name in OPTIMIZERS:  # `load_state_dict` keeps the learning rates and the memory of the GAN that loads
        theirs = state[name]["param_groups"][0]
        getattr(gan, name).param_groups[0].update(lr=theirs["lr"], betas=theirs["betas"])
    gan.load_state_dict(state)
    return gan


def _read(place):
    """Return the newest good state in a folder, or that of a file, or say why there is none."""
    is_file, why = os.path.isfile(place), "does not exist"
    file = SimpleNamespace(folder=place, newest=lambda: checkpoints.read(place))
    if state := checkpoints.newest([file] if is_file else checkpoints.homes(place))[0]:
        return state
    if is_file:
        why = "is damaged, or no checkpoint of this workshop (a ZIP must be unpacked first)"
    elif os.path.isdir(place):
        inner = sorted({path.parent.name for path in place.glob("*/step-*.checkpoint")})
        why = f"holds no whole checkpoint{' itself, but look into ' * bool(inner)}{', '.join(inner)}"
    raise ValueError(f"{place} {why}. Give the folder that train(..., checkpoint=...) saved in, or a file from there.")


def _rebuild(kinds, weights, shape, more):
    """Make the network of the package that has these weights, and `more`: classes, or return None."""
    shapes = {name: part.shape for name, part in weights.items()}
    layers = [size for size in shapes.values() if len(size) > 1] or [(1, 1)]
    if Generator in kinds:
        first = shapes.get("mapping.0.weight") or layers[0]
        more = more | {"latent_dim": first[1] - sum(counts(more.get("classes", 0)))}
    other = (
        {"smooth": False} if Generator in kinds else {"norm": nn.InstanceNorm2d if "given_channels" in more else False}
    )
    widths = layers[0][0], layers[-1][1], layers[-1][0] // 2
    for kind, width, form in itertools.product(kinds, widths, ({}, other)):
        with suppress(Exception), torch.device("meta"):  # where weights take no room, however many these would be
            network = kind(image_size=shape[-1], channels=shape[0], width=width, **more, **form)
            if {name: part.shape for name, part in network.state_dict().items()} == shapes:
                network.to_empty(device="cpu").load_state_dict(weights)
                return network
    return None
