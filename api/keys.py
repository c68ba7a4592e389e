"""Keys of personal data: which versions there are, how far a rotation has come, proposing one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.approvals import ChangeReason, ChangeView, change_view
from api.deps import ActorDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, View
from kit.crypto import vault
from stewardship.foundation.errors import NotFound
from stewardship.foundation.keys import service as keys
from stewardship.foundation.keys.models import RotationState
from stewardship.foundation.org.administration import holds
from stewardship.foundation.org.models import Role
from stewardship.foundation.org.names import officer_names

router = APIRouter(tags=["administration"], route_class=OnceRoute)


class RotationStepView(View):
    """One table; `files` are the blobs on the disk. `total` is an estimate where the table is large."""

    table_name: str = Field(examples=["person"])
    total: int = Field(examples=[1200])
    looked_at: int = Field(examples=[500])
    rewritten: int = Field(examples=[480])
    done: bool = Field(examples=[False])


class RotationView(View):
    """A rotation. Without a proposer it was started at the server itself, by `steward keys rotate`."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    state: RotationState = Field(examples=["running"])
    encryption_version: int = Field(examples=[2])
    index_version: int = Field(examples=[1])
    started_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    finished_at: datetime | None = Field(examples=[None])
    proposed_by_name: str | None = Field(examples=["王敏"])
    approved_by_name: str | None = Field(examples=["李强"])
    percent: int = Field(examples=[41])
    steps: list[RotationStepView]


class KeysView(View):
    """The versions that this server has, newest first. `rotation_needed`: no rotation has reached the newest yet."""

    encryption_versions: list[int] = Field(examples=[[2, 1]])
    index_versions: list[int] = Field(examples=[[1]])
    rotation_needed: bool = Field(examples=[True])
    rotations: list[RotationView]


class RotationProposal(Payload):
    reason: ChangeReason


def _percent(found: keys.Progress) -> int:
    if found.rotation.state is RotationState.DONE:
        return 100
    total = sum(max(step.total, step.looked_at) for step in found.steps)
    return min(99, 100 * sum(step.looked_at for step in found.steps) // total) if total else 0


@router.get("/keys")
async def get_keys(actor: ActorDep) -> KeysView:
    """Versions, and the last rotations with their progress. No key is ever shown."""
    if not await holds(actor, Role.SECURITY_ADMINISTRATOR, None):
        raise NotFound("keys_not_found", "没有找到密钥", "密钥由市局的安全管理员管理。")
    rows = await keys.rotations()
    names = await officer_names(
        id_ for row in rows for id_ in (row.rotation.proposed_by_id, row.rotation.approved_by_id)
    )
    ring, index = vault().ring, vault().index
    reached = any(
        (row.rotation.encryption_version, row.rotation.index_version) == (ring.newest, index.newest)
        and row.rotation.state is RotationState.DONE
        for row in rows
    )
    return KeysView(
        encryption_versions=ring.versions,
        index_versions=index.versions,
        rotation_needed=not reached and (len(ring.versions) > 1 or len(index.versions) > 1),
        rotations=[
            RotationView(
                id=row.rotation.id,
                state=row.rotation.state,
                encryption_version=row.rotation.encryption_version,
                index_version=row.rotation.index_version,
                started_at=row.rotation.started_at,
                finished_at=row.rotation.finished_at,
                proposed_by_name=_name(names, row.rotation.proposed_by_id),
                approved_by_name=_name(names, row.rotation.approved_by_id),
                percent=_percent(row),
                steps=[RotationStepView.model_validate(step) for step in row.steps],
            )
            for row in rows
        ],
    )


def _name(names: dict[UUID, str], officer_id: UUID | None) -> str | None:
    return names.get(officer_id) if officer_id else None


@router.post("/keys/rotations/proposals", status_code=201)
async def propose_rotation(payload: RotationProposal, actor: ActorDep) -> ChangeView:
    """Propose to rewrite everything to the newest keys; another security administrator approves it."""
    return await change_view(actor, await keys.propose(actor, payload.reason))
