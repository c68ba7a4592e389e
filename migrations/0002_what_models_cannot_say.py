"""Indexes of the partitioned tables, defaults that PostgreSQL computes, and rules no model can express."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from kit.constraints import AddDeclaredConstraints

FORWARD = [
    # Events are ordered for sealing by the transaction that wrote them; the era grows when a backup is restored into a
    # cluster whose transaction counter starts anew (docs/decisions/event-chain.md).
    "alter table event alter column xid set default pg_current_xact_id()::text::bigint",
    "alter table event alter column era set default coalesce(nullif(current_setting('steward.era', true), ''), '1')::int",
    "create index event_order on event (era, xid, id)",
    "create index event_by_case on event (case_id, at)",
    "create index event_by_actor on event (actor_id, at)",
    # Reads by an officer who has nothing to do with the case: what an inspector looks for first.
    "create index event_without_relation on event (unit_id, at) where relation = 'none'",
    "create index event_by_subject on event (subject_id, at)",
    "create index message_by_member on message (member_id, created_at)",
    "create index message_by_case on message (case_id, created_at)",
    "create index message_by_platform_id on message (platform_id) where platform_id is not null",
    "create index message_stuck on message (created_at) where state in ('queued', 'sending', 'unknown')",
    "create index delivery_attempt_by_message on delivery_attempt (message_id)",
    "create index delivery_attempt_by_platform_id on delivery_attempt (platform_id) where platform_id is not null",
    "create index inbox_by_identity on inbox (identity_id, received_at)",
    # Every message of a party belongs to exactly one inquiry: while one waits, the next message joins it.
    "create unique index inquiry_one_waiting on inquiry (member_id) where state = 'waiting'",
    # A holder of a role has it once at a time over a unit.
    "create unique index role_grant_open on role_grant (officer_id, role, unit_id) where valid_to is null",
    # The keys of what came in and went out are rewritten all the time and pruned: vacuum them early.
    "alter table inbox_key set (autovacuum_vacuum_scale_factor = 0.02)",
    "alter table outbox_key set (autovacuum_vacuum_scale_factor = 0.02)",
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0001_initial")]
    operations = [AddDeclaredConstraints(), ops.RunSQL(FORWARD, reverse_sql=ops.RunSQL.noop)]
