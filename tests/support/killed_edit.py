"""A process that edits one plot and kills itself at a named step: `python -m tests.support.killed_edit URL STEP`."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime

import anyio

from layers.access.decide import decide
from layers.access.principal import operator
from layers.editing import edit
from layers.editing.draft import Terms
from layers.editing.sent import UNSENT, Sent
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from tests.support.files import query


def main() -> None:
    url, step = sys.argv[1:3]
    fid = query(url, "SELECT fid FROM data.plot WHERE key = '25747.1' AND until IS NULL")[0]["fid"]

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async def body() -> None:
        async with Database.open(url, size=2) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            state, who, now = catalogue.layers["plot"], operator("officer"), datetime.now(UTC)
            items, granted = (
                decide(who, state.definition, action, (), purpose=None, day=now.date()) for action in ("items", "edit")
            )
            work = edit.Work(catalogue, state, who, None, items, granted, now, on_step)
            terms = Terms("EPSG:4326", is_whole=False)
            await edit.change(database, work, fid, Sent({"tang": 9}, UNSENT), terms, lambda _item: True)

    anyio.run(body)


if __name__ == "__main__":
    main()
