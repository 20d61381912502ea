"""A stand-in for Colab's own package: what the workshop uses of it, with Colab's real paths.

COLAB_DRIVE says what happens to Drive: 'works', 'refused' (the person says no), or a number: after so many files were
opened for writing it is gone, as it is after hours of training. COLAB_DOWNLOADS names the file that notes downloads.
"""
