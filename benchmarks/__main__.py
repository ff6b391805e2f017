"""`python -m benchmarks --small` (under 3 minutes) or `--full` (a million parcels): ratios, each with its bar."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from benchmarks import batch, cadastre, checking, exporting, filtering, policy, province, rates, reading, tiles
from benchmarks.peers import tipg
from benchmarks.served import served
from benchmarks.timing import Row, print_rows

SIZES = {"small": (20_000, 30, 200), "full": (1_000_000, 60, 500)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", dest="size", action="store_const", const="small")
    size.add_argument("--full", dest="size", action="store_const", const="full")
    parser.add_argument("--only", choices=("reading", "peers", "policy", "checking", "batch", "cadastre", "exporting"))
    parser.set_defaults(size="small")
    arguments = parser.parse_args()
    parcels, runs, checks = SIZES[arguments.size]
    if arguments.only == "cadastre":
        _print_cadastre()
        return
    try:
        made = province.province(parcels)
        print(f"\n{parcels:,} parcels, made and published in {made.built_s:.1f} s; {platform.machine()}, medians\n")
        os.environ["LIENTHONG_RASTERS"] = str(made.rasters)  # for this process, the servers and the batches it starts
        rows = _rows(made.url, runs, checks, arguments.only)
    finally:
        province.stop()
    print_rows(rows)
    _keep(arguments.size, rows)
    if arguments.only is None:
        _print_cadastre()


def _print_cadastre() -> None:
    try:
        print("", *cadastre.shares(), sep="\n")
    finally:
        province.stop()


def _rows(url: str, runs: int, checks: int, only: str | None) -> list[Row]:
    rows: list[Row] = []
    with served(url) as server:
        if only in (None, "reading"):
            rows += [reading.items(url, server, runs), reading.deep_page(server, runs), reading.tile(url, server, runs)]
            rows += filtering.filters(url, server, runs)
            rows.append(rates.not_modified(url, runs))
            rows += [*tiles.low_zooms(url, server, runs), tiles.kept(url, server, runs)]
        if only in (None, "checking"):
            rows += [checking.six_layers(url, checks), checking.one_parcel(url, checks)]
            rows += [*checking.post_checks(url, server, checks)]
    if only == "peers":
        rows += tipg.rows(url, runs)
    if only in (None, "policy"):
        rows += policy.policy(url, runs)
    if only == "exporting":
        rows += exporting.exports(url)
    if only in (None, "batch"):
        rows.append(batch.batch(url))
    return rows


def _keep(size: str, rows: list[Row]) -> None:
    """The last figures as JSON, beside the benchmarks."""
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    kept = [{**asdict(row), "ratio": row.ratio} for row in rows]
    (folder / f"{size}.json").write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
