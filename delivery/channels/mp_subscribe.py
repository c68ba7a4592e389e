"""The mini-program's subscribe message (订阅消息): each uses up a consent, unless the subscription is long-term."""

from __future__ import annotations

from delivery.channels.base import Parcel, Result
from delivery.fields import NoWordingFits
from delivery.models import Outcome
from wechat.mini_program import MiniProgram


class MpSubscribe:
    """A service notification (服务通知) that opens a page of the mini-program."""

    def __init__(self, program: MiniProgram) -> None:
        self._program = program

    async def send(self, parcel: Parcel, /) -> Result:
        """As `Sender`."""
        if parcel.template is None:
            raise NoWordingFits("template")
        sent = await self._program.send_subscribed(
            parcel.address,
            parcel.template.template_id,
            parcel.template.fill(parcel.said.values),
            page=parcel.page,
        )
        return Result(Outcome.SENT, platform_id=sent.message_id or None)
