"""What pydantic found wrong, in both languages."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from gis.errors import Message

_TEXTS = {
    "missing": ("thiếu mục bắt buộc", "required, but missing"),
    "extra_forbidden": ("không có mục này; kiểm tra chính tả", "no such key; check the spelling"),
    "string_type": ("phải là chữ; đặt trong dấu ngoặc kép", "must be text; put it in quotes"),
    "bool_type": ("phải là true hoặc false", "must be true or false"),
    "bool_parsing": ("phải là true hoặc false", "must be true or false"),
    "int_type": ("phải là số nguyên", "must be a whole number"),
    "int_parsing": ("phải là số nguyên", "must be a whole number"),
    "int_from_float": ("phải là số nguyên", "must be a whole number"),
    "float_type": ("phải là số", "must be a number"),
    "float_parsing": ("phải là số", "must be a number"),
    "date_type": ("phải là ngày dạng 2026-01-31", "must be a date such as 2026-01-31"),
    "date_parsing": ("phải là ngày dạng 2026-01-31", "must be a date such as 2026-01-31"),
    "date_from_datetime_parsing": ("phải là ngày dạng 2026-01-31", "must be a date such as 2026-01-31"),
    "tuple_type": ("phải là danh sách", "must be a list"),
    "list_type": ("phải là danh sách", "must be a list"),
    "dict_type": ("phải là các cặp khóa và giá trị", "must be keys and values"),
    "model_type": ("phải là các cặp khóa và giá trị", "must be keys and values"),
    "model_attributes_type": ("phải là các cặp khóa và giá trị", "must be keys and values"),
}  # fmt: skip
_WITH_CONTEXT = {
    "literal_error": ("phải là một trong: {expected}", "must be one of: {expected}"),
    "enum": ("phải là một trong: {expected}", "must be one of: {expected}"),
    "string_pattern_mismatch": ("không đúng mẫu {pattern}", "does not match {pattern}"),
    "greater_than": ("phải lớn hơn {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("phải từ {ge} trở lên", "must be at least {ge}"),
    "less_than": ("phải nhỏ hơn {lt}", "must be less than {lt}"),
    "less_than_equal": ("phải từ {le} trở xuống", "must be at most {le}"),
    "too_short": ("cần ít nhất {min_length} mục", "needs at least {min_length} entries"),
    "union_tag_invalid": ("loại '{tag}' không có; dùng {expected_tags}", "no kind '{tag}'; use {expected_tags}"),
}


def worded(error: ErrorDetails) -> Message:
    """Our own validators write 'tiếng Việt / English'; the common kinds have fixed words; the rest keeps pydantic's."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        vi, separator, en = str(context["error"]).partition(" / ")
        return Message(vi, en if separator else vi)
    if kind in _TEXTS:
        return Message(*_TEXTS[kind])
    if kind in _WITH_CONTEXT:
        vi, en = _WITH_CONTEXT[kind]
        return Message(vi.format(**context).replace(" or ", " hoặc "), en.format(**context))
    return Message(f"giá trị không hợp lệ ({error['msg']})", error["msg"])
