"""The routes of the pages, by who they are for; `routers` is the whole list."""

from fastapi import APIRouter

from service.settings import Settings
from service.web.routes import (
    invitations,
    joining,
    mailbox,
    my_data,
    needs,
    platforms,
    proposals,
    pulses,
    reports,
    runs,
    sign_in,
    themes,
    waiting,
)


def routers(settings: Settings) -> list[APIRouter]:
    """Every page there is; the demo's own pages exist only in the demo."""
    served = [needs.router, runs.router, themes.router, waiting.router]
    served += [proposals.router, joining.router, platforms.router, reports.router]
    served += [sign_in.router, invitations.router, my_data.router, pulses.router]
    return [*served, mailbox.router] if settings.demo else served
