"""What an inspection cannot do where no communes are known, said instead of passed over."""

from __future__ import annotations

from gis.errors import Message
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile


def without_communes(definition: LayerDefinition, profile: Profile) -> tuple[Message, ...]:
    """Of a file that was held against no communes: nothing for the communes themselves, and for a table."""
    reference = profile.header.reference_layers.commune
    if definition.id == reference or not definition.has_geometry or definition.is_raster:
        return ()
    why = _why(reference)
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


def _why(reference: str | None) -> Message:
    if reference is None:
        return Message(
            "Hồ sơ cấu hình không nêu lớp xã (reference_layers.commune)",
            "The profile names no commune layer (reference_layers.commune)",
        )
    return Message(
        f"Lớp xã '{reference}' chưa công bố hoặc chưa có cơ sở dữ liệu",
        f"The commune layer '{reference}' is not published, or there is no database",
    )
