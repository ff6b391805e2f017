"""`lienthong policy validate|matrix|explain`: is the policy sound, who may do what, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, get_args

import typer

from gis.errors import Message
from layers.access.explain import Explanation, explain
from layers.access.explain_row import RowExplanation
from layers.access.grammar import Action
from layers.access.matrix import Matrix, matrix, subjects_of
from layers.access.principal import Principal
from layers.access.validate import Problem, validate
from layers.access.words import ACTIONS, level_words
from layers.errors import InvalidRequestError, NotFoundError
from layers.profile.grammar import LayerDefinition
from layers.profile.grants import read_grants
from layers.sharing.known import known_matrix
from layers.sharing.known_layers import known_layer
from layers.sharing.proposal import day_of
from layers.sharing.rows import Asked, row_explained
from layers.store.catalogue import Catalogue, load_catalogue

from .context import caller, database, marked, output, principal_named, print_json, run
from .policy_report import show_table

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
_MARKS = {"no": "–", "yes": "✓", "limited": "◐"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A problem and the file and line it comes from, '' for grants that are in force."""

    problem: Problem
    where: str

    def as_dict(self) -> dict[str, object]:
        return {**self.problem.as_dict(), "where": self.where}


def register(app: typer.Typer) -> None:
    app.command("validate")(validate_command)
    app.command("matrix")(matrix_command)
    app.command("explain")(explain_command)


# ── validate ─────────────────────────────────────────────────────────────────────────────────────
def validate_command(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="mặc định: đang áp dụng · the policy in force")
    ] = None,
    is_strict: Annotated[bool, typer.Option("--strict", help="cảnh báo cũng là lỗi · warnings are errors")] = False,
    as_json: AsJson = False,
) -> None:
    """Kiểm tra quyền và mọi 'expect' · check grants and every expectation."""
    found = run(lambda: _problems(path), as_json=as_json)
    is_sound = not any(each.problem.is_error or is_strict for each in found)
    if as_json:
        print_json({"valid": is_sound, "problems": [each.as_dict() for each in found]})
    else:
        _show_problems(found)
    if not is_sound:
        raise typer.Exit(1)


async def _problems(path: Path | None) -> tuple[Placed, ...]:
    """Of the grants of a file or folder, else of the policy in force, held against the applied profile."""
    placed = {} if path is None else {each.value.id: each for each in read_grants(path)}
    catalogue = await _catalogue()
    grants = catalogue.grants if path is None else tuple(each.value for each in placed.values())
    profile = catalogue.profile
    found = validate(grants, profile.layers, profile.identities, day=day_of(None))
    return tuple(
        Placed(each, placed[each.grant].error(each.at, "", "").where if each.grant in placed else "") for each in found
    )


def _show_problems(found: tuple[Placed, ...]) -> None:
    for each in found:
        mark = "[red]✗[/red]" if each.problem.is_error else "[yellow]![/yellow]"
        place = " ".join(filter(None, (each.where, each.problem.grant)))
        message = each.problem.message
        output.print(marked(f"{mark} {{}}", f"{place}: {message.vi}" if place else message.vi))
        output.print(f"  {message.en}", style="dim")
    if not found:
        output.print(marked("[green]✓[/green] không có lỗi, không có cảnh báo / no error, no warning"))


