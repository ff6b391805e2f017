"""Read a profile's folder (contracts 1). All that does not hold is told at once, each with file, line and field."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from gis.errors import Message
from layers.access.grammar import Grant
from layers.errors import MOST_ERRORS, FieldError, ProfileError, more

from .grammar import CodeList, Commune, Holidays, Identity, LayerDefinition, ProfileHeader
from .placed import Placed
from .plot_rules import PlotRules
from .procedures import ProcedureDefinition
from .profile import Profile
from .references import Parts, expectation_errors, reference_errors
from .source import WHOLE_FILE, Location, Source, read
from .wording import worded

M = TypeVar("M", bound=BaseModel)

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
#: folders of a profile that are no sectors
FOLDERS = frozenset({"procedures", "codes", "grants", "plot_rules"})
ROOT_FILES = frozenset({"profile.yaml", "identities.yaml", "communes.csv"})
COMMUNE_COLUMNS = ("code", "name", "kind", "generation", "successors")


def load_profile(folder: Path, *, day: date | None = None) -> Profile:
    """The validated profile of a folder, its grants' expectations met on `day` (today). Raises ProfileError with every
    error found.
    """
    reading = _Reading(folder)
    parts = reading.parts()
    errors = reading.errors + (list(reference_errors(parts)) if parts else [])
    if parts and not errors:
        errors = list(expectation_errors(parts, day or datetime.now(LOCAL_TIME).date()))
    if errors or parts is None:
        raise ProfileError(sorted(set(errors), key=_by_place))
    return _profile(parts)


def _by_place(error: FieldError) -> tuple[str, int, str]:
    path, _, line = error.where.rpartition(":")
    return path, int(line) if line.isdigit() else 0, error.field


def _profile(parts: Parts) -> Profile:
    return Profile(
        header=parts.header.value,
        layers=tuple(layer.value for layer in parts.layers),
        procedures=tuple(procedure.value for procedure in parts.procedures),
        codes=tuple(codes.value for codes in parts.codes),
        communes=parts.communes,
        holidays=parts.holidays,
        grants=tuple(grant.value for grant in parts.grants),
        identities=tuple(identity.value for identity in parts.identities),
        plot_rules=tuple(rules.value for rules in parts.plot_rules),
    )


@dataclass
class _Reading:
    """One pass over a folder; errors are gathered, never thrown."""

    folder: Path
    errors: list[FieldError] = field(default_factory=list)

    def parts(self) -> Parts | None:
        """Everything of the folder; None when `profile.yaml` itself cannot be used."""
        header = self._one("profile.yaml", ProfileHeader)
        layers = [placed for path in self._layer_files() for placed in self._file(path, LayerDefinition)]
        self._check_names(layers)
        procedures = [p for path in self._yaml("procedures") for p in self._file(path, ProcedureDefinition)]
        codes = [p for path in self._yaml("codes") for p in self._file(path, CodeList)]
        grants = [p for path in self._yaml("grants") for p in self._list(path, Grant)]
        identities = self._list(self.folder / "identities.yaml", Identity) if self._has("identities.yaml") else []
        communes = tuple(self._communes())
        if header is None:
            return None
        header = self._with_areas(header)
        holidays = self._holidays(header)
        self._refuse_strays(header.value.calendar)
        unread = frozenset(path.stem for path in self._layer_files()) - {p.value.id for p in layers}
        plots = [p for path in self._yaml("plot_rules") for p in self._file(path, PlotRules)]
        return Parts(header, layers, procedures, codes, communes, holidays, grants, identities, unread, plots)

    # ── files ────────────────────────────────────────────────────────────────────────────────────
    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def _yaml(self, folder: str) -> list[Path]:
        return sorted((self.folder / folder).glob("*.yaml"))

    def _layer_files(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("*/*.yaml")) if path.parent.name not in FOLDERS]

    def _refuse_strays(self, calendar: str | None) -> None:
        """A file with a wrong name would be content that silently does nothing."""
        known = ROOT_FILES | {calendar}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            is_ours = name in known or (path.suffix == ".yaml" and name.count("/") == 1)
            if path.suffix in {".yaml", ".yml", ".csv"} and not is_ours:
                self._tell(name, "tệp không thuộc hồ sơ; kiểm tra tên", "not a file of a profile; check its name")

    def _tell(self, name: str, vi: str, en: str, line: int = 1, field_name: str = WHOLE_FILE) -> None:
        self.errors.append(FieldError(field_name, Message(vi, en), f"{name}:{line}"))

    # ── YAML ─────────────────────────────────────────────────────────────────────────────────────
    def _one(self, name: str, model: type[M]) -> Placed[M] | None:
        if not self._has(name):
            self._tell(name, f"không có tệp này trong {self.folder}", f"no such file in {self.folder}")
            return None
        return next(iter(self._file(self.folder / name, model)), None)

    def _file(self, path: Path, model: type[M]) -> Iterator[Placed[M]]:
        source = read(self.folder, path)
        self.errors += source.errors
        if not source.errors:
            yield from self._validated(source, (), source.value, model)

    def _list(self, path: Path, model: type[M]) -> list[Placed[M]]:
        source = read(self.folder, path)
        self.errors += source.errors
        if source.errors:
            return []
        if not isinstance(source.value, list):
            self.errors.append(source.error((), "phải là danh sách", "must be a list"))
            return []
        return [p for i, item in enumerate(source.value) for p in self._validated(source, (i,), item, model)]

    def _validated(self, source: Source, at: Location, value: object, model: type[M]) -> Iterator[Placed[M]]:
        try:
            yield Placed(source, at, model.model_validate(value))
        except ValidationError as error:
            self.errors += worded_errors(source, at, error)

    def _check_names(self, layers: list[Placed[LayerDefinition]]) -> None:
        for layer in layers:
            sector, _, stem = layer.source.path.removesuffix(".yaml").partition("/")
            if layer.value.sector != sector:
                self.errors.append(layer.error(("sector",), f"tệp nằm ở {sector}/", f"the file lies in {sector}/"))
            if layer.value.id != stem:
                self.errors.append(layer.error(("id",), f"tệp tên {stem}.yaml", f"the file is named {stem}.yaml"))

    # ── what hangs on the header ─────────────────────────────────────────────────────────────────
    def _holidays(self, header: Placed[ProfileHeader]) -> Holidays:
        calendar = header.value.calendar
        if calendar is None:
            return Holidays()
        if not self._has(calendar):
            self.errors.append(header.error(("calendar",), f"không có tệp {calendar}", f"there is no file {calendar}"))
            return Holidays()
        found = next(iter(self._file(self.folder / calendar, Holidays)), None)
        return found.value if found else Holidays()

    def _with_areas(self, header: Placed[ProfileHeader]) -> Placed[ProfileHeader]:
        """Zones whose area is a file get the geometry in it: the applied text must stand alone."""
        crs, zones = header.value.crs, []
        for number, zone in enumerate(header.value.crs.zones):
            area = zone.area
            if isinstance(area, str):
                area = self._area(header, ("crs", "zones", number, "area"), area)
            zones.append(zone.model_copy(update={"area": area}))
        changed = crs.model_copy(update={"zones": tuple(zones)})
        return Placed(header.source, header.at, header.value.model_copy(update={"crs": changed}))

    def _area(self, header: Placed[ProfileHeader], at: Location, name: str) -> dict[str, object] | None:
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
            geometries = [f["geometry"] for f in found["features"]] if "features" in found else None
            if geometries is None:
                return dict(found.get("geometry", found))
            return {"type": "GeometryCollection", "geometries": geometries}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            vi, en = f"không đọc được GeoJSON '{name}'", f"cannot read the GeoJSON file '{name}'"
            self.errors.append(header.error(at, vi, en))
            return None

    # ── communes.csv ─────────────────────────────────────────────────────────────────────────────
    def _communes(self) -> Iterator[Commune]:
        """The table after the comments at its head (the notice of the source)."""
        if not self._has("communes.csv"):
            return
        lines = (self.folder / "communes.csv").read_text(encoding="utf-8-sig").splitlines()
        head = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
        table = csv.DictReader(lines[head:])
        if tuple(table.fieldnames or ()) != COMMUNE_COLUMNS:
            columns = ",".join(COMMUNE_COLUMNS)
            self._tell("communes.csv", f"dòng đầu phải là {columns}", f"the first line must be {columns}", head + 1)
            return
        seen: set[tuple[str, int]] = set()
        for row in table:
            for commune in self._commune(row, head + table.line_num):
                if (commune.code, commune.generation) in seen:
                    vi, en = f"mã {commune.code} lặp lại", f"repeated code {commune.code}"
                    self._tell("communes.csv", vi, en, head + table.line_num, "code")
                seen.add((commune.code, commune.generation))
                yield commune

    def _commune(self, row: dict[str, str], line: int) -> Iterator[Commune]:
        value = {**row, "successors": tuple((row.get("successors") or "").split())}
        value.pop(None, None)  # type: ignore[call-overload]  # cells beyond the last column
        try:
            yield Commune.model_validate(value)
        except ValidationError as error:
            for detail in error.errors():
                name = str(detail["loc"][0]) if detail["loc"] else "(dòng / line)"
                self.errors.append(FieldError(name, worded(detail), f"communes.csv:{line}"))


def worded_errors(source: Source, at: Location, error: ValidationError) -> Iterator[FieldError]:
    """One error for one place: the branches of a union all complain about the same value."""
    told: dict[tuple[str, str], FieldError] = {}
    details = error.errors()
    for number, detail in enumerate(details):
        if len(told) == MOST_ERRORS:
            told["", ""] = more(len(details) - number)
            break
        if detail["type"] == "too_short" and detail["input"]:
            continue  # entries that do not hold are told one by one
        message = worded(detail)
        found = source.error((*at, *detail["loc"]), message.vi, message.en)
        told.setdefault((found.where, found.field), found)
    yield from told.values()
