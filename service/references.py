"""Reference numbers that can be read out over the telephone: no 0 and O, no 1, I and L, no U."""

import re
import secrets

from service.errors import NotFound

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN = re.compile(rf"^[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$")


def new_reference() -> str:
    """Eight random characters, about 39 bits: unique in a municipality, and no order or date to read from them."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(2))


def clean_reference(typed: str) -> str | None:
    """What somebody typed, as a reference; None when it cannot be one."""
    letters = re.sub(r"[\s-]", "", typed).upper()
    reference = f"{letters[:4]}-{letters[4:]}"
    return reference if PATTERN.match(reference) else None


def reference_or_not_found(typed: str) -> str:
    """A reference in an address. Raises NotFound when it cannot be one."""
    reference = clean_reference(typed)
    if reference is None:
        raise NotFound
    return reference
