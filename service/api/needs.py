"""`/hulpvragen`: submit a consented need, read it back, page through one's own, withdraw."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool

from models.deidentify import Label
from models.need import AgeBand, Meeting, Perspective
from models.rarity import Rare
from service import gate, needs
from service.audit import Action
from service.auth import Kring, TokenCaseworker, TokenHolder
from service.db import transaction
from service.domain import (
    OVERRULED_MOST,
    REACH_MOST,
    TEXT_MOST,
    TOPICS_MOST,
    Channel,
    Contact,
    GivenBy,
    NewNeed,
    Overruled,
    OverruleReason,
    Purpose,
    RecordedHow,
    ReminderAnswer,
)
from service.note_words import RARE, REMINDER
from service.queries import municipalities
from service.queries import needs as rows
from service.references import reference_or_not_found
from service.trail import actor_of, kept

router = APIRouter()
PAGE_MOST = 100


class Body(BaseModel):
    """Closed: a misspelt field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Contactgegevens(Body):
    kanaal: Channel
    waarde: str = Field(max_length=500)


class GeenHerkenning(Body):
    """Een mens vindt dat niemand hieraan te herkennen is. De woorden worden vergeleken en nooit bewaard."""

    tekst: str = Field(max_length=TEXT_MOST, description="de woorden, precies zoals ze in de tekst staan")
    label: Label
    reden: OverruleReason


class NieuweHulpvraag(Body):
    """Een hulpvraag met toestemming, zonder herkenbare gegevens in de tekst."""

    sleutel: UUID = Field(description="kies zelf; dezelfde sleutel twee keer geeft één hulpvraag")
    tekst: str = Field(max_length=TEXT_MOST)
    perspectief: Perspective
    onderwerpen: list[str] = Field(
        default=[], max_length=TOPICS_MOST, description="die een mens bevestigde; ids uit /onderwerpen"
    )
    leeftijdsgroep: AgeBand
    gebied: str = Field(max_length=40, description="code uit /gebieden")
    talen: list[str] = Field(max_length=20)
    dagdelen: list[str] = Field(max_length=21, description="zoals mon-evening")
    ontmoeten: Meeting
    reisafstand: int | None = Field(
        default=None, ge=0, le=REACH_MOST, description="kilometers die iemand kan reizen; leeg: niet bekend"
    )
    toestemmingen: list[Purpose] = Field(max_length=3)
    toestemming_door: GivenBy = GivenBy.SELF
    toestemming_hoe: RecordedHow
    contact: Contactgegevens | None = None
    niet_samen_met: list[str] = Field(default=[], max_length=20, description="referenties van hulpvragen")
    geen_herkenning: list[GeenHerkenning] = Field(
        default=[],
        max_length=OVERRULED_MOST,
        description="wat mag blijven staan; kan niet bij BSN, EMAIL, HANDLE, IBAN, PHONE en URL",
    )


class Vondst(Body):
    """Iets waaraan iemand te herkennen is; begin en einde tellen in tekens (code points) van de tekst."""

    begin: int
    einde: int
    label: Label
    advies: str


class Waarschuwing(Body):
    """Wat iemand herkenbaar kan maken; het houdt niets tegen."""

    begin: int
    einde: int
    soort: Rare
    advies: str


class Ontvangst(Body):
    referentie: str


class NieuweOntvangst(Ontvangst):
    waarschuwingen: list[Waarschuwing]
    herinnering: str | None = Field(description="als de tekst over gevaar lijkt te gaan: laat dit de consulent lezen")


class Tekst(Body):
    """Niets van de tekst wordt bewaard."""

    tekst: str = Field(max_length=TEXT_MOST)


class Controle(Body):
    herkenbaar: list[Vondst]
    waarschuwingen: list[Waarschuwing]
    herinnering: str | None


class Hulpvraag(Body):
    referentie: str
    status: str
    tekst: str | None
    perspectief: Perspective
    onderwerpen: tuple[str, ...]
    leeftijdsgroep: AgeBand
    gebied: str
    talen: tuple[str, ...]
    dagdelen: tuple[str, ...]
    ontmoeten: Meeting
    reisafstand: int | None
    ontvangen: AwareDatetime


class Gebied(Body):
    code: str
    naam: str


# A closed need shows as open: only the answer "never" closes one, and nobody is shown who declined.
STATES = {"open": "open", "closed": "open", "withdrawn": "ingetrokken"}


def _shown(need: rows.NeedRow) -> Hulpvraag:
    return Hulpvraag(
        referentie=need.reference,
        status=STATES[need.state],
        tekst=need.text,
        perspectief=need.perspective,
        onderwerpen=need.topics,
        leeftijdsgroep=need.age_band,
        gebied=need.area_name,
        talen=need.languages,
        dagdelen=need.dayparts,
        ontmoeten=need.meeting,
        reisafstand=need.reach_km,
        ontvangen=need.created_at,
    )


