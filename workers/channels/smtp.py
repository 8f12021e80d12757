"""E-mail over SMTP: STARTTLS with a certificate that is verified, one message a connection."""

import asyncio
import re
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from email_validator import validate_email

from service.settings import Settings
from workers.channels import Letter, Permanent, SendError, Temporary, Unreachable

# RFC 3463: x.7.x is about policy. "Relaying denied" and a missing SPF record are about us, not about this address.
_OUR_OWN_FAULT = re.compile(r"^5\.7\.\d+")
_QUIT_SECONDS = 2.0


class SmtpSender:
    """Hands messages to the mail server in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The system's certificates; SSL_CERT_FILE names another file, for a mail server with a CA of its own.
        self._tls = ssl.create_default_context() if settings.smtp_tls == "starttls" else None
        # Half the lease: a message that hangs is given up well before another worker takes it over.
        self._seconds = settings.lease_seconds / 2

    async def send(self, letter: Letter) -> None:
        """As `workers.channels.Sender`."""
        try:
            address = _ascii(letter.address)
            mail = self._mail(letter, address)
        except ValueError:
            raise Permanent("unsendable") from None  # the cause may quote the address
        password = self._settings.smtp_password
        client = SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            username=self._settings.smtp_user,
            password=password.get_secret_value() if password else None,
            start_tls=self._tls is not None,
            tls_context=self._tls,
            timeout=self._seconds,
            local_hostname=_domain(self._settings.mail_from),
        )
        try:
            async with asyncio.timeout(self._seconds):
                await client.connect()
                await client.send_message(mail, sender=self._settings.mail_from, recipients=[address])
        except (SMTPException, OSError, ValueError) as error:  # a time-out and a wrong certificate are OSErrors
            raise _reason(error) from None  # as above
        finally:
            with suppress(SMTPException, OSError):  # taken over is taken over, whatever happens at the goodbye
                if client.is_connected:
                    await client.quit(timeout=_QUIT_SECONDS)
            client.close()

    def _mail(self, letter: Letter, address: str) -> EmailMessage:
        """Headers are set through the email package, which refuses a line break in any of them."""
        mail = EmailMessage()
        mail["From"] = Address(display_name=letter.sender_name, addr_spec=self._settings.mail_from)
        mail["To"] = Address(addr_spec=address)
        mail["Subject"] = letter.message.subject
        mail["Date"] = localtime()
        mail["Message-ID"] = f"<{letter.outbox_id}@{_domain(self._settings.mail_from)}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = "nl"
        mail.set_content(letter.message.text)
        mail.add_alternative(letter.message.html, subtype="html")
        return mail


def _ascii(address: str) -> str:
    """The address with its domain as it travels: `bücher.nl` is `xn--bcher-kva.nl`. Raises ValueError."""
    valid = validate_email(address, check_deliverability=False, test_environment=True)
    return valid.ascii_email or valid.normalized


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _reason(error: Exception) -> SendError:
    """What went wrong, as an error of ours: the answer's code, and never its words."""
    match error:
        case SMTPRecipientsRefused(recipients=[SMTPRecipientRefused() as refused, *_]):
            return _refused(refused)
        case SMTPRecipientRefused() | SMTPDataError():
            return _refused(error)
        case ssl.SSLCertVerificationError():  # also a ValueError
            return Unreachable("certificate_not_trusted")
        case SMTPNotSupported() | ValueError():
            return Permanent("address_not_supported")
        case SMTPResponseException():
            return Unreachable(f"smtp_{error.code}")
        case _:
            return Unreachable("mail_server_unreachable")


def _refused(error: SMTPResponseException) -> SendError:
    code = f"smtp_{error.code}"
    if error.code >= 500 and not _OUR_OWN_FAULT.match(error.message):
        return Permanent(code)
    return Temporary(code)
