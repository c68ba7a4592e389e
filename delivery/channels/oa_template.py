"""The official account's template message (模板消息): repeatable by its client_msg_id, reported on afterwards."""

from __future__ import annotations

from delivery.channels.base import Parcel, Result
from delivery.fields import NoWordingFits
from delivery.models import Outcome
from wechat.official_account import OfficialAccount
from wechat.sending import Page


class OaTemplate:
    """A card that opens the mini-program where there is one (`mp_app_id`), else nothing."""

    def __init__(self, account: OfficialAccount, *, mp_app_id: str = "") -> None:
        self._account = account
        self._mp_app_id = mp_app_id

    async def send(self, parcel: Parcel, /) -> Result:
        """As `Sender`."""
        if parcel.template is None:
            raise NoWordingFits("template")
        sent = await self._account.send_template(
            parcel.address,
            parcel.template.template_id,
            parcel.template.fill(parcel.said.values),
            client_msg_id=parcel.message_id.hex,
            page=Page(self._mp_app_id, parcel.page) if self._mp_app_id else None,
        )
        return Result(Outcome.SENT, platform_id=sent.message_id or None)
