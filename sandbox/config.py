"""Settings of the local platform, and the demo constants that the product's `demo` environment uses too.

| what | value |
|---|---|
| official account | app id `wxdemo000000000oa1`, secret `demo-oa-secret-0000000000000000`, token `demotokenoa`, EncodingAESKey `demoAesKeyForTheOfficialAccount0000000000oa`, original id `gh_demo00000oa` |
| mini-program | app id `wxdemo000000000mp1`, secret `demo-mp-secret-0000000000000000`, token `demotokenmp`, EncodingAESKey `demoAesKeyForTheMiniProgram00000000000000mp`, original id `gh_demo00000mp` |
| SMS | SecretId `demo-sms-id`, SecretKey `demo-sms-key`, SmsSdkAppId `1400000000`, sign 案管家, callback secret `demo-sms-callback` |

None of them protects anything: they are published here so that both sides know them.
"""  # noqa: E501 — a table row cannot be broken.

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 8100
DEFAULT_PRODUCT = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class AccountConfig:
    """One WeChat account as its console shows it. `username` is the original id (gh_…)."""

    app_id: str
    secret: str
    token: str
    aes_key: str
    username: str
    name: str


@dataclass(frozen=True)
class SmsConfig:
    """One application of the SMS service. The callback secret is part of the callback URLs' path."""

    secret_id: str
    secret_key: str
    app_id: str
    sign_name: str
    callback_secret: str


DEMO_OA = AccountConfig(
    app_id="wxdemo000000000oa1",
    secret="demo-oa-secret-0000000000000000",  # noqa: S106 — published demo constant.
    token="demotokenoa",  # noqa: S106 — published demo constant.
    aes_key="demoAesKeyForTheOfficialAccount0000000000oa",
    username="gh_demo00000oa",
    name="案管家",
)
DEMO_MP = AccountConfig(
    app_id="wxdemo000000000mp1",
    secret="demo-mp-secret-0000000000000000",  # noqa: S106 — published demo constant.
    token="demotokenmp",  # noqa: S106 — published demo constant.
    aes_key="demoAesKeyForTheMiniProgram00000000000000mp",
    username="gh_demo00000mp",
    name="案管家",
)
DEMO_SMS = SmsConfig(
    secret_id="demo-sms-id",  # noqa: S106 — published demo constant.
    secret_key="demo-sms-key",  # noqa: S106 — published demo constant.
    app_id="1400000000",
    sign_name="案管家",
    callback_secret="demo-sms-callback",  # noqa: S106 — published demo constant.
)


@dataclass(frozen=True)
class SandboxConfig:
    """Everything that `create_app` needs. `state` None keeps everything in memory."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    state: Path | None = None
    product: str = DEFAULT_PRODUCT
    public_url: str = ""
    """Where phones and the product fetch pictures (PicUrl); empty: http://host:port."""
    oa: AccountConfig = field(default=DEMO_OA)
    mp: AccountConfig = field(default=DEMO_MP)
    sms: SmsConfig = field(default=DEMO_SMS)

    @property
    def base_url(self) -> str:
        """The address of this process without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def _account(environment: Mapping[str, str], prefix: str, demo: AccountConfig) -> AccountConfig:
    return AccountConfig(
        app_id=environment.get(f"{prefix}_APP_ID", demo.app_id),
        secret=environment.get(f"{prefix}_SECRET", demo.secret),
        token=environment.get(f"{prefix}_TOKEN", demo.token),
        aes_key=environment.get(f"{prefix}_AES_KEY", demo.aes_key),
        username=environment.get(f"{prefix}_USERNAME", demo.username),
        name=environment.get(f"{prefix}_NAME", demo.name),
    )


def config_from_environment(environment: Mapping[str, str] | None = None) -> SandboxConfig:
    """`SANDBOX_*` variables over the demo constants. Raises ValueError where SANDBOX_PORT is not a number."""
    env = os.environ if environment is None else environment
    state = env.get("SANDBOX_STATE", "")
    return SandboxConfig(
        host=env.get("SANDBOX_HOST", "127.0.0.1"),
        port=int(env.get("SANDBOX_PORT", DEFAULT_PORT)),
        state=Path(state) if state else None,
        product=env.get("SANDBOX_PRODUCT", DEFAULT_PRODUCT).rstrip("/"),
        public_url=env.get("SANDBOX_PUBLIC_URL", ""),
        oa=_account(env, "SANDBOX_OA", DEMO_OA),
        mp=_account(env, "SANDBOX_MP", DEMO_MP),
        sms=SmsConfig(
            secret_id=env.get("SANDBOX_SMS_SECRET_ID", DEMO_SMS.secret_id),
            secret_key=env.get("SANDBOX_SMS_SECRET_KEY", DEMO_SMS.secret_key),
            app_id=env.get("SANDBOX_SMS_APP_ID", DEMO_SMS.app_id),
            sign_name=env.get("SANDBOX_SMS_SIGN_NAME", DEMO_SMS.sign_name),
            callback_secret=env.get("SANDBOX_SMS_CALLBACK_SECRET", DEMO_SMS.callback_secret),
        ),
    )
