"""Needs from a file, submitted one by one through the same use-case as the page: each row stands or falls alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from models.age import read_age_band
from models.need import DAYPARTS, AgeBand
from service import needs
from service.db import Pool, transaction
from service.domain import (
    REACH_MOST,
    TOPICS_MOST,
    UNDER_16,
    Contact,
    GivenBy,
    MunicipalityId,
    NewNeed,
    Purpose,
    RecordedHow,
    Staff,
)
from service.errors import FieldErrors, Identifying, NotFound
from service.jsonl import GoodRow, NeedRow, RefusedRow
from service.places import Places
from service.queries import municipalities
from service.queries import needs as need_rows
from service.vault import Vault


@dataclass
class Imported:
    """What became of a file: reference by row id, the rows that were refused, what was assumed or made on the way."""

    references: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    age_assumed: int = 0
    areas_made: int = 0
    known: int = 0  # of `references`: stored by an earlier import


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
    places = Places(pool, staff.municipality)
    for row in rows:
        if isinstance(row, RefusedRow):
            imported.refused.append(row)
        else:
            apart = tuple(imported.references[other] for other in pairs[row.row.id] if other in imported.references)
            try:
                area = await places.area_of(row.row)
                need = _new_need(staff.municipality, row.row, area, assumed, apart)
                async with transaction(pool, staff.municipality) as conn:
                    imported.known += await need_rows.reference_of_submission(conn, need.submission_key) is not None
                    imported.references[row.row.id] = await needs.submit(
                        conn, staff, need, vault=vault, consent_days=consent_days
                    )
            except FieldErrors as error:
                imported.refused.append(RefusedRow(row.line, _reason(error), row.row.id))
            else:
                imported.age_assumed += _age_band(row.row) is None
        done()
    imported.areas_made = places.made
    return imported


async def find_staff(pool: Pool, slug: str, subject: str) -> Staff:
    """The caseworker a file is submitted by. Raises NotFound, naming what is not there."""
    async with pool.acquire() as conn:
        municipality = await municipalities.municipality_by_slug(conn, slug)
    if municipality is None:
        raise NotFound(f"there is no municipality {slug!r}")
    async with transaction(pool, municipality.id) as conn:
        staff = await municipalities.staff_by_subject(conn, subject)
    if staff is None or not staff.is_caseworker:
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
    area_code: str,
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
        area_code=area_code,
        languages=tuple(sorted(row.languages)),
        # a row that does not say when can come at any time
        dayparts=tuple(daypart for daypart in DAYPARTS if daypart in row.dayparts) or DAYPARTS,
        meeting=row.meeting,
        consents=assumed.consents if row.consents is None else row.consents,
        given_by=GivenBy.REPRESENTATIVE if age_band in UNDER_16 else GivenBy.SELF,
        recorded_how=RecordedHow.PAPER,
        contact=None if row.contact is None else Contact(row.contact.channel, row.contact.value),
        apart=apart,
        topics=tuple(dict.fromkeys(row.topics)),
        reach_km=None if row.reach_km is None else min(round(row.reach_km), REACH_MOST),
        waiting_since=datetime.now(UTC) - timedelta(days=row.waiting_days),
        noted_by=row.caseworker,
    )


def _reason(error: FieldErrors) -> str:
    """In English, for a terminal and a log: fields and kinds, never what stood in them."""
    if isinstance(error, Identifying):
        spans = ", ".join(f"{span.label} at {span.start}-{span.end}" for span in error.spans)
        return f"text: holds something identifying ({spans}); a file cannot overrule that, a person on the page can"
    known = {
        "area": "area: missing, or not in the Netherlands",
        "consents": "consents: there is no consent for matching, or follow-up without invitation",
        "contact": "contact: missing or not usable for the invitation consent, or given without that consent",
        "languages": "languages: holds a language Kring does not know",
        "text": "text: holds too little or too much to be a note",
        "given_by": "age_band: does not fit who gave consent",
        "apart": "apart: names a need that does not exist",
        "dayparts": "dayparts: holds a moment that does not exist",
        "reach_km": "reach_km: is no distance",
        "topics": f"topics: holds an id that is not in the taxonomy, or more than {TOPICS_MOST}",
    }
    return "; ".join(known.get(name, f"{name}: not accepted") for name in error.fields)
