"""What a change does to a group, in plain Dutch: one sentence for each thing a coordinator weighs.

Read by coordinators before they press the button and by nobody else; residents are named by the number of their need.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from models.bounds import Violation
from models.effects import Effect, Standing
from models.need import Meeting
from service import wording

PERCENT: Final = 100

# Why a group would not hold, or does not; whom it is about is said behind it. `{most}` and `{size}` are counts.
_REFUSED: Final[Mapping[Violation, str]] = {
    Violation.SIZE: "De groep is te groot: {size} mensen. Er mogen er {most} in.",
    Violation.TWICE: "Iemand staat er dan twee keer in.",
    Violation.APART: "Er zijn mensen bij die elkaar niet mogen ontmoeten.",
    Violation.AGE: "De leeftijden passen niet bij elkaar. Kinderen, jongeren en volwassenen blijven apart.",
    Violation.LANGUAGE: "Er is geen taal die iedereen spreekt.",
    Violation.DAYPART: "Er is geen moment waarop genoeg mensen kunnen.",
    Violation.MEETING: "De een wil online, de ander op een plek.",
    Violation.REACH: "De reis naar het midden van de groep is te ver.",
    Violation.CLOSE: "De vraag lijkt op die van te weinig anderen in de groep.",
}
WHO_MOST: Final = 5
"""Numbers of needs in one sentence; of a whole café nobody reads them all."""


def refusals(
    refused: Mapping[Violation, tuple[str, ...]],
    after: Standing,
    names: Mapping[str, str],
    *,
    known: Collection[str] = frozenset(),
) -> list[str]:
    """Why a change is not made. `names`: id of a need → its number; `known`: who the reader is looking at anyway."""
    return [_refusal(bound, [names[one] for one in who if one not in known], after) for bound, who in refused.items()]


def _refusal(bound: Violation, who: list[str], after: Standing) -> str:
    why = _REFUSED[bound].format(size=after.size, most=after.most)
    if not who:
        return why
    more = len(who) - WHO_MOST
    told = who if more <= 0 else [*who[:WHO_MOST], f"nog {more}"]
    return f"{why} Dat geldt voor {_listed(told)}."


def sentences(effect: Effect) -> list[str]:
    """The effect on one group, the main thing first; what stays the same is said in as few words as it takes."""
    before, after = effect.before, effect.after
    if after.size == 0:
        return ["Er zit dan niemand meer in deze groep."]
    found = [f"{people(after.size)} in plaats van {before.size}."]
    if after.too_small:
        found.append(f"Dat is te weinig. Goedkeuren kan pas vanaf {after.least} mensen.")
    found.append(_closeness(before, after))
    found += _moment(before, after)
    found += _place(before, after)
    if after.terms.language != before.terms.language:
        found.append(f"De groep spreekt dan {wording.language(after.terms.language)}.")
    return found


def concerns(now: Standing, names: Mapping[str, str]) -> list[str]:
    """What does not hold in the group as it stands, for a coordinator to look at; its size is said elsewhere."""
    return refusals({bound: who for bound, who in now.broken.items() if bound is not Violation.SIZE}, now, names)


def people(count: int) -> str:
    return f"{count} {'mens' if count == 1 else 'mensen'}"


def points(closeness: float) -> int:
    """A cosine as points out of 100, as `models.reasons` tells it."""
    return round(PERCENT * closeness)


def _closeness(before: Standing, after: Standing) -> str:
    if after.size == 1:
        return "Er is dan niemand om bij te passen."
    if after.weakest is None or before.weakest is None:
        return "Hoe goed zij bij elkaar passen, is niet bekend."
    new, old = points(after.weakest[1]), points(before.weakest[1])
    if new == old:
        return f"Wie het minst past, past even goed: {new} van de 100 punten."
    better = "beter" if new > old else "minder goed"
    return f"Wie het minst past, past {better}: {new} in plaats van {old} van de 100 punten."


def _moment(before: Standing, after: Standing) -> list[str]:
    daypart = after.terms.daypart
    if daypart is None:
        return ["Niemand gaf aan wanneer het kan."]
    can = f"{after.can_come} van de {after.size} kunnen op {wording.daypart(daypart)}."
    if before.terms.daypart is None or before.terms.daypart == daypart:
        return [can]
    return [f"Op {wording.daypart(before.terms.daypart)} kunnen er te weinig. {can}"]


def _place(before: Standing, after: Standing) -> list[str]:
    if after.terms.meeting is Meeting.ONLINE:
        return [] if before.terms.meeting is Meeting.ONLINE else ["De groep komt dan online bij elkaar."]
    if after.farthest is None:
        return []
    now = f"De langste reis naar het midden is {km(after.farthest[1])}"
    if before.farthest is None or km(before.farthest[1]) == km(after.farthest[1]):
        return [f"{now}."]
    return [f"{now}, in plaats van {km(before.farthest[1])}."]


def km(distance: float) -> str:
    """`2,4 km`; what rounds to nothing is said as less than the smallest step."""
    return f"{distance:.1f} km".replace(".", ",") if round(distance, 1) else "minder dan 0,1 km"


def _listed(names: Sequence[str]) -> str:
    """`A, B en C`."""
    return " en ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
