"""A stand-in for Colab's own package: what the workshop uses of it, with Colab's real paths.

COLAB_DRIVE says what happens to Drive: 'works', 'refused' (the person says no), or a part of a file's name: as soon as
such a file is opened for writing, Drive is gone, as it is now and then after hours of training. COLAB_DOWNLOADS names
the file that notes downloads.
"""
