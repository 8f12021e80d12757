"""What can go wrong in a matching model, as named facts: a code plus parameters, so that a page can translate it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Param = str | int | float
"""A parameter of an error or a reason: always a plain value, never the text of a need."""


class ModelError(Exception):
    """Base of every error of `models/`: `code` says what is wrong, `params` with which numbers or ids."""

    def __init__(self, code: str, **params: Param) -> None:
        self.code = code
        self.params: Mapping[str, Param] = MappingProxyType(dict(params))
        details = ", ".join(f"{name}={value}" for name, value in params.items())
        super().__init__(f"{code} ({details})" if details else code)


class BadInput(ModelError):
    """The input itself is broken: a repeated id, a vector with NaN, a person kept apart from themselves."""


class Infeasible(ModelError):
    """The input is sound, but the bounds asked for can never hold, for instance a smallest size above the largest."""


class EncoderUnavailable(ModelError):
    """The encoder named in the setting cannot be loaded: the folder or hub id does not exist or holds no model."""
