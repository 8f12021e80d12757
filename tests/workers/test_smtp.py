"""E-mail leaves over TLS with a certificate that is verified, or it does not leave."""

import datetime
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from service.domain import Channel
from service.messages import compose
from service.settings import Settings
from tests.workers.conftest import Mails, MailServer, serving
from workers.channels import Letter, Permanent, Unreachable
from workers.channels.smtp import SmtpSender

LINK = "https://kring.test/u/token"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of one test run, and a certificate for `localhost` that it signed."""

    certificate: Path
    server: ssl.SSLContext


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, issuer: str,
                 authority: bool) -> x509.Certificate:  # fmt: skip
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def authority_in(folder: Path, server_name: str = "localhost") -> Authority:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Kring test authority", root_key, root_key, "Kring test authority", authority=True)
    leaf = _certificate(server_name, key, root_key, "Kring test authority", authority=False)
    folder.mkdir()
    (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return Authority(folder / "root.pem", server)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return authority_in(tmp_path / "ours")


@pytest.fixture
def trusting(authority: Authority, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a process that trusts `authority`, in the way an administrator would make it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    return settings.model_copy(update={"smtp_tls": "starttls", "smtp_host": "localhost"})


@pytest.fixture
def encrypted(authority: Authority) -> Iterator[MailServer]:
    """A mail server that offers STARTTLS with the certificate of `authority`."""
    with serving(authority.server) as server:
        yield server


def letter(address: str = "iemand@voorbeeld.test", sender: str = "Gemeente Waterdam") -> Letter:
    return Letter(
        channel=Channel.EMAIL,
        outbox_id=uuid.uuid4(),
        address=address,
        sender_name=sender,
        message=compose("invitation", municipality_name="Waterdam", link_url=LINK, link_days=30),
    )


def to(server: MailServer, settings: Settings) -> SmtpSender:
    return SmtpSender(settings.model_copy(update={"smtp_port": server.port}))


async def test_a_message_goes_over_tls_with_a_trusted_certificate(trusting: Settings, encrypted: MailServer) -> None:
    await to(encrypted, trusting).send(letter())
    assert encrypted.mails.recipients == ["iemand@voorbeeld.test"]


async def test_a_certificate_of_another_authority_is_refused(trusting: Settings, tmp_path: Path) -> None:
    with serving(authority_in(tmp_path / "theirs").server) as server:
        with pytest.raises(Unreachable, match="certificate_not_trusted"):
            await to(server, trusting).send(letter())
        assert server.mails.taken == []


async def test_a_certificate_for_another_name_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = authority_in(tmp_path / "elsewhere", server_name="mail.elders.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(elsewhere.certificate))
    trusting = settings.model_copy(update={"smtp_tls": "starttls", "smtp_host": "localhost"})
    with serving(elsewhere.server) as server, pytest.raises(Unreachable, match="certificate_not_trusted"):
        await to(server, trusting).send(letter())


async def test_a_server_that_offers_no_tls_gets_no_message(trusting: Settings, mails: Mails) -> None:
    with pytest.raises(Unreachable):
        await SmtpSender(trusting).send(letter())
    assert mails.taken == []


async def test_a_refused_sign_in_is_about_the_server_and_not_about_the_message(
    trusting: Settings, encrypted: MailServer
) -> None:
    wrong = trusting.model_copy(update={"smtp_user": "kring", "smtp_password": SecretStr("wrong")})
    with pytest.raises(Unreachable):
        await to(encrypted, wrong).send(letter())


async def test_a_message_with_one_outbox_id_has_one_message_id(settings: Settings, mails: Mails) -> None:
    same = letter()
    await SmtpSender(settings).send(same)
    await SmtpSender(settings).send(same)
    assert mails.ids == [f"<{same.outbox_id}@kring.example>"] * 2


@pytest.mark.parametrize("address", ["iemand@voorbeeld.test\nBcc: ander@voorbeeld.test", "iemand", ""])
async def test_an_address_that_is_none_is_never_sent(settings: Settings, mails: Mails, address: str) -> None:
    with pytest.raises(Permanent):
        await SmtpSender(settings).send(letter(address))
    assert mails.taken == []


async def test_a_line_break_in_a_name_makes_no_header(settings: Settings, mails: Mails) -> None:
    with pytest.raises(Permanent):
        await SmtpSender(settings).send(letter(sender="Gemeente\r\nBcc: ander@voorbeeld.test"))
    assert mails.taken == []


async def test_a_domain_with_an_accent_travels_as_ascii(settings: Settings, mails: Mails) -> None:
    await SmtpSender(settings).send(letter("iemand@café.test"))
    assert mails.recipients == ["iemand@xn--caf-dma.test"]


async def test_a_server_that_hangs_is_given_up_within_the_lease(settings: Settings, mails: Mails) -> None:
    mails.hold_after = 0
    with pytest.raises(Unreachable):
        await SmtpSender(settings.model_copy(update={"lease_seconds": 1})).send(letter())


async def test_an_error_never_quotes_the_address(settings: Settings, mails: Mails) -> None:
    mails.refusals["iemand@voorbeeld.test"] = "550 5.1.1 <iemand@voorbeeld.test> unknown"
    with pytest.raises(Permanent) as refused:
        await SmtpSender(settings).send(letter())
    assert (str(refused.value), refused.value.__cause__, refused.value.__suppress_context__) == ("smtp_550", None, True)


def test_a_letter_never_shows_what_is_in_it() -> None:
    shown = repr(letter())
    assert "voorbeeld.test" not in shown
    assert LINK not in shown
