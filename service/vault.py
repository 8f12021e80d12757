"""Seals contact details with AES-GCM; key id and resident are bound in, so a sealed value fits only its own row."""

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.domain import ResidentId
from service.errors import SettingsError, VaultKeyMissing

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits, random for each sealing


@dataclass(frozen=True, slots=True)
class Sealed:
    key_id: str
    nonce: bytes
    value: bytes


class Vault:
    """Holds the keys; the first one seals, all of them open."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing = next(iter(keys))

    @classmethod
    def from_setting(cls, setting: str) -> "Vault":
        """Read `id:base64,id:base64`. Raises SettingsError, naming the key id and never the key."""
        keys: dict[str, bytes] = {}
        for part in filter(None, (piece.strip() for piece in setting.split(","))):
            key_id, _, encoded = part.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not key_id or len(key) != KEY_BYTES:
                raise SettingsError(f"vault key {key_id!r} is not {KEY_BYTES} bytes in base64")
            keys[key_id] = key
        if not keys:
            raise SettingsError("KRING_VAULT_KEYS holds no key")
        return cls(keys)

    def seal(self, resident: ResidentId, value: str) -> Sealed:
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(self._sealing, resident)
        return Sealed(self._sealing, nonce, self._keys[self._sealing].encrypt(nonce, value.encode(), bound))

    def open(self, resident: ResidentId, sealed: Sealed) -> str:
        """Raises VaultKeyMissing when the key was rotated away or the value is not this row's."""
        if sealed.key_id not in self._keys:
            raise VaultKeyMissing(sealed.key_id)
        try:
            opened = self._keys[sealed.key_id].decrypt(sealed.nonce, sealed.value, _bound(sealed.key_id, resident))
        except InvalidTag as error:
            raise VaultKeyMissing(sealed.key_id) from error
        return opened.decode()


def _bound(key_id: str, resident: ResidentId) -> bytes:
    return f"{key_id}:{resident}".encode()
