"""Views: they look at a game and never change it."""
