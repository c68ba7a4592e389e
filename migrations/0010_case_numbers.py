"""Case numbers in one spelling, as `stewardship.casework.cases.rules.normal_number` writes them from now on.

Where several cases turn out to have the same number, the one that was registered first takes it; the others keep what
was typed, which nobody else can have, until an officer corrects them. No row is lost, and running it again changes
nothing.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_WIDE = "".join(chr(0xFF01 + n) for n in range(94)) + "()[]【】"
_PLAIN = "".join(chr(0x21 + n) for n in range(94)) + "（）〔〕〔〕"
SPELLED = (
    "regexp_replace(translate(translate(regexp_replace(number, '[[:space:]\u3000\u00a0]', '', 'g'),"
    f" '{_WIDE[:94]}', '{_PLAIN[:94].replace(chr(39), chr(39) * 2)}'), '{_WIDE[94:]}', '{_PLAIN[94:]}'),"
    " '（([0-9]{4})）', '〔\\1〕', 'g')"
)
_SPELL = f"""
with spelled as (select id, {SPELLED} as plain, registered_at from case_file where number is not null),
first as (select distinct on (plain) id, plain from spelled order by plain, registered_at, id)
update case_file c set number = first.plain from first where first.id = c.id and c.number <> first.plain
and not exists (select from case_file other where other.number = first.plain)
"""  # noqa: S608 — a constant.
FORWARD = [
    # Blank was never a number.
    "update case_file set number = null where number ~ '^[[:space:]\u3000\u00a0]*$'",
    _SPELL,
]


class Migration(migrations.Migration):
    dependencies = [("steward", "0009_contests_and_months")]
    operations = [ops.RunSQL(FORWARD, reverse_sql=ops.RunSQL.noop)]
