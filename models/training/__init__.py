"""How the bundled encoder is made: the corpus is read, split and checked, a model fitted, calibrated and measured.

Nothing here is needed to run Kring; `kring train` and `kring evaluate` are the only callers. torch is imported here.
"""
