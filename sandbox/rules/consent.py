"""Consent to subscribe messages (订阅消息).

Source: wx.requestSubscribeMessage and subscribeMessage.send: one consent to a one-time template allows one message, at
any time later; a long-term template (政务民生) may be sent until the person refuses it; at most 5 templates a prompt.
"""

from __future__ import annotations

from sandbox.errors import ControlError, PlatformError
from sandbox.model import AccountKey, Phone, Subscription, Template

REFUSED = 43101
TEMPLATES_PER_PROMPT = 5


def decide(phone: Phone, account: AccountKey, answers: list[tuple[Template, bool]]) -> None:
    """The person answers a prompt. A "no" in the prompt takes no earlier consent away. Raises ControlError."""
    if not 1 <= len(answers) <= TEMPLATES_PER_PROMPT:
        raise ControlError("template_count", f"a prompt holds 1 to {TEMPLATES_PER_PROMPT} templates")
    for template, accepted in answers:
        consent = _consent(phone, account, template.id)
        if not accepted:
            continue
        consent.refused = False
        if template.term == "long_term":
            consent.long_term = True
        else:
            consent.credits += 1


def refuse(phone: Phone, account: AccountKey, template_id: str) -> None:
    """The person switches a template off in the settings: earlier consents are void."""
    phone.subscriptions[f"{account}:{template_id}"] = Subscription(refused=True)


def spend(phone: Phone, account: AccountKey, template: Template) -> None:
    """Use one consent. Raises PlatformError 43101."""
    consent = _consent(phone, account, template.id)
    if consent.refused or account in phone.blocked:
        raise PlatformError(REFUSED)
    if consent.long_term:
        return
    if consent.credits < 1:
        raise PlatformError(REFUSED)
    consent.credits -= 1


def _consent(phone: Phone, account: AccountKey, template_id: str) -> Subscription:
    return phone.subscriptions.setdefault(f"{account}:{template_id}", Subscription())
