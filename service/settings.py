"""Settings from the environment (`KRING_…`) or from secret files named after them; README lists them all.

Every field has a description: the README's table is made from them and a test holds the two together.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Settings(BaseSettings):
    """One object, made once at start and handed down; nothing else reads the environment."""

    model_config = SettingsConfigDict(
        env_prefix="KRING_", secrets_dir=SECRETS if SECRETS.is_dir() else None, extra="ignore", frozen=True
    )

    database_url: SecretStr = Field(description="PostgreSQL, as the application's role (it owns nothing)")
    migrate_url: SecretStr | None = Field(
        default=None, description="PostgreSQL, as the owner of the schema; only `kring migrate` uses it"
    )
    redis_url: SecretStr = Field(description="Redis, with the append-only file on")
    secret: SecretStr = Field(description="at least 32 characters; signs the short sessions of links and forms")
    vault_keys_file: Path | None = Field(
        default=None,
        description="file with the keys of the vault as `id:base64`, a line each, 32 bytes each; the first one seals. "
        "Read again when it changes (docs/how-to-rotate-keys.md)",
    )
    vault_keys: SecretStr | None = Field(
        default=None, description="the same keys, comma-separated, in place of a file; a change needs a restart"
    )
    base_url: str = Field(description="where residents and staff reach Kring, as in every link that is sent")
    host: str = Field(default="127.0.0.1", description="address the web process listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port the web process listens on")
    demo: bool = Field(default=False, description="demo sign-in and mailbox; only starts on loopback")
    demo_mailbox: Path | None = Field(default=None, description="Maildir the demo shows at /post")
    encoder: str | None = Field(
        default=None, description="a SentenceTransformer (folder or hub id) instead of the bundled encoder"
    )
    reach_km: float = Field(default=10, ge=0, description="how far a resident travels who did not say")
    daypart_share: float = Field(
        default=0.6, ge=0, le=1, description="share of a group that must be able to come at its moment"
    )
    smtp_host: str = Field(default="localhost", description="mail server")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="port of the mail server")
    smtp_tls: Literal["starttls", "none"] = Field(
        default="starttls", description="`none` only towards loopback, for the demo and the tests"
    )
    smtp_user: str | None = Field(default=None, description="user at the mail server")
    smtp_password: SecretStr | None = Field(default=None, description="password at the mail server")
    mail_from: str = Field(default="noreply@kring.example", description="sender of every message")
    api_issuer: str | None = Field(default=None, description="`iss` of the bearer tokens the API takes")
    api_audience: str = Field(default="kring", description="`aud` of the bearer tokens the API takes")
    api_keys_file: Path | None = Field(default=None, description="JWK set that the bearer tokens are signed with")
    oidc_providers: Path | None = Field(
        default=None, description="the identity provider of each municipality, as TOML: docs/how-to-sign-in.md"
    )
    consent_days: int = Field(default=365, ge=1, description="how long a consent is valid")
    consent_notice_days: int = Field(
        default=30,
        ge=1,
        le=60,
        description="days before a consent ends that its resident is written to, once; less than KRING_CONSENT_DAYS",
    )
    link_days: int = Field(default=30, ge=1, description="how long a personal link works")
    reminder_days: int = Field(default=7, ge=1, description="after how many days one reminder is sent")
    not_now_days: int = Field(default=90, ge=1, description='how long nobody asks again after "not now"')
    pulse_days: int = Field(default=42, ge=1, description="days between two pulses of a platform")
    lease_seconds: int = Field(default=60, ge=1, description="how long a silent worker keeps its work")
    sweep_seconds: int = Field(default=10, ge=1, le=30, description="how often the worker looks for what is overdue")
    security_contact: str | None = Field(
        default=None,
        pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$",
        description="where weaknesses are reported, as `mailto:…` or `https://…`; shown in `/.well-known/security.txt`",
    )
    proxies: str | None = Field(
        default=None,
        description="addresses or networks of the reverse proxies, comma-separated: who asks is read from "
        "`X-Forwarded-For` when one of these sends it, and from nobody else",
    )
    limit_address: int = Field(default=6000, ge=1, description="requests a minute of one address")
    limit_account: int = Field(default=600, ge=1, description="requests a minute of one member of staff or program")
    limit_checks: int = Field(default=120, ge=1, description="checks of a note a minute by one member of staff")
    limit_link: int = Field(default=60, ge=1, description="requests a minute with one personal link")
    limit_sign_in: int = Field(default=300, ge=1, description="sign-in requests in five minutes of one address")
    limit_misses: int = Field(
        default=60, ge=1, description="links that do not work and refused tokens in ten minutes of one address"
    )
    keep_unconsented_days: int = Field(
        default=30, ge=0, description="how long words are kept once matching consent ended"
    )
    keep_closed_days: int = Field(default=30, ge=0, description="how long the words of a closed need are kept")
    keep_withdrawn_days: int = Field(
        default=30, ge=0, description="how long somebody whose words are gone is kept at all"
    )
    keep_contact_days: int = Field(
        default=14, ge=0, description="how long contact details are kept once nobody may be written to any more"
    )
    keep_links_days: int = Field(default=30, ge=0, description="how long a personal link that is over is kept")
    keep_sessions_days: int = Field(default=1, ge=1, description="how long a sign-in of staff is kept, ended or not")
    keep_messages_days: int = Field(
        default=90, ge=1, description="how long is kept that a message was sent or cancelled"
    )
    keep_memberships_days: int = Field(
        default=730, ge=0, description="how long is kept who took part in a platform they left or that ended"
    )
    keep_seats_days: int = Field(default=365, ge=1, description="how long is kept who was in a proposal that is over")
    keep_runs_days: int = Field(default=180, ge=1, description="how long a run keeps why somebody got no group")
    keep_pulse_requests_days: int = Field(default=90, ge=1, description="how long is kept who was asked in a pulse")
    keep_pulse_answers_days: int = Field(default=1095, ge=1, description="how long the answers of a pulse are kept")
    keep_proof_days: int = Field(
        default=1825, ge=1, description="how long is kept that somebody who was erased had given consent"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="log level")

    @model_validator(mode="after")
    def demo_stays_on_loopback(self) -> "Settings":
        """The one-click sign-in is for one person at one machine (docs/sources.md, Access)."""
        if self.demo and not (self.host in LOOPBACK and urlsplit(self.base_url).hostname in LOOPBACK):
            raise ValueError("demo mode only starts on loopback: KRING_HOST and KRING_BASE_URL must be 127.0.0.1")
        return self

    @field_validator("proxies")
    @classmethod
    def proxies_are_addresses(cls, given: str | None) -> str | None:
        """Neither `*` nor a name: whoever is believed about who asks can be anybody. Raises a ValueError."""
        networks = [ip_network(one.strip()) for one in given.split(",")] if given else []
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("KRING_PROXIES must not be the whole internet")
        return given or None

    @model_validator(mode="after")
    def vault_has_one_source_of_keys(self) -> "Settings":
        if self.vault_keys_file is None and self.vault_keys is None:
            raise ValueError("KRING_VAULT_KEYS_FILE or KRING_VAULT_KEYS is missing")
        if self.vault_keys_file is not None and self.vault_keys is not None:
            raise ValueError(
                "KRING_VAULT_KEYS_FILE and KRING_VAULT_KEYS are both set (a secret file kring_vault_keys counts as set)"
            )
        return self

    @model_validator(mode="after")
    def secrets_are_long(self) -> "Settings":
        if len(self.secret.get_secret_value()) < 32:
            raise ValueError("KRING_SECRET needs at least 32 characters")
        return self

    @model_validator(mode="after")
    def api_keys_have_an_issuer(self) -> "Settings":
        if (self.api_issuer is None) != (self.api_keys_file is None):
            raise ValueError("KRING_API_ISSUER and KRING_API_KEYS_FILE belong together")
        return self

    @model_validator(mode="after")
    def messages_outlive_their_links(self) -> "Settings":
        """That a reminder was sent is what keeps a second one from going."""
        if self.keep_messages_days < self.link_days:
            raise ValueError("KRING_KEEP_MESSAGES_DAYS must be at least KRING_LINK_DAYS")
        return self

    @model_validator(mode="after")
    def consents_last_longer_than_their_notice(self) -> "Settings":
        """Else everybody would be written to on the first night."""
        if self.consent_notice_days >= self.consent_days:
            raise ValueError("KRING_CONSENT_NOTICE_DAYS must be less than KRING_CONSENT_DAYS")
        return self

    @model_validator(mode="after")
    def mail_is_encrypted(self) -> "Settings":
        if self.smtp_tls == "none" and self.smtp_host not in LOOPBACK:
            raise ValueError("KRING_SMTP_TLS=none is only for a mail server on loopback")
        return self

    @property
    def secure(self) -> bool:
        """Whether cookies can carry `__Host-` and `Secure`: everywhere but in the demo on plain loopback."""
        return urlsplit(self.base_url).scheme == "https"

    @model_validator(mode="after")
    def real_service_is_https(self) -> "Settings":
        if not self.demo and not self.secure and urlsplit(self.base_url).hostname not in LOOPBACK:
            raise ValueError("KRING_BASE_URL must be https")
        return self
