"""How long what is kept: one rule a row, each with its setting, its reason and the statement that applies it.

The nightly round (`workers.upkeep`) applies them; the processing register and the DPIA are made from the same rows
(docs/decisions/0021), so what is written there is what is done. The moment is always given, never asked of a clock.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service import audit, erasure
from service.audit import WORKER, Action
from service.db import Connection
from service.domain import MunicipalityId, ResidentId
from service.errors import NotFound
from service.queries import retention as rows
from service.queries.retention import Due
from service.settings import Settings

BATCH: Final = 200
"""Rows a transaction, so that nobody waits for the round and a worker that dies loses little of it."""

Deleting = Callable[[Connection, Due], Awaitable[int | list[ResidentId]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that is not kept for ever. What people read is Dutch.

    `setting`: the field of Settings that says how many days after `after` it goes; `then`: what happens. `remove`: the
    statement that does it, or with `erases` the one that says who is erased.
    """

    code: str
    setting: str
    remove: Deleting
    what: str
    after: str
    why: str
    then: str
    erases: bool = False

    def days(self, settings: Settings) -> int:
        found: int = getattr(settings, self.setting)
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """Something the nightly round leaves: how long it stays, and why."""

    what: str
    until: str
    why: str


RULES: Final = (
    Rule(
        "words_without_consent",
        "keep_unconsented_days",
        rows.words_without_consent,
        what="de tekst van een hulpvraag, de onderwerpen en de getallen die de computer ervan maakte",
        after="het einde van de toestemming om te zoeken",
        why="Zonder toestemming zoekt Kring niet. De inwoner heeft nog even tijd om opnieuw ja te zeggen.",
        then="gewist; de hulpvraag telt alleen nog mee in aantallen",
    ),
    Rule(
        "words_of_closed",
        "keep_closed_days",
        rows.words_of_closed,
        what="de tekst van een hulpvraag, de onderwerpen en de getallen die de computer ervan maakte",
        after="het sluiten van de hulpvraag",
        why="Er wordt niet meer gezocht. Een consulent kan nog even nakijken waar het over ging.",
        then="gewist; de hulpvraag telt alleen nog mee in aantallen",
    ),
    Rule(
        "resident_over",
        "keep_withdrawn_days",
        rows.over,
        what="alles wat nog van een inwoner bewaard is",
        after="het wissen van de laatste tekst, als de inwoner in geen platform zit",
        why="Een consulent kan nog even uitleggen wat er is gebeurd.",
        then="gewist, zoals met de knop van de inwoner zelf; aantallen en het bewijs van toestemming blijven",
        erases=True,
    ),
    Rule(
        "contact_without_consent",
        "keep_contact_days",
        rows.contacts_without_consent,
        what="het adres, het telefoonnummer of het e-mailadres",
        after="het einde van de toestemming om uit te nodigen en om te vragen hoe het gaat",
        why="Niemand mag de inwoner nog een bericht sturen. De inwoner heeft nog even tijd om opnieuw ja te zeggen.",
        then="gewist uit de kluis",
    ),
    Rule(
        "links",
        "keep_links_days",
        rows.links,
        what="persoonlijke links, als afdruk waar de link zelf niet uit te halen is",
        after="het verlopen of intrekken van de link",
        why="Zo is nog even te zien dat een link is gebruikt of verlopen.",
        then="gewist",
    ),
    Rule(
        "sessions",
        "keep_sessions_days",
        rows.sessions,
        what="aanmeldingen van medewerkers",
        after="het aanmelden",
        why="Een aanmelding geldt twaalf uur.",
        then="gewist",
    ),
    Rule(
        "messages",
        "keep_messages_days",
        rows.messages,
        what="dat er een bericht is verstuurd of afgezegd, zonder adres en zonder inhoud",
        after="het versturen of afzeggen",
        why="Zo gaat geen bericht twee keer, en is een klacht over een bericht uit te zoeken.",
        then="gewist",
    ),
    Rule(
        "memberships",
        "keep_memberships_days",
        rows.memberships,
        what="wie in een platform zat",
        after="het vertrek, of het einde van het platform",
        why="Zo wordt iemand die wegging niet vanzelf opnieuw gevraagd.",
        then="gewist; hoeveel mensen er waren, blijft",
    ),
    Rule(
        "seats",
        "keep_seats_days",
        rows.seats,
        what="wie in een voorstel stond en wie daarvoor is uitgenodigd",
        after="de beslissing over het voorstel, of het vervallen ervan",
        why="Zo komt een groep die is afgewezen niet terug, en wordt wie nee zei niet steeds opnieuw gevraagd.",
        then="gewist; hoeveel mensen zijn gevraagd en wat zij zeiden, blijft als aantal",
    ),
    Rule(
        "ungrouped",
        "keep_runs_days",
        rows.ungrouped,
        what="waarom iemand in een zoektocht geen groep kreeg",
        after="het einde van de zoektocht",
        why="Een consulent kan uitleggen waarom het eerder niet lukte. Van de laatste zoektocht blijft het altijd.",
        then="gewist; hoe vaak elke reden voorkwam, blijft",
    ),
    Rule(
        "pulse_requests",
        "keep_pulse_requests_days",
        rows.pulse_requests,
        what="aan wie in een peiling is gevraagd hoe het gaat",
        after="het versturen van de peiling",
        why="Zo kan iemand antwoorden, en maar één keer.",
        then="gewist; hoeveel mensen zijn gevraagd, blijft",
    ),
    Rule(
        "pulse_answers",
        "keep_pulse_answers_days",
        rows.pulse_answers,
        what="de antwoorden in een peiling, zonder wie ze gaf",
        after="het versturen van de peiling",
        why="Zo is te zien hoe het met een platform gaat, drie jaar lang.",
        then="gewist",
    ),
    Rule(
        "proofs",
        "keep_proof_days",
        rows.proofs,
        what="dat een gewiste inwoner toestemming had gegeven: waarvoor, voor welke tekst, van wanneer tot wanneer",
        after="het wissen van de inwoner",
        why="De gemeente moet kunnen laten zien dat zij mocht wat zij deed. Een eis verjaart na vijf jaar.",
        then="gewist",
    ),
)
"""In this order each night: what a rule leaves behind can be due by a later one."""

