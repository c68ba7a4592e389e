"""Every feature's routes."""

from __future__ import annotations

from fastapi import APIRouter

from api import (
    cases,
    explanations,
    files,
    inquiries,
    inspection,
    invitations,
    live,
    me,
    my_cases,
    my_inquiries,
    organisation,
    parties,
    queue,
    ratings,
    reports,
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
    inspection.router,
)
