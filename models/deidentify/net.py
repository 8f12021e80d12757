"""Addresses on the net: e-mail, web pages and accounts, as typed and as spelt out."""

import re
from collections.abc import Iterator

from models.deidentify.spans import Hit, Label

_TLD = (
    "nl|com|org|net|info|frl|eu|be|de|uk|tr|pl|ua|amsterdam|gent|vlaanderen|online|site|shop|care|io|app|dev|blog|ma|er"
)
_EMAIL = re.compile(
    r"[\w.+%'-]{1,64}@ ?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    rf"|[\w.+%'-]{{1,64}} @ ?[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,7}}\.(?:{_TLD})\b"
    rf"|[\w.+%'-]{{1,64}} ?@ ?[\w-]{{1,63}} ?, ?(?:{_TLD})\b",
    re.IGNORECASE,
)
_SPOKEN_EMAIL = re.compile(
    r"[\w.+-]{1,64}(?: (?:punt|underscore|streepje) [\w+-]{1,64}(?: (?:de|der|den|van|ter|ten|el) ?\w{0,64}){0,2}){0,4}\s{0,3}(?:[(\[{]\s*(?:at|apenstaart(?:je)?)\s*[)\]}]|\b(?:apenstaart(?:je)?|apestaartje)\b|\bat\b(?=\s*(?:gmail|"
    r"hotmail|outlook|live|ziggo|kpn|[\w-]{2,30}\.(?:nl|com|org|net|eu|be|de|pl|tr))))"
    rf"\s*[\w-]+\s*(?:\.|[(\[]?\s*(?:punt|dot)\s*[)\]]?)\s*(?:{_TLD})\b",
    re.IGNORECASE,
)
_URL = re.compile(
    rf"(?:https?|ftp)://[^\s<>\"]+|\bwww\.[^\s<>\"]+|(?<![\w.-])(?:[\w-]{{1,63}}\.){{1,6}}(?:{_TLD})/[^\s<>\"]*"
    r"|(?<![\w.-])(?:[a-z0-9-]{2,63}\.){1,6}(?:nl|com|org|net|info|frl|eu|be|amsterdam)\b(?![\w-])"
    # what short links end in, and pages where one shows or asks something
    r"|(?<![\w.-])[a-z0-9-]{1,20}\.(?:ly|it|ee|gle|gl|co|me|tv|link|page|to|cc|gd|gg|in)/[\w-]{2,}[^\s<>\"]*"
    r"|\b[\w-]{3,63} punt (?:nl|com|org|net)\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])@[^\W_][\w.]*\w")
# No ordinary word has an underscore.
_UNDERSCORE = re.compile(
    r"(?<![\w@./])(?=[\w.-]*[^\W\d_])(?=\w*[\w.-]*_)[\w.-]{4,40}(?<![.-])(?![\w@])|(?<!\w)u/[\w-]{3,}"
)
_HANDLE_CUE = re.compile(
    r"\b(?:insta(?:gram)?|snap(?:chat)?|tiktok|twitter|facebook|fb|discord|telegram|linkedin|signal|twitch|roblox|fortnite|gebruikersnaam|"
    r"username|accountnaam|account|gamertag|skype)"
    r"(?:[ -]?(?:account|naam|profiel))?\b\s*(?:is|heet|:|=|onder|als)?\s*['\"]?((?=[\w.-]*[\d_.])(?=[\w.-]*[a-z])[a-z\d][\w.-]{2,}\w(?:#\d{2,5})?|\w{3,32}#\d{4})",
    re.IGNORECASE,
)


def net_addresses(text: str) -> Iterator[Hit]:
    """E-mail addresses, also spelled out; web addresses; accounts on social media."""
    for pattern in (_EMAIL, _SPOKEN_EMAIL):
        for match in pattern.finditer(text):
            yield Hit(*match.span(), Label.EMAIL)
    for match in _URL.finditer(text):
        found = match[0].rstrip(".,;:!?)'\"]")
        if match.start() == 0 or text[match.start() - 1] != "@":
            yield Hit(match.start(), match.start() + len(found), Label.URL)
    for match in _HANDLE.finditer(text):
        yield Hit(*match.span(), Label.HANDLE)
    for match in _UNDERSCORE.finditer(text):
        yield Hit(*match.span(), Label.HANDLE)
    for match in _HANDLE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.HANDLE)
