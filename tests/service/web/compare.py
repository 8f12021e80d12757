"""Two ways to see that nothing changed, and that two answers are one and the same."""

import re

import httpx

from service.db import Connection


async def everything(owner: Connection) -> dict[str, list[str]]:
    """The contents of every table, as text; but for the trail, in which looking leaves an entry too."""
    tables = await owner.fetch(
        """
        select schemaname || '.' || tablename as name from pg_tables
        where schemaname in ('kring', 'vault') and tablename not in ('audit', 'audit_chain')
        """
    )
    return {
        table["name"]: [
            row["row"] for row in await owner.fetch(f"select t::text as row from {table['name']} t order by 1")
        ]
        for table in tables
    }


def without_nonce(response: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers, but for what is new in every answer."""
    nonce = re.search(r"nonce-([^']+)'", response.headers["content-security-policy"])
    assert nonce
    headers = {name: value.replace(nonce[1], "") for name, value in response.headers.items()}
    return response.status_code, response.text.replace(nonce[1], ""), headers
