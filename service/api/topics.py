"""`/onderwerpen`: what a need can be about, and which of it a note seems to be about."""

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from models.need import Perspective
from models.taxonomy import taxonomy
from service import topics
from service.api.needs import Body
from service.auth import TokenCaseworker, TokenHolder
from service.domain import TEXT_MOST

router = APIRouter()


class Onderwerp(Body):
    id: str
    naam: str
    omschrijving: str
    domein: str
    perspectieven: tuple[Perspective, ...]


class Tekst(Body):
    """Niets van de tekst wordt bewaard."""

    tekst: str = Field(max_length=TEXT_MOST)
    perspectief: Perspective | None = None


class Suggestie(Body):
    onderwerp: str
    naam: str
    score: float = Field(description="van 10 teksten met score 0,7 gaan er ongeveer 7 over dit onderwerp")


class Suggesties(Body):
    suggesties: tuple[Suggestie, ...] = Field(description="het waarschijnlijkste onderwerp eerst")
    zeker: bool = Field(description="als dit onwaar is, past waarschijnlijk geen van de onderwerpen: toon ze dan niet")


@router.get("/onderwerpen", summary="De onderwerpen waar een hulpvraag over kan gaan")
async def all_topics(_: TokenHolder) -> dict[str, list[Onderwerp]]:
    known = taxonomy()
    return {
        "onderwerpen": [
            Onderwerp(
                id=topic.id,
                naam=topic.label,
                omschrijving=topic.description,
                domein=domain.label,
                perspectieven=topic.perspectives,
            )
            for domain in known.domains
            for topic in known.of_domain(domain)
        ]
    }


@router.post("/onderwerp-suggesties", summary="Waar een tekst over lijkt te gaan; een mens kiest")
async def suggest(_: TokenCaseworker, body: Tekst) -> Suggesties:
    found = await run_in_threadpool(topics.suggest, body.tekst, body.perspectief)
    return Suggesties(
        suggesties=tuple(
            Suggestie(onderwerp=one.topic, naam=taxonomy().topic(one.topic).label, score=round(one.score, 4))
            for one in found.best
        ),
        zeker=found.sure,
    )
