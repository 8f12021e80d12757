"""`/hulpvragen`: submit a consented need, read it back, page through one's own, withdraw."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from models.need import AgeBand, Meeting, Perspective
from service import needs
from service.auth import Kring, TokenCaseworker, TokenHolder
from service.db import transaction
from service.domain import (
    REACH_MOST,
    TEXT_MOST,
    TOPICS_MOST,
    Channel,
    Contact,
    GivenBy,
    NewNeed,
    Purpose,
    RecordedHow,
)
from service.queries import municipalities
from service.queries import needs as rows
from service.references import reference_or_not_found

router = APIRouter()
PAGE_MOST = 100


class Body(BaseModel):
    """Closed: a misspelt field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Contactgegevens(Body):
    kanaal: Channel
    waarde: str = Field(max_length=500)


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


class Ontvangst(Body):
    referentie: str


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


@router.post("/hulpvragen", status_code=201, summary="Dien een hulpvraag in")
async def submit(
    request: Request, response: Response, kring: Kring, staff: TokenCaseworker, body: NieuweHulpvraag
) -> Ontvangst:
    need = NewNeed(
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
    )
    async with transaction(kring.pool, staff.municipality) as conn:
        reference = await needs.submit(conn, staff, need, vault=kring.vault, consent_days=kring.settings.consent_days)
    response.headers["Location"] = f"{request.scope['root_path']}/hulpvragen/{reference}"
    return Ontvangst(referentie=reference)


@router.get("/hulpvragen", summary="Uw hulpvragen, nieuwste eerst")
async def mine(
    request: Request,
    kring: Kring,
    staff: TokenCaseworker,
    aantal: Annotated[int, Query(ge=1, le=PAGE_MOST)] = 20,
    na: Annotated[str | None, Query(max_length=12, description="verder bladeren: zie _links.next")] = None,
) -> dict[str, Any]:
    async with transaction(kring.pool, staff.municipality) as conn:
        found = await rows.page_of_needs(
            conn, submitted_by=staff.id, after=None if na is None else reference_or_not_found(na), limit=aantal + 1
        )
    here = f"{request.scope['root_path']}/hulpvragen"
    links: dict[str, dict[str, str]] = {"self": {"href": here}}
    if len(found) > aantal:
        links["next"] = {"href": f"{here}?aantal={aantal}&na={found[aantal - 1].reference}"}
    shown = [_shown(need).model_dump(mode="json", by_alias=True) for need in found[:aantal]]
    return {"hulpvragen": shown, "_links": links}


@router.get("/hulpvragen/{referentie}", summary="Eén hulpvraag")
async def one(kring: Kring, staff: TokenCaseworker, referentie: str) -> Hulpvraag:
    async with transaction(kring.pool, staff.municipality) as conn:
        return _shown(await needs.for_staff(conn, staff, reference_or_not_found(referentie)))


@router.post("/hulpvragen/{referentie}/intrekkingen", status_code=201, summary="Trek een hulpvraag in")
async def withdraw(kring: Kring, staff: TokenCaseworker, referentie: str) -> Ontvangst:
    reference = reference_or_not_found(referentie)
    async with transaction(kring.pool, staff.municipality) as conn:
        await needs.withdraw(conn, staff, reference)
    return Ontvangst(referentie=reference)


@router.get("/gebieden", summary="De wijken van de gemeente")
async def areas(kring: Kring, staff: TokenHolder) -> dict[str, list[Gebied]]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {"gebieden": [Gebied(code=area.code, naam=area.name) for area in await municipalities.areas(conn)]}
