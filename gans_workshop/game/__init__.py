"""The game: players, rules and rounds. These are the pages to open when you want to know how it works."""
