"""Seals contact details with AES-GCM; what seals and whose it is are bound in, so a sealed value fits only its own row.

The keys come from the environment, and then change with a restart, or from a file, and then change while serving: each
sealing looks whether the file is another one, and so does an opening that meets a key it does not know. A changed file
with something wrong in it is reported and left alone, so that a slip in it stops nobody.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.domain import MunicipalityId, ResidentId
from service.errors import SealBroken, SettingsError, VaultKeyMissing
from service.keys import ENVIRONMENT, FILE, KeyFile, Keys, parse
from service.settings import Settings

log = structlog.get_logger(__name__)

NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits, random for each sealing
CHECK_BYTES = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key_check` tells whether a key of this id is the same key; None: sealed before municipalities were bound in."""

    key_id: str
    nonce: bytes
    value: bytes
    key_check: bytes | None = None


class Vault:
    """Holds the keys; the first one seals, all of them open."""

    def __init__(self, keys: Keys, file: KeyFile | None = None) -> None:
        self._keys = keys
        self._file = file

    @classmethod
    def of(cls, settings: Settings) -> "Vault":
        """Raises SettingsError, naming the file or the key id and never a key."""
        if settings.vault_keys_file is not None:
            file = KeyFile(settings.vault_keys_file)
            return cls(file.read(), file)
        return cls.from_setting(settings.vault_keys.get_secret_value() if settings.vault_keys else "")

    @classmethod
    def from_setting(cls, setting: str) -> "Vault":
        """Read `id:base64,id:base64`. Raises SettingsError."""
        return cls(parse(setting, ENVIRONMENT))

    @property
    def source(self) -> str:
        """Name of the setting that the keys come from."""
        return ENVIRONMENT if self._file is None else FILE

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The one that seals first."""
        self._refresh()
        return tuple(self._keys)

    def seal(self, resident: ResidentId, value: str, municipality: MunicipalityId) -> Sealed:
        self._refresh()
        key_id, key = next(iter(self._keys.items()))
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, value.encode(), _bound(key_id, resident, municipality))
        return Sealed(key_id, nonce, sealed, key_check(key))

    def open(self, resident: ResidentId, sealed: Sealed, municipality: MunicipalityId) -> str:
        """Raises VaultKeyMissing when the key is not here, and SealBroken when the value is not this row's."""
        if self.lacks(sealed.key_id, sealed.key_check):
            raise VaultKeyMissing(sealed.key_id)
        bound = _bound(sealed.key_id, resident, None if sealed.key_check is None else municipality)
        try:
            opened = AESGCM(self._keys[sealed.key_id]).decrypt(sealed.nonce, sealed.value, bound)
        except InvalidTag as error:
            raise SealBroken(sealed.key_id) from error
        return opened.decode()

    def lacks(self, key_id: str, check: bytes | None) -> bool:
        """Whether what was sealed with this key cannot be opened: no key of that id is here, or another one is."""
        if key_id not in self._keys:
            self._refresh(anyway=True)
        key = self._keys.get(key_id)
        return key is None or (check is not None and not hmac.compare_digest(check, key_check(key)))

    def _refresh(self, *, anyway: bool = False) -> None:
        if self._file is None or not (anyway or self._file.changed()):
            return
        try:
            keys = self._file.read()
            swapped = next((key_id for key_id, key in self._keys.items() if keys.get(key_id, key) != key), None)
            if swapped is not None:
                raise SettingsError(f"{FILE}: {self._file.path} has another key {swapped!r} than before")
        except SettingsError as error:  # its text is ours: a path or an id, never a key
            log.error("vault_keys", state="not_read", error=str(error))
            return
        if list(keys) != list(self._keys):
            log.info("vault_keys", state="changed", count=len(keys), code=next(iter(keys)))
        self._keys = keys


def key_check(key: bytes) -> bytes:
    """Eight bytes that the same key gives again and that tell nothing of it: HMAC-SHA256 of a fixed text.

    Not the usual encrypted block of zeros: with GCM that block is a secret of its own (NIST SP 800-38D, 6.4).
    """
    return hmac.digest(key, b"kring vault key", hashlib.sha256)[:CHECK_BYTES]


def _bound(key_id: str, resident: ResidentId, municipality: MunicipalityId | None) -> bytes:
    whose = f"{resident}" if municipality is None else f"{municipality}:{resident}"
    return f"{key_id}:{whose}".encode()
