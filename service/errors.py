"""Errors are named facts with a status; one handler renders them as `application/problem+json` or as a page.

The docstring of a class is the Dutch message a person reads; `code` names the fact for programs and tests.
"""

from typing import ClassVar

from models.deidentify import Span


class KringError(Exception):
    """Er ging iets mis."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Dat lukt niet"

    @property
    def code(self) -> str:
        return type(self).__name__

    @property
    def message(self) -> str:
        return " ".join((type(self).__doc__ or "").split())


class NotFound(KringError):
    """Dit bestaat niet, of u mag het niet zien."""

    status = 404
    title = "Niet gevonden"


class NotSignedIn(KringError):
    """U bent niet aangemeld. Meld u aan en probeer het opnieuw."""

    status = 401
    title = "Niet aangemeld"


class SignInFailed(KringError):
    """Aanmelden met uw gemeente-account is niet gelukt. Probeer het opnieuw, of vraag uw beheerder om hulp."""

    status = 403
    title = "Aanmelden is niet gelukt"

    def __init__(self, detail: str = "") -> None:
        """`detail`: what went wrong as a code, for the audit trail and not for who reads the page."""
        super().__init__(detail)
        self.detail = detail or self.code.lower()


class SignInExpired(SignInFailed):
    """Het aanmelden duurde te lang, of is al een keer gebruikt. Meld u opnieuw aan."""

    status = 400
    title = "Aanmelden is verlopen"


class SignInCancelled(SignInFailed):
    """U bent gestopt met aanmelden, of uw gemeente gaf geen toestemming. Er is niets gebeurd."""

    title = "U bent niet aangemeld"


class SecondFactorMissing(SignInFailed):
    """Kring vraagt een tweede stap bij het aanmelden, zoals een code op uw telefoon. Die stap ontbrak. Meld u opnieuw
    aan en doe ook de tweede stap. Krijgt u die niet? Vraag de beheerder van uw gemeente-account om hulp.
    """

    title = "De tweede stap ontbreekt"


class NoRole(SignInFailed):
    """Uw gemeente kent u, maar u hebt nog geen rol in Kring. Daarom ziet u hier niets. Vraag de beheerder van Kring in
    uw gemeente om een rol: consulent, verbinder of manager. Meld u daarna opnieuw aan.
    """

    title = "U hebt nog geen rol in Kring"


class ProviderUnavailable(SignInFailed):
    """De aanmelddienst van uw gemeente geeft geen antwoord. Probeer het over een paar minuten opnieuw. Wie al is
    aangemeld, kan gewoon verder werken.
    """

    status = 503
    title = "Aanmelden kan nu even niet"


class NotAllowed(KringError):
    """Uw rol geeft geen toegang tot dit onderdeel."""

    status = 403
    title = "Geen toegang"


class ForgedForm(KringError):
    """Het formulier is verlopen. Ga terug, laad de pagina opnieuw en verstuur het dan nog een keer."""

    status = 403
    title = "Formulier verlopen"


class FormUnreadable(KringError):
    """Kring kon het formulier niet lezen. Ga terug en verstuur het nog een keer."""


class LinkUnknown(KringError):
    """Deze link werkt niet (meer)."""

    status = 404
    title = "Deze link werkt niet meer"


class MethodNotAllowed(KringError):
    """Deze handeling bestaat niet op deze pagina."""

    status = 405
    title = "Dat kan hier niet"


class TooManyRequests(KringError):
    """Kring kreeg in korte tijd te veel verzoeken. Wacht even en probeer het dan opnieuw."""

    status = 429
    title = "Even wachten"

    def __init__(self, retry_after: int) -> None:
        """`retry_after`: seconds after which it can work again."""
        super().__init__(str(retry_after))
        self.retry_after = retry_after


class Conflict(KringError):
    """Iemand anders heeft dit intussen veranderd. Kijk eerst wat er nu staat."""

    status = 409
    title = "Intussen veranderd"


class RunInProgress(Conflict):
    """Er wordt al gezocht naar groepen. Wacht tot dat klaar is."""


class ProposalDecided(Conflict):
    """Over dit voorstel is al beslist."""


class ProposalTooSmall(Conflict):
    """Er blijven te weinig mensen over voor een groep. Wijs het voorstel dan af."""


class MembersChanged(Conflict):
    """Iemand in dit voorstel doet niet meer mee. De groep is daarom veranderd. Kijk het voorstel nog eens na."""


class MeetingInPast(KringError):
    """De eerste bijeenkomst moet in de toekomst liggen."""


class MeetingMissing(KringError):
    """Vul eerst de plaats en de tijd van de eerste bijeenkomst in."""


class ReasonMissing(KringError):
    """Geef een reden. Die lezen uw collega's later terug."""


class PlatformEnded(Conflict):
    """Dit platform is gestopt. U kunt er niets meer aan veranderen."""


class PlatformFull(Conflict):
    """Dit platform heeft niet genoeg vrije plekken. Haal iemand weg, of wacht tot er plek is."""


class NobodyToInvite(Conflict):
    """Er is niemand die u mag uitnodigen. Wijs het voorstel dan af."""


