"""What a note may be about, for a person to confirm or change. Suggesting keeps nothing of the note."""

from functools import lru_cache

from models.need import Perspective
from models.topics import Suggester, Suggestions, load_suggester


def suggest(text: str, perspective: Perspective | None) -> Suggestions:
    """The likeliest topics of a note. Raises EncoderUnavailable when Kring's own weights cannot be read."""
    (found,) = _suggester().suggest([text], [perspective])
    return found


@lru_cache(maxsize=1)
def _suggester() -> Suggester:
    """Read once a process; the web process does so at its start."""
    return load_suggester()
