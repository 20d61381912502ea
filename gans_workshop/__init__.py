"""The thin helper package of the GAN workshop: the plumbing that would hide the idea if it stood in a notebook."""

from gans_workshop.augment import diff_augment
from gans_workshop.datasets import fetch_sample, load_digits, load_portraits, to_float
from gans_workshop.device import pick_device, seed_everything
from gans_workshop.diagnosis import diagnose
from gans_workshop.exports import save_contact_sheet, save_gif
from gans_workshop.latent import lerp, slerp, walk
from gans_workshop.live import LiveView
from gans_workshop.losses import Loss, hinge, least_squares, minimax, non_saturating, wasserstein_gp
from gans_workshop.models import Discriminator, Generator, MLPDiscriminator, MLPGenerator, shape_table
from gans_workshop.photos import load_photos
from gans_workshop.plots import film_strip, plot_losses, plot_scores, show_images
from gans_workshop.training import GAN, History, discriminator_step, generator_step, train
from gans_workshop.workspace import picture_places, workshop_folder
