"""Requests that may be repeated; when a protected person's chat closes again; indexes for what falls due in groups.

The tables of the indexes are small enough on any installation so far for the migration's transaction.
"""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

FORWARD = [
    "create index member_to_remind on member (invited_at) where state = 'invited' and reminders < 2",
    "create index proxy_ends on proxy (valid_to) where valid_to is not null",
    # Written with every repeatable request and pruned: vacuum it early.
    "alter table request_key set (autovacuum_vacuum_scale_factor = 0.02)",
]
BACKWARD = ["drop index proxy_ends", "drop index member_to_remind"]


class Migration(migrations.Migration):
    dependencies = [("steward", "0003_officers_identities")]

    initial = False

    operations = [
        ops.CreateModel(
            name="RequestKey",
            fields=[
                ("digest", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("fingerprint", fields.BinaryField()),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("status", fields.SmallIntField(null=True)),
                ("body", fields.BinaryField(null=True)),
            ],
            options={
                "table": "request_key",
                "app": "steward",
                "indexes": [Index(fields=["received_at"])],
                "pk_attr": "digest",
                "table_description": "A request that its caller may repeat, and how it was answered (`kit.once`)."
                " Pruned after a week.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Conversation",
            name="unlocked_until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
