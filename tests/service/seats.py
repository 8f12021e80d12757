"""Somebody of an age, and a seat given to them in plain SQL as the application's role."""

from models.need import AgeBand
from service.domain import ProposalId, Staff
from service.resources import Resources
from tests import factories
from tests.database import refused
from tests.factories import Submitted

ADULT, TEENAGER, CHILD = AgeBand.AGE_40_64, AgeBand.AGE_12_15, AgeBand.UNDER_12
MEMBER = """
    insert into kring.proposal_member (municipality_id, proposal_id, need_id, resident_id) values ($1, $2, $3, $4)
"""


async def add(kring: Resources, staff: Staff, proposal: ProposalId, one: Submitted) -> str:
    return await refused(kring, staff.municipality, MEMBER, staff.municipality, proposal, one.need, one.resident)


async def person(kring: Resources, staff: Staff, age: AgeBand = ADULT) -> Submitted:
    if age in (TEENAGER, CHILD):
        return await factories.submit(kring, staff, factories.childs_need(age_band=age))
    return await factories.submit(kring, staff, age_band=age)
