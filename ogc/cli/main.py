"""`lienthong`: one file a noun; this one only hangs them together."""

from __future__ import annotations

import importlib
import sys

import typer

ABOUT = "Liên thông dữ liệu GIS giữa các ngành · GIS data sharing between sectors"

#: groups of commands (`lienthong layer …`) and single commands (`lienthong check …`), each in ogc/cli/<module>.py
GROUPS = {
    "db": "db", "profile": "profile", "layer": "layer", "policy": "policy", "dossier": "dossier", "audit": "audit",
    "demo": "demo", "job": "job", "task": "task", "tiles": "tiles",
}  # fmt: skip
COMMANDS = ("up", "worker", "check", "batch", "divide", "inside", "replay", "verify", "token", "doctor")


def build(only: str | None = None) -> typer.Typer:
    """All commands, or the one that is asked for: imports are most of what a short command costs."""
    app = typer.Typer(name="lienthong", no_args_is_help=True, pretty_exceptions_show_locals=False)
    for name, module in GROUPS.items():
        if only in (None, name):
            app.add_typer(importlib.import_module(f"ogc.cli.{module}").app, name=name)
    for module in COMMANDS:
        if only in (None, module):
            importlib.import_module(f"ogc.cli.{module}").register(app)
    app.callback(help=ABOUT)(_lienthong)
    return app


def _lienthong() -> None:
    """Keeps the commands' names even where only one is hung in."""


def run() -> None:
    """The entry point of the package."""
    asked = sys.argv[1] if len(sys.argv) > 1 else None
    build(asked if asked in GROUPS or asked in COMMANDS else None)()
