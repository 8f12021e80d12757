"""The words of every message to a resident.

A message passes mail servers, notifications and other people's eyes, so it says who sends it and that there is a
page to open: no theme, no reason, no name of a group, no place, no time (docs/sources.md, Messages). The rest is on
the page.
"""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from service.domain import MessageKind

# What each message is for, in words that fit any theme.
OPENINGS: Final[dict[MessageKind, tuple[str, ...]]] = {
    "invitation": ("Wij willen u iets vragen. De vraag staat op een pagina die alleen voor u is.",),
    "reminder": (
        "Wij stuurden u eerder een bericht met een vraag. U hebt nog niet geantwoord. Dat hoeft ook niet.",
        "Wij herinneren u één keer aan deze vraag. Daarna niet meer.",
    ),
    "started": ("U zei ja op een vraag van ons. Er is nu nieuws. Dat staat op een pagina die alleen voor u is.",),
    "joined": ("U zei ja op een vraag van ons. U bent welkom. De rest staat op een pagina die alleen voor u is.",),
    "given_up": ("U zei ja op een vraag van ons. Er is nu nieuws. Dat staat op een pagina die alleen voor u is.",),
    "own_page": ("U vroeg wat wij van u bewaren. Dat staat op een pagina die alleen voor u is.",),
    "consent_ends": (
        "U zei eerder ja op een vraag van ons. Dat loopt bijna af. Wilt u doorgaan? Kies dat dan op een pagina die "
        "alleen voor u is.",
        "Doet u niets? Dan stopt het vanzelf. Dat mag. Wij vragen dit één keer.",
    ),
    "pulse": ("Wij willen u drie korte vragen stellen. U hoeft niet mee te doen.",),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as any channel can carry it: a subject and the same words as plain text and as simple HTML."""

    subject: str
    text: str
    html: str


def compose(kind: MessageKind, *, municipality_name: str, link_url: str, link_days: int) -> Message:
    """The message of one outbox row.

    `municipality_name` comes without the word "gemeente"; `link_url` is the whole personal link, which works for
    `link_days` days. The HTML holds no images and nothing that a reader's program would fetch.
    """
    municipality = " ".join(municipality_name.split())  # a line break in a subject would be a header of its own
    subject = f"Bericht van gemeente {municipality}"
    before = (
        "Goedendag,",
        f"Dit is een bericht van gemeente {municipality}.",
        *OPENINGS[kind],
        "Open deze link:",
    )
    after = (
        "Als u de link opent, gebeurt er nog niets. U kiest zelf wat u doet. Nee zeggen mag altijd.",
        "Met dezelfde link ziet u wat wij over u bewaren. U kunt daar ook alles intrekken.",
        f"De link is alleen voor u. Stuur dit bericht niet door. De link werkt {link_days} dagen.",
        "Weet u niet zeker of dit bericht echt is? Vraag het aan uw contactpersoon bij de gemeente.",
        f"Met vriendelijke groet,\ngemeente {municipality}",
    )
    return Message(
        subject=subject,
        text="\n\n".join([*before, link_url, *after]) + "\n",
        html=_html(subject, before, link_url, after),
    )


def _html(subject: str, before: tuple[str, ...], link_url: str, after: tuple[str, ...]) -> str:
    """The same paragraphs, escaped; the link shows where it goes."""
    link = Markup('<a href="{url}">{url}</a>').format(url=link_url)
    paragraphs = [*map(_paragraph, before), _paragraph(link), *map(_paragraph, after)]
    html = Markup(
        '<!doctype html>\n<html lang="nl">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        "<body>\n{body}\n</body>\n</html>\n"
    ).format(title=subject, body=Markup("\n").join(paragraphs))
    return str(html)


def _paragraph(words: str) -> Markup:
    return Markup("<p>{}</p>").format(escape(words).replace("\n", Markup("<br>")))
