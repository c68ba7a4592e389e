"""The chat with the official account (客服消息): says all, costs nothing, within the windows only."""

from __future__ import annotations

from delivery.channels.base import Parcel, Result
from delivery.fields import fit_text
from delivery.models import Outcome
from wechat.official_account import OfficialAccount
from wechat.sending import MenuItem

TEXT_BYTES = 2048


class OaCustomerService:
    """Text, or a menu to tap where there is something to choose."""

    def __init__(self, account: OfficialAccount) -> None:
        self._account = account

    async def send(self, parcel: Parcel, /) -> Result:
        """As `Sender`. The platform gives no id and reports nothing."""
        said = parcel.said
        items = [MenuItem(id_, label) for id_, label in said.choices]
        text = fit_text(said.chat, TEXT_BYTES - sum(len(item.label.encode()) + 1 for item in items))
        if items:
            await self._account.send_menu(parcel.address, text, items)
        else:
            await self._account.send_text(parcel.address, text)
        return Result(Outcome.SENT)
