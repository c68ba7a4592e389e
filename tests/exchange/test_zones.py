"""Which field may live where: the table is complete, and says what the law asks."""

from __future__ import annotations

from stewardship.exchange.records import KINDS
from stewardship.exchange.zones import ALWAYS, TABLE, Zone, allowed, stripped


def test_every_field_of_every_record_has_its_row_and_no_row_is_left_over() -> None:
    fields = {(kind, name) for kind, record in KINDS.items() for name in record.model_fields if name not in ALWAYS}
    assert fields == set(TABLE)


def test_one_installation_and_the_intranet_may_hold_everything() -> None:
    assert all({Zone.SINGLE, Zone.INTRANET} <= zones for zones in TABLE.values())


def test_what_happened_and_who_somebody_is_by_the_state_stays_inside() -> None:
    outside = {field for field in TABLE if not allowed(Zone.INTERNET, *field)}
    assert outside == {("case", "brief"), ("party", "id_number"), ("party", "not_invited_reason")}


def test_a_record_leaves_without_what_may_not_live_there() -> None:
    said = {"kind": "party", "case": "C1", "name": "张三", "id_number": "340100199001010000"}
    assert stripped(Zone.INTERNET, said) == {"kind": "party", "case": "C1", "name": "张三"}