def _new_need(body: NieuweHulpvraag) -> NewNeed:
    return NewNeed(
        submission_key=body.sleutel,
        text=body.tekst,
        perspective=body.perspectief,
        age_band=body.leeftijdsgroep,
        area_code=body.gebied,
        languages=tuple(dict.fromkeys(body.talen)),
        dayparts=tuple(dict.fromkeys(body.dagdelen)),
        meeting=body.ontmoeten,
        reach_km=body.reisafstand,
        consents=frozenset(body.toestemmingen),
        given_by=body.toestemming_door,
        recorded_how=body.toestemming_hoe,
        contact=None if body.contact is None else Contact(body.contact.kanaal, body.contact.waarde),
        apart=tuple(body.niet_samen_met),
        topics=tuple(dict.fromkeys(body.onderwerpen)),
        overruled=tuple(Overruled(one.label, one.tekst, one.reden) for one in body.geen_herkenning),
    )


@router.post("/hulpvragen", status_code=201, summary="Dien een hulpvraag in")
async def submit(
    request: Request, response: Response, kring: Kring, staff: TokenCaseworker, body: NieuweHulpvraag
) -> NieuweOntvangst:
    checked = await run_in_threadpool(_checked, body.tekst)
    async with kept(request, kring, staff, Action.NEED_SUBMITTED, "need") as trace:
        reference = await needs.submit(
            trace.conn,
            staff,
            _new_need(body),
            vault=kring.vault,
            consent_days=kring.settings.consent_days,
            actor=actor_of(request, staff),
            reminded=ReminderAnswer.NOT_ASKED if checked.herinnering else None,
        )
        trace.object_id = reference
        trace.about([(await needs.for_staff(trace.conn, staff, reference)).resident_id])
    response.headers["Location"] = f"{request.scope['root_path']}/hulpvragen/{reference}"
    return NieuweOntvangst(referentie=reference, waarschuwingen=checked.waarschuwingen, herinnering=checked.herinnering)


@router.post("/tekst-controles", summary="Wat er in een tekst herkenbaar is, voordat u hem indient")
async def check(_: TokenCaseworker, body: Tekst) -> Controle:
    return await run_in_threadpool(_checked, body.tekst)


def _checked(text: str) -> Controle:
    return Controle(
        herkenbaar=[
            Vondst(begin=span.start, einde=span.end, label=span.label, advies=span.suggestion.strip("()"))
            for span in gate.look(text).spans
        ],
        waarschuwingen=[
            Waarschuwing(begin=one.start, einde=one.end, soort=one.kind, advies=RARE[one.kind])
            for one in gate.rare(text)
        ],
        herinnering=REMINDER if gate.reminds(text) else None,
    )


@router.get("/hulpvragen", summary="Uw hulpvragen, nieuwste eerst")
async def mine(
    request: Request,
    kring: Kring,
    staff: TokenCaseworker,
    aantal: Annotated[int, Query(ge=1, le=PAGE_MOST)] = 20,
    na: Annotated[str | None, Query(max_length=12, description="verder bladeren: zie _links.next")] = None,
) -> dict[str, Any]:
    after = None if na is None else reference_or_not_found(na)
    async with kept(request, kring, staff, Action.NEED_LISTED, "need") as trace:
        found = await rows.page_of_needs(trace.conn, submitted_by=staff.id, after=after, limit=aantal + 1)
        trace.about(need.resident_id for need in found[:aantal])
    here = f"{request.scope['root_path']}/hulpvragen"
    links: dict[str, dict[str, str]] = {"self": {"href": here}}
    if len(found) > aantal:
        links["next"] = {"href": f"{here}?aantal={aantal}&na={found[aantal - 1].reference}"}
    shown = [_shown(need).model_dump(mode="json", by_alias=True) for need in found[:aantal]]
    return {"hulpvragen": shown, "_links": links}


@router.get("/hulpvragen/{referentie}", summary="Eén hulpvraag")
async def one(request: Request, kring: Kring, staff: TokenCaseworker, referentie: str) -> Hulpvraag:
    wanted = reference_or_not_found(referentie)
    async with kept(request, kring, staff, Action.NEED_READ, "need", wanted) as trace:
        need = await needs.for_staff(trace.conn, staff, wanted)
        trace.about([need.resident_id])
    return _shown(need)


@router.post("/hulpvragen/{referentie}/intrekkingen", status_code=201, summary="Trek een hulpvraag in")
async def withdraw(request: Request, kring: Kring, staff: TokenCaseworker, referentie: str) -> Ontvangst:
    reference = reference_or_not_found(referentie)
    async with kept(request, kring, staff, Action.NEED_WITHDRAWN, "need", reference) as trace:
        trace.about([(await needs.for_staff(trace.conn, staff, reference)).resident_id])
        await needs.withdraw(trace.conn, staff, reference)
    return Ontvangst(referentie=reference)


@router.get("/gebieden", summary="De wijken van de gemeente")
async def areas(kring: Kring, staff: TokenHolder) -> dict[str, list[Gebied]]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {"gebieden": [Gebied(code=area.code, naam=area.name) for area in await municipalities.areas(conn)]}
