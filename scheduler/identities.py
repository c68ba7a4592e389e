"""Asking the platform under which unionid it knows a follower: callbacks name an openid only."""

from __future__ import annotations

from uuid import UUID

from kit.jobs import Job, handler
from scheduler.process import Parts
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Platform, WechatIdentity


def install(parts: Parts) -> None:
    """Register the job with this process's official account."""

    @handler(people.ASK_FOR_UNIONID, transactional=False)
    async def ask_for_unionid(job: Job) -> None:
        """Raises what is worth another try (`wechat.errors`)."""
        account = parts.clients.official_account
        identity = await WechatIdentity.get_or_none(id=UUID(job.payload["identity_id"]))
        if account is None or identity is None or identity.platform is not Platform.OFFICIAL_ACCOUNT:
            return
        follower = await account.user_info(identity.openid)
        if follower.unionid:
            await people.identity_of(identity.platform, identity.app_id, identity.openid, follower.unionid)
