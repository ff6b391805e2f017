"""`lienthong task`: disputes about layers, listed and answered by whoever answers for them."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from layers.checking.tasks import Decision, State, TaskAnswer, Tasks, answer_task, tasks_of
from layers.checking.wording import day, label_of
from layers.store.catalogue import load_catalogue

from .context import console, database, marked, output, principal_named, print_json, run

app = typer.Typer(no_args_is_help=True, help="Phản ánh về dữ liệu · disputes about layers")

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
As = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]
STATES, DECISIONS = ("open", "answered"), ("upheld", "rejected", "corrected")


@app.callback()
def task() -> None:
    """Phản ánh về dữ liệu · disputes about layers."""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option("--state", metavar="open|answered", help="lọc · only these")] = None,
    identity: As = None,
    as_json: AsJson = False,
) -> None:
    """Các phản ánh về lớp mình quản lý · disputes about one's own layers."""
    if state not in (None, *STATES):
        raise typer.BadParameter("--state: open | answered")

    async def body() -> Tasks:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            who = principal_named(identity, catalogue)
            return await tasks_of(opened, catalogue, who, state=cast("State | None", state))

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
        return
    for one in found.tasks:
        _show(one)
    if not found.tasks:
        console.print("Không có phản ánh nào · no disputes")


def _show(task: Any) -> None:
    answer, feature = task["answer"], task["feature"]
    told = f" = {answer['decision']}" if answer else ""
    about = f"{task['state']}{told} · {task['layer']} · {day(task['created'])}"
    output.print(marked("[bold]{}[/bold] · {}", task["id"], about))
    if task["finding"]:
        label = label_of(task["finding"])
        named = f" · {feature['key'] or feature['fid']}" if feature else ""
        output.print(f"  {task['finding']['title']['vi']}: {label.vi} · {label.en}{named}")
    output.print(f"  {task['reason']}")
    if answer:
        output.print(f"  → {answer['text']}")


@app.command()
def answer(
    task_id: Annotated[str, typer.Argument(metavar="ID", help="mã phản ánh · the dispute's id")],
    text: Annotated[str, typer.Option("--text", help="nội dung trả lời · the answer")],
    decision: Annotated[
        str, typer.Option("--decision", metavar="upheld|rejected|corrected", help="kết luận · the decision")
    ],
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="REV", help="phiên bản đã sửa · corrected in revision")
    ] = None,
    identity: As = None,
    as_json: AsJson = False,
) -> None:
    """Trả lời một phản ánh, một lần · answer a dispute, once."""
    if decision not in DECISIONS:
        raise typer.BadParameter("--decision: upheld | rejected | corrected")

    async def body() -> str:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            given = TaskAnswer(cast("Decision", decision), text, revision)
            return await answer_task(opened, catalogue, task_id, given, principal_named(identity, catalogue))

    made = run(body, as_json=as_json)
    if as_json:
        print_json({"id": made, "task": task_id})
    else:
        output.print(marked("[green]✓[/green] Đã trả lời · answered: {}", task_id))
