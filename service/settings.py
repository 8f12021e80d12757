"""Settings from the environment (`KRING_…`) or from secret files named after them; README lists them all.

Every field has a description: the README's table is made from them and a test holds the two together.
"""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
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
    vault_keys: SecretStr = Field(
        description="keys of the vault as `id:base64`, comma-separated, 32 bytes each; the first one seals"
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
    consent_days: int = Field(default=365, ge=1, description="how long a consent is valid")
    link_days: int = Field(default=30, ge=1, description="how long a personal link works")
    reminder_days: int = Field(default=7, ge=1, description="after how many days one reminder is sent")
    not_now_days: int = Field(default=90, ge=1, description='how long nobody asks again after "not now"')
    pulse_days: int = Field(default=42, ge=1, description="days between two pulses of a platform")
    lease_seconds: int = Field(default=60, ge=1, description="how long a silent worker keeps its work")
    sweep_seconds: int = Field(default=10, ge=1, le=30, description="how often the worker looks for what is overdue")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="log level")

    @model_validator(mode="after")
    def demo_stays_on_loopback(self) -> "Settings":
        """The one-click sign-in is for one person at one machine (docs/sources.md, Access)."""
        if self.demo and not (self.host in LOOPBACK and urlsplit(self.base_url).hostname in LOOPBACK):
            raise ValueError("demo mode only starts on loopback: KRING_HOST and KRING_BASE_URL must be 127.0.0.1")
        return self

    @model_validator(mode="after")
    def secrets_are_long(self) -> "Settings":
        if len(self.secret.get_secret_value()) < 32:
            raise ValueError("KRING_SECRET needs at least 32 characters")
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
