"""`steward admin` and `steward audit`, run as a person runs them."""

from __future__ import annotations

from pathlib import Path

from kit import database
from kit.ids import new_id
from kit.servers import Endpoints
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.org.models import Officer, Role, RoleGrant, Unit
from stewardship.foundation.people import officer_login
from stewardship.foundation.people.officer_login import Step
from tests.scheduler.test_clock_commands import steward

CREATE = ("admin", "create", "--duty")
PASSWORD = "First-Word-7"


async def test_a_fresh_installation_gets_its_three_administrators(real_db: str, endpoints: Endpoints) -> None:
    for number, duty in (("900001", "system"), ("900002", "security"), ("900003", "audit")):
        done = steward(real_db, endpoints, *CREATE, duty, "--name", "王安", number, typed=PASSWORD)
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    assert await Unit.all().count() == 1
    assert {grant.role for grant in await RoleGrant.all()} == {
        Role.SYSTEM_ADMINISTRATOR,
        Role.SECURITY_ADMINISTRATOR,
        Role.AUDIT_ADMINISTRATOR,
    }
    login = await officer_login.log_in("900001", PASSWORD, None, device="", address="")
    assert login.step is Step.ENROL, "the second factor is set up at the first login"


async def test_a_number_is_given_once_and_a_weak_password_not_at_all(real_db: str, endpoints: Endpoints) -> None:
    weak = steward(real_db, endpoints, *CREATE, "system", "--name", "王安", "900001", typed="123456")
    assert (weak.returncode, "密码太简单" in weak.stderr) == (1, True)
    assert await Officer.all().count() == 0
    for expected in (0, 1):
        done = steward(real_db, endpoints, *CREATE, "audit", "--name", "王安", "900001", typed=PASSWORD)
        assert done.returncode == expected
    assert "警号已存在" in done.stderr
    assert await Officer.all().count() == 1


async def test_a_changed_event_is_reported(real_db: str, endpoints: Endpoints, tmp_path: Path) -> None:
    await audit.record("case.closed", SYSTEM, ("case", new_id()))
    await audit.seal()
    home = {"STEWARD_HOME": str(tmp_path)}
    whole = steward(real_db, endpoints, "audit", "verify", **home)
    assert (whole.returncode, whole.stdout.startswith("1 seals over 1 events")) == (0, True), whole.stderr
    await database.execute("update event set kind = 'case.read'")
    broken = steward(real_db, endpoints, "audit", "verify", **home)
    assert broken.returncode == 1
    assert "BROKEN at seal 1:" in broken.stdout
