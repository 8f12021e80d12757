"""Contact details as they are typed: checked, and made one way of writing before they are sealed."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from service.domain import Channel, Contact
from service.typed import visible

_POSTCODE = re.compile(r"\b[1-9]\d{3} ?[A-Za-z]{2}\b")


def contact_problem(contact: Contact) -> str | None:
    """What is wrong, in Dutch and without repeating it; None when it can be used."""
    if visible(contact.value) != contact.value:
        return "Hierin staan onzichtbare tekens. Typ het over in plaats van te plakken."
    match contact.channel:
        case Channel.EMAIL:
            try:
                validate_email(contact.value, check_deliverability=False, test_environment=True)
            except EmailNotValidError:
                return "Dit e-mailadres klopt niet. Een e-mailadres ziet eruit als naam@voorbeeld.nl."
        case Channel.MOBILE:
            if _mobile(contact.value) is None:
                return "Dit mobiele nummer klopt niet. Een nummer ziet eruit als 06 12345678."
        case Channel.POST:
            if not _POSTCODE.search(contact.value) or len(contact.value.strip()) < 10:
                return "Vul straat, huisnummer, postcode en plaats in."
    return None


def normalised(contact: Contact) -> Contact:
    """The same details, written one way. Expects details without a problem."""
    match contact.channel:
        case Channel.EMAIL:
            valid = validate_email(contact.value, check_deliverability=False, test_environment=True)
            return Contact(Channel.EMAIL, valid.normalized)
        case Channel.MOBILE:
            return Contact(Channel.MOBILE, _mobile(contact.value) or contact.value)
        case Channel.POST:
            lines = [line.strip() for line in contact.value.splitlines()]
            return Contact(Channel.POST, "\n".join(filter(None, lines)))


def _mobile(typed: str) -> str | None:
    """E.164, or None when this is no mobile number that can exist."""
    try:
        number = phonenumbers.parse(typed, "NL")
    except phonenumbers.NumberParseException:
        return None
    kind = phonenumbers.number_type(number)
    mobile = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if not phonenumbers.is_valid_number(number) or kind not in mobile:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
