"""Figures kept as they change: what each thing contributes, what changed since, and the roll-ups.

The roll-ups have keys of several columns, which no model can express. Triggers note every change of what is counted in
the transaction of the change: whichever command makes it, now or later, none can forget to.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise import fields
from tortoise.indexes import Index

ROLLUP = """
create table figure_rollup (
  unit_id uuid not null, dimension text not null, grain text not null, start date not null, value text not null,
  asked int not null, closed int not null, merged int not null, from_record int not null, challenged int not null,
  breached int not null, first_count int not null, first_in_time int not null, first_adjusted int not null,
  full_count int not null, full_in_time int not null, full_adjusted int not null,
  first_bins int[] not null, full_bins int[] not null,
  primary key (unit_id, dimension, grain, start, value))
"""
# A whole month is compared and counted anew at once.
ROLLUP_BY_START = "create index figure_rollup_by_start on figure_rollup (start)"
TALLY = """
create table figure_tally (
  unit_id uuid not null, figure text not null, grain text not null, start date not null, state text not null,
  score smallint not null, detail text not null, counted boolean not null, good boolean not null, n int not null,
  primary key (unit_id, figure, grain, start, state, score, detail, counted, good))
"""
NOTE = """
create function note_figure_change() returns trigger language plpgsql as $$
begin
  execute format('insert into figure_change (subject, subject_id) select %L, %I from changed', tg_argv[0], tg_argv[1]);
  return null;
end $$
"""
NOTE_CLOCK = """
create function note_clock_change() returns trigger language plpgsql as $$
begin
  insert into figure_change (subject, subject_id)
    select 'inquiry', subject_id from changed where subject_kind = 'inquiry';
  return null;
end $$
"""
NOTE_MEMBER = """
create function note_enrolment_change() returns trigger language plpgsql as $$
begin
  insert into figure_change (subject, subject_id)
    select 'party', m.party_id from changed x join member m on m.id = x.member_id;
  return null;
end $$
"""
NOTE_CASE = """
create function note_case_change() returns trigger language plpgsql as $$
begin
  insert into figure_change (subject, subject_id) select 'inquiry', id from inquiry where case_id = new.id;
  insert into figure_change (subject, subject_id) select 'party', id from party where case_id = new.id;
  return null;
end $$
"""
NOTE_PERSON = """
create function note_person_change() returns trigger language plpgsql as $$
begin
  insert into figure_change (subject, subject_id) select 'party', id from party where person_id = new.id;
  return null;
