"""The age band of the resident who asks, read from the note when the form left it open.

Only what keeps minors apart from adults matters here, so it reads ages the note gives of the *asking* person and leaves
every other age alone: in "Moeder van zoon van 9" the nine-year-old does not ask. When in doubt the answer is None, and
None counts as adult; a caseworker who fills in the age band is always believed first.
"""

from __future__ import annotations

import re
from typing import Final

from models.need import AgeBand, Perspective
from models.normalise import plain

OLDEST_BELIEVED: Final = 110
_UPPER_BOUNDS: Final = (
    (12, AgeBand.UNDER_12),
    (16, AgeBand.AGE_12_15),
    (18, AgeBand.AGE_16_17),
    (25, AgeBand.AGE_18_24),
    (40, AgeBand.AGE_25_39),
    (65, AgeBand.AGE_40_64),
)

# Who asks as the one with the problem, or beside a parent, brother or sister, may be a child. A parent's, partner's or
# foster parent's note that opens with "Jongen van 9" tells of their child.
_MAY_BE_A_CHILD: Final = (Perspective.SELF, Perspective.CHILD, Perspective.SIBLING)

# "Ik ben 16", "ik ben 16 jaar", "ik ben net 17": but not "ik ben 2 jaar hier" or "ik ben 12 kilo kwijt".
_OWN_WORDS: Final = re.compile(
    r"\bik (?:ben|word)(?: (?:een|nu|net|pas|al|bijna|ook))?(?: (?:meisje|jongen|scholier))?(?: van)? (\d{1,3})"
    r"(?: jaar)?(?: oud)?(?=\s*(?:[.,;:!?\"')]|$|en\b|maar\b|dus\b|want\b))"
)

_YOUNG: Final = (
    r"(?:meisje|jongen|meid|jongere|jonge \w+|tiener|puber|scholier|scholiere|leerling|student|studente|jongeman|knul"
    r"|kind|brus|zus|zusje|broer|broertje|dochter|zoon|jongvolwassene|m|v|j|mz|jmz)"
)
# At the very start of a note the one who is named is the one who asks: "Meisje van 15 helpt…", "Jonge mz, 17".
_OPENING: Final = re.compile(
    rf"^\W*(?:een )?{_YOUNG}(?: van|,|:| \(|\()?\s*(\d{{1,3}})\b(?!\s*(?:mnd|maand|week|weken|wk|jaar geleden))"
)


def read_age_band(text: str, perspective: Perspective) -> AgeBand | None:
    """Age band of the person who asks, or None when the note does not say so plainly."""
    note = plain(text)
    own = _OWN_WORDS.search(note)
    if own is not None:
        return _band(int(own.group(1)))
    if perspective in _MAY_BE_A_CHILD:
        opening = _OPENING.search(note)
        if opening is not None:
            return _band(int(opening.group(1)))
    return None


def age_circle(band: AgeBand | None) -> str:
    """Name of the set of ages within which people may meet; two people may, as far as age goes, when it is the same.

    Adults, and people of unknown age, go with adults. Of the minors, 12 to 17 go together: they are in secondary
    school and at most five years apart. A child under 12 goes only with children under 12, as the next band reaches
    to 15.
    """
    if band is None or not band.is_minor:
        return "adult"
    return "child" if band is AgeBand.UNDER_12 else "teenager"


def _band(age: int) -> AgeBand | None:
    """Band of an age in years; under four nobody asks for themselves, so such a number is something else."""
    if not 4 <= age <= OLDEST_BELIEVED:
        return None
    return next((band for bound, band in _UPPER_BOUNDS if age < bound), AgeBand.AGE_65_PLUS)
