"""The keys of the vault: read from the environment or from a file, checked, and never shown.

An entry is `id:key`, the key being 32 bytes in base64; entries stand apart by commas or line ends. The first one seals,
all of them open. What is wrong is said with the id of a key or the number of an entry: whoever swaps the two, or
forgets the id, does not read a key back in a log.
"""

import base64
import binascii
import os
import re
import stat
from pathlib import Path

import structlog

from service.errors import SettingsError

log = structlog.get_logger(__name__)

KEY_BYTES = 32  # AES-256
ENVIRONMENT, FILE = "KRING_VAULT_KEYS", "KRING_VAULT_KEYS_FILE"
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")  # shorter than a key in base64 or hexadecimal, so never a key by mistake
FILE_MOST = 64 * 1024  # bytes: nobody has a thousand keys, and /dev/zero is no file of keys

Keys = dict[str, bytes]


def parse(text: str, source: str) -> Keys:
    """Key id → key, in the order given. Raises SettingsError, which names `source` and never shows a key."""
    keys: Keys = {}
    for number, entry in enumerate(filter(None, map(str.strip, re.split(r"[,\n]", text))), 1):
        key_id, separator, encoded = entry.partition(":")
        if not separator or not _ID.fullmatch(key_id):
            raise SettingsError(f"{source}: entry {number} is not `id:key`, with an id of at most 32 of a-z 0-9 . _ -")
        key = _decoded(encoded)
        if len(key) != KEY_BYTES:
            raise SettingsError(f"{source}: vault key {key_id!r} is not {KEY_BYTES} bytes in base64")
        if key_id in keys:
            raise SettingsError(f"{source}: there are two vault keys {key_id!r}")
        if key in keys.values():
            raise SettingsError(f"{source}: vault key {key_id!r} is the same key as one before it")
        keys[key_id] = key
    if not keys:
        raise SettingsError(f"{source} holds no key")
    return keys


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):  # ValueError: letters that are not ASCII
        return b""


class KeyFile:
    """A file of keys that may be replaced, or written over, while processes use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] | None = None

    def changed(self) -> bool:
        """Whether the file is another one than at the last `read`, however that went."""
        return self._signature() != self._seen

    def read(self) -> Keys:
        """Raises SettingsError when it is missing, unreadable, writable by others, or holds no good keys.

        Others who can write it could have everything sealed with a key of their own. That they can read it is said in
        the log and no more: Docker and Kubernetes hand out secrets that way.
        """
        self._seen = self._signature()
        try:
            # Without waiting: a named pipe in place of the file would hold up the process
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                mode = os.fstat(descriptor).st_mode
                self._refuse(mode)
                text = os.read(descriptor, FILE_MOST).decode()
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SettingsError(f"{FILE}: {self.path} cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{FILE}: {self.path} is not text") from error
        keys = parse(text, f"{FILE}: {self.path}")
        if mode & (stat.S_IRGRP | stat.S_IROTH):
            log.warning("vault_keys", state="read", code="readable_by_others")
        return keys

    def _refuse(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            raise SettingsError(f"{FILE}: {self.path} is not a file")
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise SettingsError(f"{FILE}: {self.path} can be written by others than its owner (chmod go-w)")

    def _signature(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
