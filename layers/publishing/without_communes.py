"""What an inspection cannot do where no communes are known, said instead of passed over."""

from __future__ import annotations

from typing import Literal

from gis.errors import Message
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile

#: why the commune layer of a profile could not be read
Missing = Literal["unpublished", "no_database", "no_answer", "not_applied"]


def without_communes(
    definition: LayerDefinition, profile: Profile, missing: Missing = "unpublished"
) -> tuple[Message, ...]:
    """Of a file that was held against no communes: nothing for the communes themselves, and for a table."""
    reference = profile.header.reference_layers.commune
    if definition.id == reference or not definition.has_geometry or definition.is_raster:
        return ()
    why = _why(reference, missing)
    attribute = definition.by_role("commune")
    if attribute is None:
        off = Message("'--scope commune=' không dùng được.", "'--scope commune=' is off.")
    else:
        off = Message(
            f"không đối chiếu cột '{attribute.name}' với ranh giới xã; '--scope commune=' chỉ theo cột này.",
            f"the column '{attribute.name}' is not matched with commune boundaries; '--scope commune=' goes by the "
            "column alone.",
        )
    return (Message(f"{why.vi}: {off.vi}", f"{why.en}: {off.en}"),)


def _why(reference: str | None, missing: Missing) -> Message:
    if reference is None:
        return Message(
            "Hồ sơ cấu hình không nêu lớp xã (reference_layers.commune)",
            "The profile names no commune layer (reference_layers.commune)",
        )
    return {
        "unpublished": Message(
            f"Lớp xã '{reference}' chưa công bố (công bố bằng 'lienthong layer publish FILE --layer {reference}')",
            f"The commune layer '{reference}' is not published ('lienthong layer publish FILE --layer {reference}')",
        ),
        "no_database": Message(
            f"Chưa có cơ sở dữ liệu nên không có lớp xã '{reference}' (tạo bằng 'lienthong db start')",
            f"There is no database, so no commune layer '{reference}' ('lienthong db start' makes one)",
        ),
        "no_answer": Message(
            f"Không dùng được cơ sở dữ liệu nên không đọc được lớp xã '{reference}' (xem 'lienthong doctor')",
            f"The database cannot be used, so the commune layer '{reference}' is not read (see 'lienthong doctor')",
        ),
        "not_applied": Message(
            f"Cơ sở dữ liệu chưa áp dụng hồ sơ cấu hình nên không có lớp xã '{reference}' ('lienthong profile apply')",
            f"No profile is applied to the database, so there is no commune layer '{reference}' "
            "('lienthong profile apply')",
        ),
    }[missing]