# ── matrix ───────────────────────────────────────────────────────────────────────────────────────
def matrix_command(
    layer: Annotated[str | None, typer.Option("--layer", help="chỉ một lớp · one layer only")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV trên stdout · CSV on stdout")] = False,
    language: Annotated[str, typer.Option("--language", help="vi, en (CSV)")] = "vi",
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    as_json: AsJson = False,
) -> None:
    """Ai được làm gì với lớp nào · who may do what with which layer."""
    made = run(lambda: _matrix(layer, identity), as_json=as_json)
    if as_json:
        print_json(made.as_dict())
    elif as_csv:
        typer.echo(made.as_csv(language), nl=False)
    else:
        _show_matrix(made)


async def _matrix(layer: str | None, identity: str | None) -> Matrix:
    catalogue = await _catalogue()
    profile = catalogue.profile
    if identity is not None:
        return _known_matrix(catalogue, principal_named(identity, catalogue), layer)
    layers = profile.layers if layer is None else (definition_named(catalogue, layer),)
    return matrix(
        catalogue.grants, layers, subjects_of(catalogue.grants, profile.identities),
        day=day_of(None), active_agreements=catalogue.active_agreements, sectors=profile.header.sectors,
    )  # fmt: skip


def _known_matrix(catalogue: Catalogue, principal: Principal, layer: str | None) -> Matrix:
    """Of the layers they may know of; everybody's rights on those they manage. Raises NotFoundError for a hidden one as
    for one that is not there."""
    day = day_of(None)
    whole = known_matrix(catalogue, principal, day)
    if layer is None:
        return whole
    known_layer(catalogue, principal, layer, day)
    return replace(whole, rows=tuple(row for row in whole.rows if row.layer == layer))


def _show_matrix(made: Matrix) -> None:
    titles = ("lớp / layer", "ai / who", *(f"{ACTIONS[action].vi} / {action}" for action in made.actions))
    rows = [
        (row.layer, row.subject.title.vi, *(_MARKS[cell.level] for cell in row.cells))
        for row in made.rows
        if not row.is_empty
    ]
    show_table(titles, rows)
    output.print("✓ có / yes · ◐ có giới hạn (--csv, --json) / within limits · – không / no", style="dim")


# ── explain ──────────────────────────────────────────────────────────────────────────────────────
def explain_command(
    layer: Annotated[str, typer.Option("--layer", help="lớp · the layer")],
    action: Annotated[str, typer.Option("--action", help=", ".join(get_args(Action)))] = "items",
    identity: Annotated[str | None, typer.Option("--as", help="hỏi về ai · whom it is about")] = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="mặc định: mục đích đầu của danh tính · the identity's first")
    ] = None,
    row: Annotated[
        str | None, typer.Option("--row", help="một đối tượng: fid:… hoặc khóa · one feature: fid:… or its key")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Vì sao được hoặc không được · why somebody may or may not."""
    found, on_row = run(lambda: _explanation(layer, action, identity, purpose, row), as_json=as_json)
    if as_json:
        print_json({**found.as_dict(), "row": on_row.as_dict() if on_row else None})
        return
    _show_explanation(found)
    if on_row:
        _show_row(on_row)


async def _explanation(
    layer: str, action: str, identity: str | None, purpose: str | None, row: str | None
) -> tuple[Explanation, RowExplanation | None]:
    async with database(size=2) as opened:
        async with opened.connection() as connection:
            catalogue = await load_catalogue(connection)
        about = principal_named(identity, catalogue)
        known = next((one for one in catalogue.profile.identities if one.id == identity), None)
        stated = purpose or (known.purposes[0] if known and known.purposes else None)
        definition, named, day = definition_named(catalogue, layer), action_named(action), day_of(None)
        found = explain(
            caller(), definition, named, catalogue.grants,
            purpose=stated, day=day, active_agreements=catalogue.active_agreements,
            about=about, sectors=catalogue.profile.header.sectors,
        )  # fmt: skip
        if row is None:
            return found, None
        asked = Asked(about, named, stated, layer, row)
        return found, await row_explained(opened, catalogue, caller(), asked, day)


def definition_named(catalogue: Catalogue, layer: str) -> LayerDefinition:
    """Raises NotFoundError naming the layers there are."""
    found = catalogue.profile.layer(layer)
    if found is None:
        listed = ", ".join(sorted(catalogue.layers))
        raise NotFoundError(f"Không có lớp '{layer}'. Có: {listed}.", f"No layer '{layer}'. Known: {listed}.")
    return found


def action_named(name: str) -> Action:
    """Raises InvalidRequestError naming the actions there are."""
    found: Action | None = next((action for action in ACTIONS if action == name), None)
    if found is None:
        listed = ", ".join(ACTIONS)
        raise InvalidRequestError(f"Không có thao tác '{name}'. Có: {listed}.", f"No action '{name}'. Known: {listed}.")
    return found


def _show_explanation(found: Explanation) -> None:
    mark = "[green]✓[/green]" if found.is_allowed else "[red]✗[/red]"
    _say(mark, found.summary)
    if found.is_allowed and found.columns:
        listed = ", ".join(found.columns)
        _say(" ", Message(f"cột: {listed}", f"columns: {listed}"))
    for account in found.grants:
        _say("[green]+[/green]" if account.holds else "[red]−[/red]", _named(account.grant, account.why))
        level = None if account.geometry is None else level_words(account.geometry)
        shape = None if level is None else Message(f"hình học: {level.vi}", f"geometry: {level.en}")
        for detail in filter(None, (account.rows, shape, account.next_step)):
            _say("    ", detail)


def _show_row(found: RowExplanation) -> None:
    shown = ", ".join(found.columns) or "–"
    if found.is_shown:
        _say("[green]✓[/green]", Message(f"đối tượng được xem; ô: {shown}", f"the feature is shown; cells: {shown}"))
    else:
        _say("[red]✗[/red]", Message("đối tượng không được xem", "the feature is not shown"))
    for account in found.grants:
        _say("[green]+[/green]" if account.has_row else "[red]−[/red]", _named(account.grant, account.why))


def _named(grant: str, why: Message) -> Message:
    return Message(f"{grant}: {why.vi}", f"{grant}: {why.en}")


def _say(mark: str, message: Message) -> None:
    output.print(marked(f"{mark} {{}}\n  [dim]{' ' * mark.count(' ')}{{}}[/dim]", message.vi, message.en))


async def _catalogue() -> Catalogue:
    async with database(size=2) as opened, opened.connection() as connection:
        return await load_catalogue(connection)
