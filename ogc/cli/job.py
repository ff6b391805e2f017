"""`lienthong job list|show|dismiss`: the one job table as the operator sees it, or the jobs of one identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .context import caller, database, output, principal_named, print_json, run

if TYPE_CHECKING:
    from layers.access.principal import Principal
    from layers.jobs.job import Job
    from layers.store.connection import Database

app = typer.Typer(help="Công việc chạy nền · background jobs", no_args_is_help=True)
_Json = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
_Identity = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]
_Id = Annotated[str, typer.Argument(help="mã công việc · the job's id")]


@app.command("list")
def list_jobs(identity: _Identity = None, as_json: _Json = False) -> None:
    """Mọi công việc, mới nhất trước · all jobs, the newest first."""

    async def body() -> list[Job]:
        from layers.jobs.queue import own_jobs
        from layers.store import jobs

        async with database() as opened:
            if identity is not None:
                return (await own_jobs(opened, await _principal(opened, identity)))[0]
            async with opened.connection() as connection:
                return await jobs.all_jobs(connection)

    found = run(body, as_json=as_json)
    if as_json:
        print_json({"jobs": [told(job) for job in found]})
        return
    table = Table()
    for title in ("Mã · id", "Loại · kind", "Người gửi · owner", "Tình trạng · state", "%", "Gửi lúc · sent"):
        table.add_column(title)
    for job in found:
        table.add_row(job.id, job.kind, job.owner, job.state, str(job.progress), f"{job.created:%Y-%m-%d %H:%M}")
    output.print(table)


@app.command("show")
def show(job_id: _Id, identity: _Identity = None, as_json: _Json = False) -> None:
    """Một công việc · one job."""

    async def body() -> Job:
        from layers.jobs.queue import own_job

        async with database() as opened:
            return await own_job(opened, await _principal(opened, identity), job_id)

    job = run(body, as_json=as_json)
    if as_json:
        print_json(told(job))
        return
    output.print(f"{job.kind} {job.id}: {job.state}, {job.progress} %")
    output.print(f"{job.message.vi} · {job.message.en}")
    for file in (job.result or {}).get("files", ()):
        output.print(f"  {file['name']}: {file['bytes']:,} B, {file['sha256']}")


@app.command("dismiss")
def dismiss(job_id: _Id, identity: _Identity = None, as_json: _Json = False) -> None:
    """Hủy một công việc và xóa kết quả · dismiss a job; its result goes."""

    async def body() -> Job:
        from layers.jobs import queue

        async with database() as opened:
            return await queue.dismiss(opened, await _principal(opened, identity), job_id)

    job = run(body, as_json=as_json)
    if as_json:
        print_json(told(job))
    else:
        output.print(f"{job.message.vi} · {job.message.en}")


async def _principal(opened: Database, identity: str | None) -> Principal:
    from layers.store.catalogue import load_catalogue

    if identity is None:
        return caller()
    async with opened.connection() as connection:
        return principal_named(identity, await load_catalogue(connection))


def told(job: Job) -> dict[str, Any]:
    """A job in JSON; what was asked stays with its owner."""
    names = ("id", "owner", "kind", "state", "progress", "attempts", "worker", "created", "started", "finished",
             "expires")  # fmt: skip
    files = list((job.result or {}).get("files", ()))
    return {name: getattr(job, name) for name in names} | {"message": job.message.as_dict(), "files": files}
