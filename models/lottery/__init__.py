"""A fair draw when more people want a place than there are: chances as equal as the quotas allow.

For a group that is full before everyone is in, and for a citizens' panel drawn by lot. The method is that of Flanigan,
Gölz, Gupta, Hennig and Procaccia, "Fair algorithms for selecting citizens' assemblies", Nature 596 (2021): do not
search one panel that keeps the quotas, but a *lottery* over such panels in which the person with the lowest chance has
as high a chance as can be, then the next lowest, and so on (leximin). One panel is drawn from it with a recorded seed.

    problem      people, quotas and seats, checked; who is interchangeable with whom
    quotas       quotas as a clerk writes them
    panels       panels that keep the quotas, as an integer programme
    chances      the fair chances, and the lottery that gives them
    relaxation   the smallest change of quotas that cannot hold
    drawing      one panel from the lottery, and reserves
"""

from models.lottery.chances import Lottery, fair_lottery
from models.lottery.drawing import Draw, Reserve, draw
from models.lottery.problem import Person, Problem, Quota
from models.lottery.quotas import read_quotas
from models.lottery.relaxation import Change, QuotasImpossible

__all__ = [
    "Change",
    "Draw",
    "Lottery",
    "Person",
    "Problem",
    "Quota",
    "QuotasImpossible",
    "Reserve",
    "draw",
    "fair_lottery",
    "read_quotas",
]
