"""Python reads this file as it starts: as in Colab, `google.colab` is loaded before the first cell runs."""

import google.colab  # noqa: F401
