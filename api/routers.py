"""Every feature's routes."""

from __future__ import annotations

from fastapi import APIRouter

from api import (
    appointments,
    approvals,
    cases,
    explanations,
    files,
    handovers,
    inquiries,
    inspection,
    invitations,
    live,
    me,
    my_appointments,
    my_cases,
    my_inquiries,
    organisation,
    parties,
    queue,
    promises,
    ratings,
    reports,
    rosters,
    sessions,
    updates,
    visits,
)

ROUTERS: tuple[APIRouter, ...] = (
    sessions.router,
    me.router,
    invitations.router,
    my_cases.router,
    my_inquiries.router,
    my_appointments.router,
    files.router,
    cases.router,
    parties.router,
    updates.router,
    queue.router,
    inquiries.router,
    live.router,
    visits.router,
    ratings.router,
    reports.router,
    explanations.router,
    organisation.router,
    rosters.router,
    appointments.router,
    handovers.router,
    inspection.router,
    approvals.router,
    promises.router,
)
