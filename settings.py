"""Everything that differs between two installations, read once from `STEWARD_*` environment variables.

Secrets come from the environment only. In the `demo` and `test` environments missing secrets take the published demo
values below, so that a newcomer needs no configuration; `production` refuses to start with a missing or demo secret.
"""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Environment = Literal["demo", "test", "production"]

DEMO_MARK = "demo"
"""Every demo secret contains this word, so that production can refuse them by looking."""


class MissingSecret(ValueError):
    """Production was started without a secret, or with a demo one. The message names the variables to set."""


def _demo_key(name: str) -> str:
    """A 32-byte key, base64, that spells its own name: never mistaken for a real one."""
    return base64.b64encode(f"{DEMO_MARK}-{name}".ljust(32, ".").encode()).decode()


class PlatformAccount(BaseModel):
    """One account on a WeChat platform, as its console shows it."""

    app_id: str = ""
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    aes_key: SecretStr = SecretStr("")
    """EncodingAESKey, 43 characters."""
    previous_aes_key: SecretStr = SecretStr("")
    """Still accepted while the console's key is being changed."""

    @property
    def configured(self) -> bool:
        return bool(self.app_id)


class SmsAccount(BaseModel):
    """The SMS gateway (Tencent Cloud SMS's shape)."""

    secret_id: str = ""
    secret_key: SecretStr = SecretStr("")
    app_id: str = ""
    sign_name: str = ""
    callback_secret: SecretStr = SecretStr("")
    """The unguessable part of the path on which reports and replies arrive; the gateway signs nothing."""


_DEMO: dict[str, dict[str, object]] = {
    "oa": {
        "app_id": "wxdemo000000000oa1",
        "secret": "demo-oa-secret-0000000000000000",
        "token": "demotokenoa",
        "aes_key": "demoAesKeyForTheOfficialAccount0000000000oa",
    },
    "mp": {
        "app_id": "wxdemo000000000mp1",
        "secret": "demo-mp-secret-0000000000000000",
        "token": "demotokenmp",
        "aes_key": "demoAesKeyForTheMiniProgram00000000000000mp",
    },
    "sms": {
        "secret_id": "demo-sms-id",
        "secret_key": "demo-sms-key",
        "app_id": "1400000000",
        "sign_name": "案管家",
        "callback_secret": "demo-sms-callback",
    },
}


