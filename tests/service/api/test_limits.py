"""How often a program may ask, and how often somebody with a token that is none."""

import time

from tests.app import App
from tests.service.api.conftest import Sign
from tests.service.test_limits import CAFE, OFFICE, at, limited, statuses


async def test_a_program_has_one_limit_whatever_its_token(api: App, sign: Sign) -> None:
    async with limited(api.kring, limit_account=2) as app:
        answers = []
        for seconds in (100, 200, 300):
            client = await app.visitor()
            client.headers["authorization"] = f"Bearer {sign(exp=int(time.time()) + seconds)}"
            answers += await statuses(client, "/api/v1/gebieden", 1)
    assert answers == [200, 200, 429]


async def test_refused_tokens_are_misses(api: App, sign: Sign) -> None:
    async with limited(api.kring, limit_misses=2) as app:
        client = at(app, OFFICE)
        forged = {"authorization": "Bearer x"}
        assert await statuses(client, "/api/v1/gebieden", 3, headers=forged) == [401, 401, 429]
        good = {"authorization": f"Bearer {sign()}"}
        assert await statuses(client, "/api/v1/gebieden", 1, headers=good) == [429]
        assert await statuses(at(app, CAFE), "/api/v1/gebieden", 1, headers=good) == [200]
