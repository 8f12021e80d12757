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
    sign_in_provider,
    themes,
    waiting,
    well_known,
)


def routers(settings: Settings) -> list[APIRouter]:
    """Every page there is; the demo's own pages exist only in the demo."""
    served = [needs.router, runs.router, themes.router, waiting.router]
    served += [proposals.router, joining.router, platforms.router, reports.router]
    served += [
        sign_in.router,
        sign_in_provider.router,
        invitations.router,
        my_data.router,
        pulses.router,
        well_known.router,
    ]
    return [*served, mailbox.router] if settings.demo else served
