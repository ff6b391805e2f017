"""The fonts of the document: one whole file a face, merged at build time from the subsets that the pages load.

A PDF writer takes one file a face: three subsets under one name would be mixed up. Merged once by `make assets`
(`python -m ogc.web.glyphs` runs it), loaded by nothing else than `pdf`.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from fontTools.merge import Merger
from fontTools.ttLib import TTFont

from layers.errors import UnavailableError

VENDOR = Path(__file__).resolve().parent.parent / "web" / "static" / "vendor"
FOLDER = VENDOR / "document"
_EPOCH = 3_692_217_600  #: 1 January 2021, in seconds since 1904
SUBSETS = ("latin", "vietnamese", "latin-ext")
#: family as the style sheet names it, weight, style, stem of the files
FACES = (
    ("Phieu Sans", 400, "normal", "noto-sans-{subset}-400-normal"),
    ("Phieu Sans", 400, "italic", "noto-sans-{subset}-400-italic"),
    ("Phieu Sans", 600, "normal", "noto-sans-{subset}-600-normal"),
    ("Phieu Sans", 700, "normal", "noto-sans-{subset}-700-normal"),
    ("Phieu Serif", 600, "normal", "noto-serif-{subset}-600-normal"),
)


def write_all(vendor: Path = VENDOR) -> int:
    """Merge every face; returns the number of files. Needs the fonts that `build.mjs` copied."""
    folder = vendor / "document"
    folder.mkdir(parents=True, exist_ok=True)
    for face in FACES:
        (folder / _name(face[3])).write_bytes(_merged([vendor / "fonts" / f"{_of(face[3], s)}.woff2" for s in SUBSETS]))
    return len(FACES)


def style_sheet() -> str:
    """The @font-face rules; addresses are names of files in FOLDER."""
    return "\n".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};src:url(font:{_name(stem)})}}'
        for family, weight, style, stem in FACES
    )


def face(name: str) -> bytes:
    """A merged file. Raises UnavailableError where the assets were not built."""
    if name not in {_name(stem) for *_, stem in FACES}:
        raise UnavailableError(f"Không có phông chữ '{name}'.", f"There is no font '{name}'.")
    try:
        return (FOLDER / name).read_bytes()
    except FileNotFoundError:
        raise UnavailableError(
            "Chưa dựng phông chữ của phiếu kết quả. Chạy 'make setup'.",
            "The fonts of the check sheet were not built. Run 'make setup'.",
        ) from None


@lru_cache
def covered() -> frozenset[int]:
    """The characters that every face can draw: with any other one a font of the machine would slip in."""
    return frozenset.intersection(*(_codes(FOLDER / _name(stem)) for *_, stem in FACES))


def _codes(path: Path) -> frozenset[int]:
    face(path.name)  # says what to do where it is missing
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


def _merged(files: list[Path]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        plain = []
        for path in files:
            font = TTFont(path, recalcTimestamp=False)
            font.flavor = None
            plain.append(str(Path(folder) / f"{path.stem}.ttf"))
            font.save(plain[-1])
        merged = Merger().merge(plain)
        _keep_letters_whole(merged)
        merged["head"].created = merged["head"].modified = _EPOCH  # the same fonts make the same file
        merged.recalcTimestamp = False
        target = Path(folder) / "merged.ttf"
        merged.save(target)
        return target.read_bytes()


def _keep_letters_whole(font: TTFont) -> None:
    """Without the rules that take "ọ" apart into letter and dot: copied text would read them as two letters."""
    for record in font["GSUB"].table.FeatureList.FeatureRecord:
        if record.FeatureTag in ("ccmp", "liga"):
            record.Feature.LookupListIndex = []
            record.Feature.LookupCount = 0


def _of(stem: str, subset: str) -> str:
    return stem.format(subset=subset)


def _name(stem: str) -> str:
    return f"{stem.replace('{subset}-', '')}.ttf"
