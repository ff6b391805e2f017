"""What `lienthong check` is asked about: parcels, a file with a shape, a table of vertices."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from gis.errors import Message
from layers.checking.request import ByCoordinates, ByParcels, ByUpload, SubjectQuery, by_file, parse_parcel
from layers.errors import FieldError, InvalidInputsError

#: files that may be taken as they are: GeoJSON in CRS84
_GEOJSON = (".geojson", ".json")


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments that say what is checked."""

    parcels: tuple[str, ...] = ()
    geometry: Path | None = None
    coordinates: Path | None = None
    crs: str | None = None
    axes: str | None = None
    key: str | None = None

    def subject(self) -> SubjectQuery:
        """Raises InvalidRequestError, InvalidInputsError naming the argument that cannot be used."""
        if self.coordinates is not None:
            return self._table(self.coordinates)
        if self.geometry is not None:
            return self._file(self.geometry)
        found = tuple(parse_parcel(text) for text in self.parcels)
        return found[0] if len(found) == 1 else ByParcels(found)

    def require_one(self) -> None:
        """Exactly one way to say it. Raises typer.BadParameter."""
        given = [bool(self.parcels), self.geometry is not None, self.coordinates is not None]
        if sum(given) != 1:
            raise typer.BadParameter(
                "cần đúng một trong PARCEL, --geometry và --coordinates / "
                "exactly one of PARCEL, --geometry and --coordinates"
            )
        if self.axes not in (None, "north_east", "east_north"):
            raise typer.BadParameter("--axes: north_east | east_north")

    def _file(self, path: Path) -> SubjectQuery:
        content = _read(path, "geometry")
        if path.suffix.lower() in _GEOJSON and self.key is None and self.crs is None:
            try:
                return by_file(content)
            except InvalidInputsError as error:
                message = Message(f"Không đọc được '{path}' như GeoJSON. {error.message.vi}",
                                  f"'{path}' cannot be read as GeoJSON. {error.message.en}")  # fmt: skip
                raise InvalidInputsError(message.vi, message.en, [FieldError("geometry", message)]) from error
        return ByUpload(path.name, content, self.key, None, self.crs)

    def _table(self, path: Path) -> SubjectQuery:
        """A text, or the `coordinates` of a proposal as JSON; '-' is the standard input."""
        content = sys.stdin.buffer.read() if str(path) == "-" else _read(path, "coordinates")
        if content.lstrip().startswith(b"{"):
            from ogc.service.bodies import CoordinatesBody, coordinates_of, validated  # the libraries of a server

            return coordinates_of(validated(CoordinatesBody, content))
        try:
            text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            message = Message(f"'{path}' không phải văn bản UTF-8.", f"'{path}' is no UTF-8 text.")
            raise InvalidInputsError(message.vi, message.en, [FieldError("coordinates", message)]) from None
        return ByCoordinates(text, crs=self.crs, axes=self.axes)  # type: ignore[arg-type]  # one of the two, see above


def _read(path: Path, field: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = Message(f"Không đọc được '{path}' ({type(error).__name__}).",
                          f"'{path}' cannot be read ({type(error).__name__}).")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError(field, message)]) from None