class PulseTooSoon(Conflict):
    """Er loopt al een peiling, of er is te kort geleden een peiling geweest."""


class TooFewPeople(Conflict):
    """Er zijn nog te weinig hulpvragen voor een rapport. Nodig zijn minstens 10 hulpvragen, van 3 consulenten."""


class TooLittleChanged(Conflict):
    """Er is te weinig nieuw sinds het vorige rapport. Nodig zijn minstens 10 nieuwe hulpvragen, van 3 consulenten."""


class LeaseLost(KringError):
    """Een andere werker heeft deze zoektocht overgenomen."""


class AlreadyAnswered(Conflict):
    """U hebt al geantwoord."""


class ApartTogether(Conflict):
    """Deze twee mensen zitten nu in hetzelfde voorstel. Haal eerst een van beiden uit het voorstel."""


class ApartInPlatform(ApartTogether):
    """Deze twee mensen horen bij hetzelfde platform, of zijn daarvoor gevraagd. Overleg met de verbinder."""


class SeatRefused(Conflict):
    """Deze persoon past niet (meer) in deze groep: hij of zij doet niet mee, heeft al een groep of mijdt iemand."""


class BoundsBroken(SeatRefused):
    """Zo klopt de groep niet meer."""

    title = "Deze verandering kan niet"

    def __init__(self, why: list[str]) -> None:
        """`why`: a sentence for each bound that would break, in words."""
        super().__init__(" ".join(why))
        self.why = why

    @property
    def message(self) -> str:
        return f"{type(self).__doc__} {' '.join(self.why)}"


class AgeInGroup(Conflict):
    """Deze persoon zit in een groep van een andere leeftijd. Haal hem of haar daar eerst uit."""


class AgeNeedsRepresentative(Conflict):
    """Onder de 16 jaar geeft een ouder of voogd toestemming. Trek alles in en dien de hulpvraag dan opnieuw in."""


class UndoImpossible(Conflict):
    """Dit is niet meer ongedaan te maken: de groep of de mensen zijn intussen veranderd. Er is niets veranderd."""

    title = "Ongedaan maken kan niet meer"


class PersonLeft(UndoImpossible):
    """Iemand die hierbij hoorde, doet niet meer mee met Kring. Daarom laat Kring alles zoals het nu is."""


class PersonInUse(Conflict):
    """Iemand werkt op dit moment met deze gegevens. Probeer het over een minuut nog een keer."""


class FieldErrors(KringError):
    """Sommige antwoorden kloppen nog niet."""

    title = "Controleer uw antwoorden"

    def __init__(self, fields: dict[str, str]) -> None:
        """`fields`: name of the field → what is wrong with it, in Dutch and without repeating what was filled in."""
        super().__init__(", ".join(fields))
        self.fields = fields


class Identifying(FieldErrors):
    """De tekst bevat nog iets waaraan iemand te herkennen is. Herschrijf de gemarkeerde woorden."""

    title = "De tekst is nog herkenbaar"

    def __init__(self, fields: dict[str, str], spans: tuple[Span, ...]) -> None:
        """`spans` point into the text as it was sent; they are shown in place and stored nowhere."""
        super().__init__(fields)
        self.spans = spans


class VaultKeyMissing(KringError):
    """De sleutel van de kluis ontbreekt."""

    status = 500

    def __init__(self, key_id: str) -> None:
        super().__init__(f"vault key {key_id!r} is not configured")
        self.key_id = key_id


class SealBroken(KringError):
    """De contactgegevens zijn beschadigd."""

    status = 500

    def __init__(self, key_id: str) -> None:
        super().__init__(f"what vault key {key_id!r} sealed was changed, or is of another row")
        self.key_id = key_id


class SettingsError(KringError):
    """De instellingen kloppen niet."""

    status = 500


# What the database refuses, by the name of its constraint, as the person who asked for it reads it. Use-cases look
# before they leap, so most of these are only met when two people do something at the same moment.
REFUSALS: dict[str, type[KringError]] = {
    "apart_in_one_platform": ApartInPlatform,
    "apart_in_one_proposal": ApartTogether,
    "invitation_answer_stands": AlreadyAnswered,
    "invitation_approved_proposal": ProposalDecided,
    "invitation_consent": MembersChanged,
    "invitation_live_seat": MembersChanged,
    "joining_age_circle": SeatRefused,
    "joining_apart": SeatRefused,
    "joining_member_already": SeatRefused,
    "joining_platform_ended": PlatformEnded,
    "member_age_circle": SeatRefused,
    "member_apart": SeatRefused,
    "member_draft_proposal": ProposalDecided,
    "member_matching_consent": SeatRefused,
    "member_need_open": SeatRefused,
    "membership_age_circle": SeatRefused,
    "membership_apart": SeatRefused,
    "membership_full": PlatformFull,
    "membership_platform_ended": PlatformEnded,
    "one_draft_per_platform": Conflict,
    "one_live_seat_per_resident": SeatRefused,
    "proposal_decision_stands": ProposalDecided,
    "resident_age_in_group": AgeInGroup,
    "resident_age_in_platform": AgeInGroup,
    "resident_under_16": AgeNeedsRepresentative,
}
