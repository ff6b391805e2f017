"""`lienthong policy`: the grants in force, and how they change: import a proposal, look at its difference, apply it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.errors import RefusedError
from layers.profile.grants import read_grants
from layers.sharing.apply import AppliedPolicy, apply_proposal
from layers.sharing.difference import Difference
from layers.sharing.known import OwnGrant, managed_grants, own_grants, plain_grant
from layers.sharing.proposal import day_of, difference_of, proposal_difference, propose, rebase, withdraw
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.policy import Proposal
from layers.store.policy import history as read_history

from . import policy_agreements, policy_questions
from .context import AnyDict, console, database, marked, output, principal_named, print_json, require_operator, run
from .policy_report import show_difference, show_grants, show_history

app = typer.Typer(no_args_is_help=True, help="Chính sách chia sẻ dữ liệu · the sharing policy")
policy_questions.register(app)
policy_agreements.register(app)

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
Identity = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]
GrantsPath = Annotated[Path, typer.Argument(metavar="PATH", help="tệp hoặc thư mục quyền · file or folder of grants")]
Merge = Annotated[
    bool,
    typer.Option(
        "--merge", help="giữ các quyền không có trong tệp · keep the grants the file does not name", show_default=False
    ),
]
Note = Annotated[str, typer.Option("--note", help="ghi chú, giữ trong lịch sử · kept in the history")]


@app.callback()
def policy() -> None:
    """Chính sách chia sẻ dữ liệu · the sharing policy."""


@app.command()
def show(identity: Identity = None, as_json: AsJson = False) -> None:
    """In các quyền đang áp dụng · print the grants in force."""
    if identity is not None:
        known = run(lambda: _known(identity), as_json=as_json)
        return print_json(known.as_dict()) if as_json else _show_known(known)
    catalogue = run(_load, as_json=as_json)
    if as_json:
        grants = [grant.model_dump(mode="json", by_alias=True, exclude_defaults=True) for grant in catalogue.grants]
        print_json({"digest": catalogue.policy_digest, "grants": grants})
        return
    show_grants(catalogue.grants)
    output.print(catalogue.policy_digest, style="dim")


async def _load() -> Catalogue:
    async with database(size=2) as opened, opened.connection() as connection:
        return await load_catalogue(connection)


@dataclass(frozen=True, slots=True)
class _Known:
    """What one identity may know of the policy: the grants for them, and all on the layers they manage."""

    digest: str
    own: tuple[OwnGrant, ...]
    managed: tuple[Grant, ...]

    def as_dict(self) -> AnyDict:
        return {
            "digest": self.digest, "grants": [grant.as_dict() for grant in self.own],
            "managed": [plain_grant(grant) for grant in self.managed],
        }  # fmt: skip


async def _known(identity: str) -> _Known:
    catalogue, day = await _load(), day_of(None)
    principal = principal_named(identity, catalogue)
    own, others = own_grants(catalogue, principal, day), managed_grants(catalogue, principal, day)
    return _Known(catalogue.policy_digest, own, others)


def _show_known(known: _Known) -> None:
    whole = {grant.id: grant for grant in known.managed}
    show_grants([*(one.told() for one in known.own if one.grant.id not in whole), *whole.values()])
    output.print(known.digest, style="dim")


# ── changing it ──────────────────────────────────────────────────────────────────────────────────
@app.command("import")
def import_(
    path: GrantsPath, merge: Merge = False, note: Note = "", identity: Identity = None, as_json: AsJson = False
) -> None:
    """Lập đề xuất từ tệp; chưa có hiệu lực · make a proposal of files; nothing is in force yet."""

    async def body() -> Proposal:
        given = read_grants(path)
        async with database(size=2) as opened:
            principal = await _principal(opened, identity)
            return await propose(opened, principal, given, note=note, is_merged=merge)

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        console.print(marked("[green]✓[/green] đề xuất / proposal {}: 'lienthong policy diff'", found.digest[:19]))


@app.command()
def diff(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="mặc định: đề xuất · the proposal")] = None,
    merge: Merge = False,
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Ai được thêm, mất gì trên dữ liệu hiện tại · who would gain and lose what on the current data."""

    async def body() -> tuple[Difference, Catalogue]:
        given = read_grants(path) if path else None
        async with database(size=2) as opened:
            principal, catalogue = await _principal(opened, identity), await _catalogue(opened)
            if given is not None:
                return await difference_of(opened, principal, given, is_merged=merge), catalogue
            return (await proposal_difference(opened, principal))[1], catalogue

    found, catalogue = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        show_difference(found, catalogue.profile)


@app.command()
def apply(
    yes: Annotated[bool, typer.Option("--yes", help="không hỏi lại · do not ask")] = False,
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Áp dụng đề xuất, có hiệu lực ngay · apply the proposal; it takes effect at once."""

    async def body() -> AppliedPolicy:
        async with database(size=2) as opened:
            principal = await _principal(opened, identity)
            expected = None if yes else await _confirmed(opened, principal, as_json=as_json)
            return await apply_proposal(opened, principal, expected=expected)

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        console.print(marked("[green]✓[/green] đã áp dụng / applied: {}", found.digest), soft_wrap=True)


async def _confirmed(opened: Database, principal: Principal, *, as_json: bool) -> str:
    """The digest of what somebody has looked at and agreed to. Raises RefusedError where nobody can, or says no."""
    found, difference = await proposal_difference(opened, principal)
    if not as_json:
        show_difference(difference, (await _catalogue(opened)).profile)
    is_asked = sys.stdin.isatty() and not as_json
    if not (is_asked and typer.confirm("Áp dụng? · Apply?", err=True)):
        raise RefusedError(
            "Chưa áp dụng. Xem 'lienthong policy diff', rồi chạy lại với --yes.",
            "Not applied. See 'lienthong policy diff', then run again with --yes.",
        )
    return found.digest


@app.command("rebase")
def rebase_(identity: Identity = None, as_json: AsJson = False) -> None:
    """Lập lại đề xuất trên chính sách hiện hành · make the same proposal on top of the policy in force."""

    async def body() -> Proposal:
        async with database(size=2) as opened:
            return await rebase(opened, await _principal(opened, identity))

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        console.print(marked("[green]✓[/green] đề xuất / proposal {}: 'lienthong policy diff'", found.digest[:19]))


@app.command("withdraw")
def withdraw_(identity: Identity = None, as_json: AsJson = False) -> None:
    """Bỏ đề xuất · drop the proposal."""

    async def body() -> bool:
        async with database(size=2) as opened:
            return await withdraw(opened, await _principal(opened, identity))

    was_open = run(body, as_json=as_json)
    if as_json:
        print_json({"withdrawn": was_open})
    else:
        console.print(
            marked("[green]✓[/green] {}", "đã bỏ / dropped" if was_open else "không có đề xuất / no proposal")
        )


@app.command()
def history(identity: Identity = None, as_json: AsJson = False) -> None:
    """Các lần thay đổi chính sách · who changed the policy, and when."""

    async def body() -> list[dict[str, object]]:
        require_operator(identity)
        async with database(size=2) as opened, opened.connection() as connection:
            found = await read_history(connection)
            if not as_json:
                show_history(found)
            return [change.as_dict() for change in found]

    found = run(body, as_json=as_json)
    if as_json:
        print_json({"changes": found})


# ── shared ───────────────────────────────────────────────────────────────────────────────────────
async def _catalogue(opened: Database) -> Catalogue:
    async with opened.connection() as connection:
        return await load_catalogue(connection)


async def _principal(opened: Database, identity: str | None) -> Principal:
    return principal_named(identity, await _catalogue(opened))
