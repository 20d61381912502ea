"""The helper package of the GAN workshop: the plumbing that would hide the idea if it stood in a notebook.

Every name that a notebook uses is imported from here, and fetched when first asked for. A room imports only from the
rooms above it, a module only from the modules above it.

device: choose the processor, make runs repeatable and the stop button safe

files: they come and go; nothing here knows what a GAN is
  disk: time limits, second tries, walking through folders, writing a file whole or not at all
  workspace: where your files live, in Drive or beside the notebooks, and the cache for downloads
  datasets: fetch digits, portraits and samples
  decoding: the bytes of one file become a square of pixels, or a reason why not
  photos: a folder, a ZIP or a video becomes one tensor, with a report of every file
  checkpoints: keep a training safe and go on from there

game: the pages to open when you want to know how it works
  images: pictures as numbers, and the one check of them
  losses: what each player pays
  models: the generator and the discriminator, layer by layer
  augment: change pictures before D sees them, so that few seem many
  notes: what is measured in each round
  gan: the state of the game, the turns of the two players, one round
  training: how long, watched, saved, stopped

view: looks at a game and never changes it
  plots: pictures, film strips and curves
  lessons: figures of single lessons
  diagnosis: the doctor
  evaluation: the judge of digits, the Frechet distance, the nearest training picture
  latent: mixtures of z and walks
  live: the live view and its film
  exports: GIFs and contact sheets to take home
"""

import importlib

_HOMES = {
    "device": "pick_device seed_everything",
    "files.workspace": "picture_places workshop_folder",
    "files.datasets": "fetch_sample load_digits load_portraits",
    "files.decoding": "known_formats",
    "files.photos": "load_photos",
    "game.images": "to_float",
    "game.losses": "Loss hinge least_squares minimax non_saturating wasserstein_gp",
    "game.models": "Discriminator Generator MLPDiscriminator MLPGenerator shape_table small_weights",
    "game.augment": "cut_out shift",
    "game.gan": "GAN discriminator_step generator_step",
    "game.training": "train",
    "view.plots": "CRIMINAL DETECTIVE contact_sheet draw_losses draw_scores figure_with_axes film_strip label_axes "
    "plot_losses plot_scores show_images to_png",
    "view.lessons": "SHEET plot_curves show_fields show_game show_panels show_screens show_visits",
    "view.diagnosis": "diagnose",
    "view.evaluation": "classify_digits digit_histogram frechet_distance nearest_images",
    "view.latent": "lerp slerp walk",
    "view.live": "LiveView",
    "view.exports": "save_contact_sheet save_gif",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"gans_workshop has no '{name}'; dir(gans_workshop) lists what it has.")
    value = globals()[name] = getattr(importlib.import_module(f"gans_workshop.{_HOME[name]}"), name)
    return value


def __dir__():
    return __all__
