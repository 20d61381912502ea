"""Files: they come and go, and nothing here knows what a GAN is."""
