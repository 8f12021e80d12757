"""How a message leaves: one protocol, an implementation for each way. What cannot be sent is a typed error.

No error carries an address or what a server said about it: only a code that may be logged and stored.
"""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from service.domain import Channel
from service.messages import Message


class SendError(Exception):
    """A message was not sent; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Temporary(SendError):
    """Not now: this message may be taken later."""


class Unreachable(Temporary):
    """No message can be sent now, whoever it is for: the server is away, refuses us or cannot be trusted."""


class Permanent(SendError):
    """This message will never be taken."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with its address. Lives only between opening the vault and sending, and never shows what is in it."""

    channel: Channel
    outbox_id: UUID
    address: str = field(repr=False)
    sender_name: str
    message: Message = field(repr=False)


class Sender(Protocol):
    async def send(self, letter: Letter) -> None:
        """Return when the other side has taken the message over. Raises Temporary, Unreachable or Permanent.

        The same letter twice must be recognisable as one: implementations derive its id from `outbox_id`.
        """
        ...
