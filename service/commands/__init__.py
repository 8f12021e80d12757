"""The commands of `kring`, one module each; `service/cli.py` registers them."""
