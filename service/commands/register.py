"""`kring register`: the register of processing (AVG art. 30), from the facts of the code and of this installation."""

from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from service.commands.files import check_output, write_output
from service.consents import TEXTS
from service.domain import Purpose
from service.retention import KEPT, RULES
from service.settings import Settings

PURPOSES: Final = {
    Purpose.MATCHING: "zoeken wie hetzelfde meemaakt",
    Purpose.INVITATION: "uitnodigen",
    Purpose.FOLLOW_UP: "vragen hoe het gaat",
}

HEAD: Final = """\
# Verwerkingsregister

Gemaakt door `kring register`; verander het niet met de hand. Wat een gemeente zelf weet staat tussen ⟨haken⟩.

| | |
|---|---|
| verwerkingsverantwoordelijke | ⟨het college van de gemeente, met adres⟩ |
| functionaris voor gegevensbescherming | ⟨naam en adres⟩ |
| verwerker | ⟨wie Kring beheert⟩ |
| betrokkenen | inwoners met een hulpvraag, of hun ouder of voogd; medewerkers van de gemeente |
| ontvangers buiten de gemeente | geen |
| doorgifte buiten de EER | geen |
| besluiten zonder mens | geen: elk voorstel wordt door een verbinder goedgekeurd of afgewezen |
| beveiliging | [het dreigingsmodel](../threat-model.md), met bij elke maatregel de test |
| risico's | [de DPIA](dpia.md) |
"""


def register(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it here instead of to standard output.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="With the periods as they ship, whatever this installation has set.")
    ] = False,
) -> None:
    """Write the register of processing in Dutch, with the periods that this installation keeps.

    Without settings (KRING_…) it has the periods as they ship, as with --defaults.
    """
    check_output(output)
    write_output(output, text(_days(defaults=defaults)))


def _days(*, defaults: bool) -> dict[str, int]:
    shipped = {name: field.default for name, field in Settings.model_fields.items() if isinstance(field.default, int)}
    if defaults:
        return shipped
    try:
        return shipped | {name: value for name, value in Settings().model_dump().items() if isinstance(value, int)}
    except ValidationError:
        return shipped


def text(days: dict[str, int]) -> str:
    """The whole document; `days`: setting → days."""
    parts = [HEAD, "## Doelen en toestemmingen\n", _purposes(days), "## Wat wordt gewist, en wanneer\n", _rules(days)]
    parts += ["## Wat blijft\n", _kept()]
    return "\n".join(parts)


def _purposes(days: dict[str, int]) -> str:
    rows = [
        f"| {PURPOSES[name]} | {text.label} {text.explanation} | {text.version}, {text.language} | "
        f"`{text.hash.hex()[:16]}…` |"
        for name in Purpose
        for text in (TEXTS[name],)
    ]
    notice = _period(days["consent_notice_days"])
    return _table(
        "Grondslag: uitdrukkelijke toestemming, per doel (AVG art. 6 lid 1 a, art. 9 lid 2 a). Een toestemming geldt "
        f"{_period(days['consent_days'])}. {notice.capitalize()} voor het einde krijgt de "
        "inwoner één bericht, als er een adres is en de inwoner uitgenodigd mag worden (`KRING_CONSENT_NOTICE_DAYS`). "
        "Een consulent ziet dat niet. Onder de 16 jaar geeft een ouder of voogd de toestemming, en krijgt die het "
        "bericht.",
        "| doel | de tekst die de inwoner ziet | versie en taal | hash |",
        rows,
    )


def _rules(days: dict[str, int]) -> str:
    rows = [
        f"| {rule.what} | {_period(days[rule.setting])} na {rule.after} | {rule.then} | {rule.why} | "
        f"`KRING_{rule.setting.upper()}` |"
        for rule in RULES
    ]
    return _table(
        "De nachtelijke ronde past deze regels toe, elke nacht, in deze volgorde.",
        "| wat | wanneer | wat er gebeurt | waarom dan | instelling |",
        rows,
    )


def _kept() -> str:
    return _table(
        "Dit haalt de nachtelijke ronde niet weg.",
        "| wat | hoe lang | waarom |",
        [f"| {kept.what} | {kept.until} | {kept.why} |" for kept in KEPT],
    )


def _table(before: str, head: str, rows: list[str]) -> str:
    line = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([before, "", head, line, *rows]) + "\n"


def _period(days: int) -> str:
    """`365` days as people say it."""
    if days and days % 365 == 0:
        return f"{days // 365} jaar"
    return "direct" if days == 0 else f"{days} {'dag' if days == 1 else 'dagen'}"
