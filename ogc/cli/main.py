"""`lienthong`: one file a noun; this one only hangs them together."""

from __future__ import annotations

import importlib

import typer

app = typer.Typer(
    name="lienthong",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Liên thông dữ liệu GIS giữa các ngành · GIS data sharing between sectors",
)

#: groups of commands (`lienthong layer …`) and single commands (`lienthong check …`), each in ogc/cli/<module>.py
GROUPS = {"db": "db", "profile": "profile", "layer": "layer", "policy": "policy", "demo": "demo"}
COMMANDS = ("up", "worker", "check", "batch", "replay", "token", "doctor")


def _build() -> None:
    for name, module in GROUPS.items():
        app.add_typer(importlib.import_module(f"ogc.cli.{module}").app, name=name)
    for module in COMMANDS:
        importlib.import_module(f"ogc.cli.{module}").register(app)


def run() -> None:
    """The entry point of the package."""
    _build()
    app()
