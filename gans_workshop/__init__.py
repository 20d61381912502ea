"""The helper package of the GAN workshop: the plumbing that would hide the idea if it stood in a notebook.

Every name that a notebook uses is imported from here, and fetched when first asked for. A room imports only from the
rooms above it, a module only from the modules above it.

device: choose the processor, make runs repeatable and the stop button safe

files: they come and go; nothing here knows what a GAN is
  disk: time limits, second tries, walking through folders, writing a file whole or not at all
  kinds: what a file is, by its name or how it begins, and what to do with it
  classes: which class a file is in, by the sub-folder in its name
  workspace: where your files live, in Drive or beside the notebooks, and the cache for downloads
  datasets: fetch digits, portraits, faces, drawings and samples
  decoding: the bytes of one file become a square of pixels, or a reason why not
  scenes: a small world in summer and in winter
  sketches: what a student draws, typed or on paper, becomes thin black lines on white
  sources: a folder, a ZIP or a video becomes a list of files, each is read or says why not
  mapped: more pictures than memory lie in one file, and come batch by batch
  photos: a folder, a ZIP or a video becomes one tensor, with a report of every file
  pairs: two folders become pairs, by the names of their files
  marks: know again what a training learns from, in whatever order it comes
  checkpoints: keep a training safe and go on from there

game: the pages to open when you want to know how it works
  images: pictures as numbers, and the one check of them
  labels: what to draw: labels and mixtures as weights, and the one check of them
  losses: what each player pays
  models: the generator and the discriminator, layer by layer
  translation: from picture to picture: a U-Net and a detective for patches
  style: a generator with a style for each size
  augment: change pictures before D sees them, so that few seem many
  notes: what is measured in each round
  gan: the state of the game
  turns: the turns of the two players, one round
  cyclegan: two games without pairs, there and back again
  training: how long, watched, saved, stopped
  loading: a trained GAN comes back from its checkpoint, without its pictures

view: looks at a game and never changes it
  plots: pictures, film strips and curves
  lessons: figures of single lessons
  diagnosis: the doctor, and your numbers beside those of a page
  evaluation: the judges of digits and faces, distances between crowds, the nearest training picture
  latent: mixtures of z, walks, and the z that draws a given picture
  live: the live view and its film
  exports: GIFs and contact sheets to take home
  flatten: a network as a list of steps, its weights as bytes
  page: a trained GAN as one web page that draws
"""

import importlib
import sys

_HOMES = {
    "device": "pick_device seed_everything",
    "files.workspace": "picture_places workshop_folder",
    "files.datasets": "fetch_sample is_left_out load_digits load_drawings load_faces load_portraits",
    "files.decoding": "known_formats",
    "files.scenes": "draw_seasons find_sun",
    "files.sketches": "draw_strokes tidy_drawing",
    "files.pairs": "load_pairs",
    "files.photos": "load_photos",
    "game.images": "to_float",
    "game.losses": "Loss hinge least_squares minimax non_saturating non_saturating_r1 pix2pix wasserstein_gp",
    "game.models": "Discriminator Generator MLPDiscriminator MLPGenerator Skip grow shrink small_weights",
    "game.style": "StyleGenerator load_style_network",
    "game.augment": "cut_out shift",
    "game.gan": "GAN",
    "game.turns": "discriminator_step generator_step",
    "game.translation": "PatchDiscriminator UNet",
    "game.cyclegan": "CycleGAN criminals_bills cycle_round",
    "game.training": "train",
    "game.loading": "load_gan",
    "view.plots": "CRIMINAL DETECTIVE contact_sheet draw_losses draw_scores figure_with_axes film_strip label_axes "
    "plot_losses plot_scores show_images side_by_side to_png",
    "view.lessons": "SHEET check_number plot_curves read_drawing shape_table show_fields show_game show_panels "
    "show_screens show_visits",
    "view.diagnosis": "compare_with_page diagnose",
    "view.evaluation": "classify_digits classify_faces digit_histogram frechet_distance invention load_face_judge "
    "load_squeezenet nearest_images sliced_distance",
    "view.latent": "lerp project slerp walk",
    "view.live": "LiveView",
    "view.exports": "save_contact_sheet save_gif",
    "view.page": "save_page show_page",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)

# Copies of notebooks from before 26 November 2026 use other names, and addresses of modules that are now in rooms
_NOW = {"finish": "label_axes", "look": "classify_digits", "start_small": "small_weights", "tile": "contact_sheet"}
_MOVED = "augment datasets diagnosis evaluation exports latent live losses models photos pictures plots sketches"
for _address in f"{_MOVED} training workspace".split():
    globals()[_address] = sys.modules[f"{__name__}.{_address}"] = sys.modules[__name__]  # the face has all names


def __getattr__(name):
    name = _NOW.get(name, name)
    if name == "diff_augment":
        raise ImportError(f"{name} is gone: write GAN(..., augment=lambda images: cut_out(shift(images))).")
    if name not in _HOME:
        raise AttributeError(f"gans_workshop has no '{name}'; dir(gans_workshop) lists what it has.")
    value = globals()[name] = getattr(importlib.import_module(f"gans_workshop.{_HOME[name]}"), name)
    return value


def __dir__():
    return __all__