end $$
"""
NOTED = {
    "inquiry": ("insert update", "note_figure_change('inquiry', 'id')"),
    "clock": ("insert update", "note_clock_change()"),
    "party": ("insert update", "note_figure_change('party', 'id')"),
    "member": ("insert update", "note_figure_change('party', 'party_id')"),
    "member_change": ("insert", "note_enrolment_change()"),
    "rating": ("insert update", "note_figure_change('rating', 'id')"),
    "visit": ("insert update", "note_figure_change('visit', 'id')"),
    "call": ("insert", "note_figure_change('visit', 'visit_id')"),
}
"""After which statements on which tables what is noted."""
TRIGGERS = [
    f"create trigger figures_after_{event} after {event} on {table} referencing new table as changed"
    f" for each statement execute function {function}"
    for table, (events, function) in NOTED.items()
    for event in events.split()
]
FORWARD = [
    ROLLUP,
    ROLLUP_BY_START,
    TALLY,
    "create table figure_line (unit_id uuid not null, above_id uuid not null, primary key (unit_id, above_id))",
    # Few facts: a promise that somebody else kept or missed than who had the question last.
    "create index inquiry_fact_first_elsewhere on inquiry_fact (first_unit_id) where first_unit_id is not null",
    "create index inquiry_fact_full_elsewhere on inquiry_fact (full_unit_id) where full_unit_id is not null",
    # What is late now, and soon will be, is read from the clocks that run.
    "create index clock_first_due on clock (first_due_at) where running and first_at is null",
    "create index clock_full_due on clock (full_due_at) where running and full_at is null",
    "create index case_file_reminded on case_file (unit_id) where closed_at is null and silence_level > 0",
    # Notes are written and taken away all the time: vacuum them early.
    "alter table figure_change set (autovacuum_vacuum_scale_factor = 0.02)",
    NOTE,
    NOTE_CLOCK,
    NOTE_MEMBER,
    NOTE_CASE,
    NOTE_PERSON,
    *TRIGGERS,
    "create trigger figures_after_change after update on case_file for each row"
    " when (old.kind is distinct from new.kind or old.unit_id is distinct from new.unit_id)"
    " execute function note_case_change()",
    "create trigger figures_after_change after update on person for each row"
    " when (old.minor is distinct from new.minor) execute function note_person_change()",
    # What stands already is counted by the first run.
    "insert into figure_change (subject, subject_id) select 'inquiry', id from inquiry",
    "insert into figure_change (subject, subject_id) select 'party', id from party",
    "insert into figure_change (subject, subject_id) select 'rating', id from rating",
    "insert into figure_change (subject, subject_id) select 'visit', id from visit",
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0004_request_keys")]

    operations = [
        ops.CreateModel(
            name="FigureChange",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("subject", fields.CharField(max_length=16)),
                ("subject_id", fields.UUIDField()),
            ],
            options={
                "table": "figure_change",
                "app": "steward",
                "pk_attr": "id",
                "table_description": "Something whose contribution has to be counted anew; written by triggers in the transaction of the change.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InquiryFact",
            fields=[
                ("id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("inquiry_id", fields.UUIDField()),
                ("episode", fields.SmallIntField()),
                ("case_id", fields.UUIDField()),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("day", fields.DateField()),
                ("hour", fields.SmallIntField()),
                ("kind", fields.CharField(max_length=32)),
                ("channel", fields.CharField(max_length=16)),
                ("asked_for", fields.CharField(max_length=32)),
                ("state", fields.CharField(max_length=16)),
                ("unit_id", fields.UUIDField()),
                ("owner_id", fields.UUIDField(null=True)),
                ("first_unit_id", fields.UUIDField(null=True)),
                ("first_owner_id", fields.UUIDField(null=True)),
                ("full_unit_id", fields.UUIDField(null=True)),
                ("full_owner_id", fields.UUIDField(null=True)),
                ("first_in_time", fields.BooleanField(null=True)),
                ("full_in_time", fields.BooleanField(null=True)),
                ("first_seconds", fields.IntField(null=True)),
                ("full_seconds", fields.IntField(null=True)),
                ("first_bin", fields.SmallIntField(null=True)),
                ("full_bin", fields.SmallIntField(null=True)),
                ("full_due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("breached", fields.BooleanField(default=False)),
                ("challenged", fields.BooleanField(default=False)),
                ("first_adjusted", fields.BooleanField(default=False)),
                ("full_adjusted", fields.BooleanField(default=False)),
            ],
            options={
                "table": "inquiry_fact",
                "app": "steward",
                "indexes": [
                    Index(fields=["unit_id", "opened_at"]),
                    Index(fields=["opened_at"]),
                    PostgreSQLIndex(fields=["full_due_at"], name="inquiry_fact_open", condition={"state": "waiting"}),
                ],
                "pk_attr": "id",
                "table_description": "What one episode of an inquiry contributes to the figures, as it was last counted. Survives the inquiry.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TallyFact",
            fields=[
                ("id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("figure", fields.CharField(max_length=32)),
                ("unit_id", fields.UUIDField()),
                ("day", fields.DateField()),
                ("state", fields.CharField(max_length=16)),
                ("score", fields.SmallIntField(default=0)),
                ("detail", fields.CharField(default="", max_length=64)),
                ("counted", fields.BooleanField()),
                ("good", fields.BooleanField()),
                ("turns_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tally_fact",
                "app": "steward",
                "indexes": [Index(fields=["turns_at"]), Index(fields=["unit_id", "figure", "day"])],
                "pk_attr": "id",
                "table_description": "What a party, rating or visit contributes to the figure it is counted in; `turns_at`: when time changes it.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD, reverse_sql=ops.RunSQL.noop),
    ]
