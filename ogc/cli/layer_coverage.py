"""`lienthong layer coverage`: which layer is mapped in which commune, and what to close next."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from layers.checking.coverage import STATES, Asked, Coverage, coverage_of
from layers.checking.ground import KnownGrounds
from layers.store.catalogue import load_catalogue

from .context import database, output, principal_named, print_json, run
from .layer_report import show_table

#: lines of what to close next
MOST = 15


def coverage(
    sector: Annotated[str | None, typer.Option("--sector", help="chỉ ngành này · this sector only")] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="chỉ lớp này · this layer only")] = None,
    commune: Annotated[str | None, typer.Option("--commune", help="chỉ xã này · this commune only")] = None,
    procedure: Annotated[str | None, typer.Option("--procedure", help="chỉ thủ tục này · this one only")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Lớp nào phủ xã nào, nên bổ sung lớp nào trước · what is mapped where, and what to close next."""

    async def body() -> Coverage:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            asked = Asked(sector, layer, commune, procedure)
            return await coverage_of(opened, catalogue, principal_named(identity, catalogue), KnownGrounds(), asked)

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found.as_dict())


def _show(found: dict[str, Any]) -> None:
    counted: dict[str, dict[str, int]] = {}
    for cell in found["cells"]:
        of_layer = counted.setdefault(cell["layer"], dict.fromkeys(STATES, 0))
        of_layer[cell["state"]] += 1
    lines = [(layer, *(of_layer[state] or "" for state in STATES)) for layer, of_layer in counted.items()]
    show_table("Số xã theo tình trạng · communes by state", ("Lớp · layer", *STATES), lines)
    for each in found["procedures"]:
        passing = sum(1 for cell in each["communes"] if cell["best"] == "pass")
        output.print(f"{each['title']['vi']} ({each['id']}): {passing}/{len(each['communes'])} pass")
    headings = ("Bổ sung · close", "Vì sao · why", "Xã · communes", "Trọn vẹn · completes", "Thửa · parcels")
    gaps = [
        (gap["layer"], gap["why"], len(gap["communes"]), ", ".join(gap["completes"]) or "-", gap["parcels"])
        for gap in found["close_next"][:MOST]
    ]
    show_table("Nên bổ sung trước · close next", headings, gaps)
