"""What `lienthong policy` prints: grants, differences, history; Vietnamese first, English beneath."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from layers.access.grammar import Grant, Precision
from layers.profile.profile import Profile
from layers.sharing.difference import Difference
from layers.sharing.wording import Line, lines
from layers.store.policy import Change

from .context import marked, output

#: characters: a redirected table is not folded to a terminal's width
WIDTH_IN_A_FILE = 220
GRANT_TITLES = (
    "quyền / grant", "cho / to", "lớp / layer", "hành động / actions", "hàng / rows", "cột / columns",
    "hình học / geometry",
)  # fmt: skip
_MARKS = {"added": "[green]+[/green]", "removed": "[red]−[/red]", "changed": "[yellow]~[/yellow]"}
_TONES = {"gained": "green", "lost": "red", "neutral": "dim"}


def show_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout, whole where nobody looks."""
    table = Table(box=None, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if output.is_terminal else WIDTH_IN_A_FILE
    Console(width=width, markup=False, emoji=False).print(table)


def show_grants(grants: Sequence[Grant]) -> None:
    show_table(GRANT_TITLES, [_grant(grant) for grant in grants])


def _grant(grant: Grant) -> tuple[str, ...]:
    asked = grant.geometry
    return (
        grant.id, _grantee(grant), _layer(grant), " ".join(grant.actions), grant.rows or "*", _columns(grant),
        f"{asked.precision_m:g} m" if isinstance(asked, Precision) else asked,
    )  # fmt: skip


def _grantee(grant: Grant) -> str:
    to = grant.to
    return "mọi người / anyone" if to.anyone else str(to.role or to.identity or to.office)


def _layer(grant: Grant) -> str:
    return grant.layer if isinstance(grant.layer, str) else f"sharing={grant.layer.sharing}"


def _columns(grant: Grant) -> str:
    return " ".join((*(f"#{tag}" for tag in grant.columns.tags), *grant.columns.names))


def show_difference(found: Difference, profile: Profile) -> None:
    """Grants first, then who gains or loses what, then what keeps it from being applied."""
    if found.is_empty:
        output.print(marked("[green]✓[/green] không có gì thay đổi / nothing would change"))
    for change in found.changes:
        fields = f" ({', '.join(change.fields)})" if change.kind == "changed" else ""
        output.print(marked(f"{_MARKS[change.kind]} {{}}[dim]{{}}[/dim]", change.id, fields))
    for line in lines(profile, found.effects):
        output.print(Text("  ").append_text(_line(line, "vi")))
        output.print(f"    {line.in_language('en')}", style="dim")
    for layer in found.orphans:
        output.print(marked("[yellow]![/yellow] {}: không còn ai được công bố / nobody may publish it any more", layer))
    for each in found.unmet:
        output.print(marked("[red]✗[/red] {}", f"{each.grant}.expect[{each.number}]: {each.message}"))


def _line(line: Line, language: str) -> Text:
    actions = ", ".join(action.in_language(language) for action in line.actions)
    parts = Text(", ").join(Text(part.message.in_language(language), style=_TONES[part.tone]) for part in line.parts)
    who, layer = line.who.in_language(language), line.layer.in_language(language)
    return marked("[bold]{}[/bold] · {} ({}): ", who, layer, actions).append_text(parts)


def show_history(changes: Sequence[Change]) -> None:
    titles = ("khi / when", "ai / by", "chính sách / policy", "ghi chú / note")
    rows = [
        (change.applied.isoformat(timespec="seconds"), change.os_user or change.by, change.digest[:19], change.note)
        for change in changes
    ]
    show_table(titles, rows)
