"""Needs from a file, submitted one by one through the same use-case as the page: each row stands or falls alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import cos, radians
from uuid import NAMESPACE_URL, uuid5

from models.age import read_age_band
from models.need import DAYPARTS, AgeBand
from service import needs
from service.db import Pool, transaction
from service.domain import Contact, GivenBy, MunicipalityId, NewNeed, Purpose, RecordedHow, Staff
from service.errors import FieldErrors, Identifying, NotFound
from service.jsonl import GoodRow, NeedRow, RefusedRow
from service.queries import municipalities
from service.vault import Vault

_UNDER_16 = {AgeBand.UNDER_12, AgeBand.AGE_12_15}
KM_PER_DEGREE = 111.2
AREA_KM = 25.0  # a place further than this from every area of the municipality is somewhere else


@dataclass
class Imported:
    """What became of a file: reference by row id, the rows that were refused, the rows whose age was assumed."""

    references: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    age_assumed: int = 0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a row that does not say is taken to mean; the person who imports declares it."""

    consents: frozenset[Purpose]
    age_band: AgeBand


async def submit_rows(
    pool: Pool,
    staff: Staff,
    rows: Sequence[GoodRow | RefusedRow],
    assumed: Assumptions,
    *,
    vault: Vault,
    consent_days: int,
    done: Callable[[], None] = lambda: None,
) -> Imported:
    """Submit every row that can be; `done` is called after each. The same rows again store nothing twice.

    One row, one transaction: a broken row, or a process killed half-way, loses no other row.
    """
    imported = Imported()
    pairs = _pairs(rows)
    async with transaction(pool, staff.municipality) as conn:
        areas = await municipalities.areas(conn)
    for row in rows:
        if isinstance(row, RefusedRow):
            imported.refused.append(row)
        else:
            apart = tuple(imported.references[other] for other in pairs[row.row.id] if other in imported.references)
            try:
                need = _new_need(staff.municipality, row.row, areas, assumed, apart)
                async with transaction(pool, staff.municipality) as conn:
                    imported.references[row.row.id] = await needs.submit(
                        conn, staff, need, vault=vault, consent_days=consent_days
                    )
            except FieldErrors as error:
                imported.refused.append(RefusedRow(row.line, _reason(error), row.row.id))
            else:
                imported.age_assumed += _age_band(row.row) is None
        done()
    return imported


async def find_staff(pool: Pool, slug: str, subject: str) -> Staff:
    """The caseworker a file is submitted by. Raises NotFound, naming what is not there."""
    async with pool.acquire() as conn:
        municipality = await municipalities.municipality_by_slug(conn, slug)
    if municipality is None:
        raise NotFound(f"there is no municipality {slug!r}")
    async with transaction(pool, municipality.id) as conn:
        staff = await municipalities.staff_by_subject(conn, subject)
    if staff is None:
        raise NotFound(f"there is no caseworker {subject!r} in {slug}")
    return staff


def _pairs(rows: Sequence[GoodRow | RefusedRow]) -> dict[str, set[str]]:
    """Who must not meet whom, from either side: whichever of the two is stored second brings the pair along."""
    pairs: dict[str, set[str]] = {row.row.id: set() for row in rows if isinstance(row, GoodRow)}
    for row in rows:
        if isinstance(row, GoodRow):
            for other in row.row.apart & pairs.keys():
                pairs[row.row.id].add(other)
                pairs[other].add(row.row.id)
    return pairs


def _age_band(row: NeedRow) -> AgeBand | None:
    return row.age_band or read_age_band(row.text, row.perspective)


def _new_need(
    municipality: MunicipalityId,
    row: NeedRow,
    areas: list[municipalities.Area],
    assumed: Assumptions,
    apart: tuple[str, ...],
) -> NewNeed:
    age_band = _age_band(row) or assumed.age_band
    return NewNeed(
        # From the row, so that the same file sent again, or after a crash, meets what it stored before
        submission_key=uuid5(NAMESPACE_URL, f"kring:{municipality}:{row.id}:{row.text}"),
        text=row.text,
        perspective=row.perspective,
        age_band=age_band,
        area_code=_nearest(row, areas),
        languages=tuple(sorted(row.languages)),
        # a row that does not say when can come at any time
        dayparts=tuple(daypart for daypart in DAYPARTS if daypart in row.dayparts) or DAYPARTS,
        meeting=row.meeting,
        consents=assumed.consents if row.consents is None else row.consents,
        given_by=GivenBy.REPRESENTATIVE if age_band in _UNDER_16 else GivenBy.SELF,
        recorded_how=RecordedHow.PAPER,
        contact=None if row.contact is None else Contact(row.contact.channel, row.contact.value),
        apart=apart,
        topics=row.topics,
        waiting_since=datetime.now(UTC) - timedelta(days=row.waiting_days),
        noted_by=row.caseworker,
    )


def _nearest(row: NeedRow, areas: list[municipalities.Area]) -> str:
    """Code of the area whose centre is nearest; empty, so refused, when the row has no place or one far away."""
    if row.area is None or not areas:
        return ""
    lat, lon = row.area.lat, row.area.lon

    def km(area: municipalities.Area) -> float:
        east = (area.lon - lon) * cos(radians(lat))
        return float(((area.lat - lat) ** 2 + east**2) ** 0.5) * KM_PER_DEGREE

    nearest = min(areas, key=km)
    return nearest.code if km(nearest) <= AREA_KM else ""


def _reason(error: FieldErrors) -> str:
    """In English, for a terminal and a log: fields and kinds, never what stood in them."""
    if isinstance(error, Identifying):
        spans = ", ".join(f"{span.label} at {span.start}-{span.end}" for span in error.spans)
        return f"text: holds something identifying ({spans})"
    known = {
        "area": "area: missing, or not within the municipality",
        "consents": "consents: there is no consent for matching, or follow-up without invitation",
        "contact": "contact: missing or not usable for the invitation consent, or given without that consent",
        "languages": "languages: holds a language Kring does not know",
        "text": "text: holds too little or too much to be a note",
        "given_by": "age_band: does not fit who gave consent",
        "apart": "apart: names a need that does not exist",
        "dayparts": "dayparts: holds a moment that does not exist",
    }
    return "; ".join(known.get(name, f"{name}: not accepted") for name in error.fields)
