"""SMS: reaches everybody with a telephone, says least, costs money; approved templates only."""

from __future__ import annotations

from delivery.channels.base import Parcel, Result
from delivery.channels.sms_gateway import SmsGateway
from delivery.fields import NoWordingFits
from delivery.models import Outcome


class Sms:
    """One text message to one number."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway

    async def send(self, parcel: Parcel, /) -> Result:
        """As `Sender`. The delivery report comes under the serial number."""
        if parcel.template is None:
            raise NoWordingFits("template")
        (result,) = await self._gateway.send(
            [parcel.address],
            parcel.template.template_id,
            parcel.template.parameters(parcel.said.values),
            session_context=str(parcel.message_id),
        )
        if result.error is not None:
            raise result.error
        return Result(Outcome.SENT, platform_id=result.serial_no, segments=result.segments)