KEPT: Final = (
    Kept(
        "het logboek: wie deed wanneer wat, met de schuilnaam van de inwoner en zonder inhoud",
        "zo lang als de beheerder instelt, minstens een jaar (`kring audit purge`)",
        "Een inwoner en een toezichthouder moeten kunnen nagaan wie er keek. Alleen de beheerder kan hierin wissen.",
    ),
    Kept(
        "rapporten: aantallen van minstens tien inwoners van drie consulenten",
        "altijd",
        "Een rapport gaat over niemand, en verandert niet meer nadat het is gemaakt.",
    ),
    Kept(
        "aantallen bij een thema, een zoektocht, een voorstel, een bijeenkomst en een platform",
        "altijd",
        "Zo is te zien hoe platforms groeien. Er staat niet bij om wie het gaat.",
    ),
    Kept(
        "reservekopieën van de database",
        "zo lang als de gemeente ze bewaart",
        "Wat Kring wist, staat nog in een oude reservekopie. docs/how-to-erase.md zegt wat te doen na terugzetten.",
    ),
)


async def apply(
    conn: Connection, municipality: MunicipalityId, rule: Rule, *, settings: Settings, now: datetime
) -> int:
    """Apply a rule to what is due, a batch at most; how many it was. Nought: nothing is due any more.

    In a transaction of its own, with the entries in the audit trail. Doing it again does no harm.
    """
    due = Due(now - timedelta(days=rule.days(settings)), now, BATCH)
    if rule.erases:
        return await _erase_one(conn, municipality, due)
    done = await rule.remove(conn, due)
    people: list[ResidentId | None] = [*done] if isinstance(done, list) else [None]
    count = len(done) if isinstance(done, list) else done
    if count:
        await audit.record_each(
            conn,
            municipality,
            WORKER,
            Action.RETENTION_APPLIED,
            object_kind="rule",
            object_id=rule.code,
            residents=people,
            detail=str(count),
        )
    return count


async def _erase_one(conn: Connection, municipality: MunicipalityId, due: Due) -> int:
    """One a transaction: erasing holds all there is of a person, and two of them could wait for each other."""
    for resident in await rows.over(conn, replace(due, most=1)):
        with suppress(NotFound):  # erased by somebody else since
            await erasure.erase(conn, municipality, resident, WORKER)
        return 1
    return 0
