"""The worker's ways out: the dispatcher with every channel that this installation has."""

from __future__ import annotations

from delivery import dispatcher
from delivery.channels.base import Sender
from delivery.channels.mp_subscribe import MpSubscribe
from delivery.channels.oa_customer_service import OaCustomerService
from delivery.channels.oa_template import OaTemplate
from delivery.channels.sms import Sms
from delivery.channels.sms_gateway import SmsGateway
from delivery.models import Channel
from delivery.quotas import Quotas
from scheduler.process import Parts
from stewardship import reach


def install(parts: Parts) -> None:
    """Install the dispatcher: whom it asks, whom it tells, and the channels."""
    settings, platforms = parts.settings, parts.clients
    gateway = SmsGateway(platforms.http, settings.sms, base_url=settings.sms_base_url)
    channels: dict[Channel, Sender] = {
        Channel.SMS: Sms(gateway),
        Channel.MP_SUBSCRIBE: MpSubscribe(platforms.mini_program),
    }
    if platforms.official_account is not None:
        channels[Channel.OA_CUSTOMER_SERVICE] = OaCustomerService(platforms.official_account)
        channels[Channel.OA_TEMPLATE] = OaTemplate(platforms.official_account, mp_app_id=settings.mp.app_id)
    quotas = Quotas(parts.redis)
    dispatcher.install(
        dispatcher.Dispatcher(resolve=reach.resolve, channels=channels, hooks=reach.HOOKS, quotas=quotas)
    )
