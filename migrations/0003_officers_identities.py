"""Indexes for an officer's WeChat identities and for SMS without a report; one away that nothing uses.

All are small enough on any installation so far to be built in the migration's transaction.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = [
    "create index wechat_identity_by_officer on wechat_identity (officer_id) where officer_id is not null",
    "create index message_unconfirmed on message (sent_at) where state = 'sent' and channel = 'sms'",
    "drop index message_by_platform_id",
]
BACKWARD = [
    "create index message_by_platform_id on message (platform_id) where platform_id is not null",
    "drop index message_unconfirmed",
    "drop index wechat_identity_by_officer",
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0002_what_models_cannot_say")]
    operations = [ops.RunSQL(FORWARD, reverse_sql=BACKWARD)]