class Settings(BaseSettings):
    """See the module. `STEWARD_OA_APP_ID` sets `oa.app_id`, and so on for `mp` and `sms`."""

    model_config = SettingsConfigDict(
        env_prefix="STEWARD_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        hide_input_in_errors=True,
    )

    environment: Environment = "production"
    home: Path = Path(".steward")
    """Holds the embedded servers' data, logs and files; nothing in it is needed where the two URLs are set."""
    database_url: str | None = None
    """`postgresql://…`; unset: the embedded server under `home`."""
    redis_url: str | None = None
    """`redis://…` or `unix://…`; unset: the embedded server under `home`."""
    files_url: str | None = None
    """`file:///path`; unset: `home`/files."""
    scanner: str | None = None
    """clamd's address (`unix:/path` or `tcp:host:port`): submitted material is unseen until it has passed."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    sandbox_port: Annotated[int, Field(ge=1, le=65535)] = 8100
    public_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8000")
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    """How many proxies in front of the server append to X-Forwarded-For; 0 = the header is not believed."""

    wechat_base_url: str = "https://api.weixin.qq.com"
    sms_base_url: str = "https://sms.tencentcloudapi.com"
    oa: PlatformAccount = PlatformAccount()
    mp: PlatformAccount = PlatformAccount()
    sms: SmsAccount = SmsAccount()
    mp_state: Literal["developer", "trial", "formal"] = "formal"
    callback_max_age: Annotated[int, Field(ge=0)] = 600
    """Seconds that a signed callback's timestamp may be old; 0 = no limit, to replay recorded ones."""
    callback_plain: bool | None = None
    """Whether unencrypted callbacks are taken. Their signature does not cover the body, so production says no unless
    it is told otherwise; elsewhere the default is yes."""

    zone: Literal["single", "intranet", "internet"] = "single"
    """Where this installation stands: which fields it may hold is `stewardship.exchange.zones`' table."""
    exchange_signing_key: SecretStr = SecretStr("")
    """32 bytes, base64: the Ed25519 key that signs batches for another zone; needed only by `steward export`."""

    encryption_keys: SecretStr = SecretStr("")
    """`version:base64` of 32 bytes, comma separated, newest first; older ones still decrypt."""
    index_keys: SecretStr = SecretStr("")
    """The same for the blind index; the newest two are searched, so that a rotation needs no pause."""
    session_key: SecretStr = SecretStr("")
    """32 bytes, base64: signs paging cursors and CSRF tokens."""
    proof_key: SecretStr = SecretStr("")
    """32 bytes, base64: the seed of the key that signs inspectors' proofs; unset: one that follows from session_key."""

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="before")
    @classmethod
    def _demo_accounts(cls, data: dict[str, object]) -> dict[str, object]:
        """Outside production, what is not set takes its demo value."""
        if data.get("environment", "production") == "production":
            return data
        for name, demo in _DEMO.items():
            given = data.get(name) or {}
            data[name] = demo | (given if isinstance(given, dict) else {})
        for name in ("encryption_keys", "index_keys"):
            data[name] = data.get(name) or f"1:{_demo_key(name)}"
        for name in ("session_key", "exchange_signing_key"):
            data[name] = data.get(name) or _demo_key(name)
        for name in ("wechat_base_url", "sms_base_url"):
            data[name] = data.get(name) or f"http://127.0.0.1:{data.get('sandbox_port', 8100)}"
        return data

    @model_validator(mode="after")
    def _refuse_demo_in_production(self) -> Self:
        if self.environment != "production":
            return self
        wrong = [name for name, value in self._secrets().items() if not value or _is_demo(value)]
        if wrong:
            names = ", ".join(f"STEWARD_{name.upper()}" for name in wrong)
            raise MissingSecret(f"production needs its own value for: {names}")
        return self

    def _secrets(self) -> dict[str, str]:
        """What production cannot run without. The official account is optional; SMS and mini-program are not."""
        accounts = {"mp": self.mp} | ({"oa": self.oa} if self.oa.configured else {})
        found = {
            name: getattr(self, name).get_secret_value() for name in ("encryption_keys", "index_keys", "session_key")
        }
        for prefix, account in accounts.items():
            found |= {
                f"{prefix}_app_id": account.app_id,
                f"{prefix}_secret": account.secret.get_secret_value(),
                f"{prefix}_token": account.token.get_secret_value(),
                f"{prefix}_aes_key": account.aes_key.get_secret_value(),
            }
        return found | {
            "sms_secret_id": self.sms.secret_id,
            "sms_secret_key": self.sms.secret_key.get_secret_value(),
            "sms_callback_secret": self.sms.callback_secret.get_secret_value(),
        }

    @property
    def proof_seed(self) -> bytes:
        """Of the key that signs proofs."""
        return (self.proof_key.get_secret_value() or self.session_key.get_secret_value()).encode()

    @property
    def takes_plain_callbacks(self) -> bool:
        """See `callback_plain`."""
        return self.environment != "production" if self.callback_plain is None else self.callback_plain

    @property
    def files_directory(self) -> Path:
        """Where submitted material lies, encrypted. Raises ValueError for a scheme that is not supported."""
        if self.files_url is None:
            return self.home / "files"
        if not self.files_url.startswith("file://"):
            raise ValueError("STEWARD_FILES_URL must be file:///…")
        return Path(self.files_url.removeprefix("file://"))


def _is_demo(secret: str) -> bool:
    if DEMO_MARK in secret.lower():
        return True
    parts = [part.partition(":")[2] or part for part in secret.split(",")]
    for part in parts:
        try:
            if DEMO_MARK.encode() in base64.b64decode(part, validate=True).lower():
                return True
        except ValueError:
            continue
    return False


@functools.cache
def get_settings() -> Settings:
    """The process's settings. Raises pydantic's ValidationError, naming the variable, where one is wrong."""
    return Settings()
