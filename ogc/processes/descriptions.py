"""The processes as OGC API - Processes describes them: plain values in both languages, no reference elsewhere."""

from __future__ import annotations

from typing import Any

from layers.checking.wording import NEAREST
from layers.exporting.formats import FORMATS
from layers.jobs.batch_asked import MOST_FEATURES, MOST_KEYS
from layers.jobs.job import BATCH_CHECK, EXPORT, PARCEL_CHECK

PARQUET = "application/vnd.apache.parquet"
JSON_TYPE = "application/json"
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_VERSION = "1.0.0"


def _title(vi: str, en: str) -> dict[str, str]:
    return {"vi": vi, "en": en}


def _input(vi: str, en: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"title": _title(vi, en), "schema": schema, "minOccurs": int(required), "maxOccurs": 1}


_COMMON = {
    "procedure": _input("Thủ tục", "Procedure", {**_TEXT, "minLength": 1, "maxLength": 64}, required=True),
    "inputs": _input("Thông tin của thủ tục", "Inputs of the procedure", _OBJECT),
    "purpose": _input("Mục đích sử dụng", "Purpose of use", {**_TEXT, "maxLength": 100}),
    "as_of": _input("Dữ liệu đã biết đến", "Data known at", {**_TEXT, "description": "RFC 3339"}),
    "on_date": _input("Hiệu lực vào ngày", "Law in force on", {**_TEXT, "format": "date"}),
}
_PARCEL: dict[str, Any] = {
    "title": _title("Kiểm tra thửa đất", "Parcel check"),
    "description": _title(
        "Những gì áp dụng cho một thửa đất hoặc khu đất theo một thủ tục; cùng kết quả như POST /checks.",
        "What applies to a parcel or a shape for a procedure; the same answer as POST /checks.",
    ),
    "jobControlOptions": ["sync-execute", "async-execute"],
    "inputs": {
        **_COMMON,
        "subject": _input("Thửa đất hoặc hình", "Parcel or shape", _OBJECT, required=True),
        "dossier": _input("Hồ sơ", "Dossier", {**_TEXT, "maxLength": 100}),
    },
    "outputs": {
        "answer": {
            "title": _title("Kết quả kiểm tra", "Answer"),
            "schema": {**_OBJECT, "contentMediaType": JSON_TYPE},
        }
    },
    "example": {"inputs": {"procedure": "land_use_change", "subject": {"parcel": "25747/45/123"},
                           "inputs": {"target_use": "ODT", "target_area_m2": 150}}},
}  # fmt: skip
_BATCH: dict[str, Any] = {
    "title": _title("Kiểm tra hàng loạt", "Batch check"),
    "description": _title(
        "Một thủ tục cho nhiều thửa đất (theo xã, điều kiện CQL2 hoặc danh sách mã) hoặc nhiều hình vẽ; kết quả là hai "
        "tệp Parquet và bản tóm tắt, chỉ gồm những gì người gửi được xem.",
        "One procedure for many parcels (by commune, CQL2 filter or list of keys) or many shapes; the result is two "
        "Parquet files and a summary, with only what the sender may be shown.",
    ),
    "jobControlOptions": ["async-execute"],
    "inputs": {
        **_COMMON,
        "commune": _input("Mã xã", "Commune code", {**_TEXT, "maxLength": 20}),
        "filter": _input("Điều kiện (CQL2)", "Filter (CQL2 text)", {**_TEXT, "maxLength": 4000}),
        "keys": _input("Mã thửa hoặc fid:…", "Keys of parcels, or fid:…",
                       {"type": "array", "items": _TEXT, "maxItems": MOST_KEYS}),
        "features": _input("Các vùng (GeoJSON, CRS84)", "Areas (GeoJSON, CRS84)",
                           {**_OBJECT, "properties": {"type": {"enum": ["FeatureCollection"]},
                            "features": {"type": "array", "maxItems": MOST_FEATURES}}}),
    },
    "outputs": {
        "findings": {"title": _title("Kết quả từng nội dung", "Findings, one row a subject and check"),
                     "description": NEAREST.as_dict(),
                     "schema": {**_TEXT, "contentEncoding": "binary", "contentMediaType": PARQUET}},
        "features": {"title": _title("Đối tượng gặp phải", "Features met or dropped"),
                     "schema": {**_TEXT, "contentEncoding": "binary", "contentMediaType": PARQUET}},
        "summary": {"title": _title("Tóm tắt", "Summary"), "schema": {**_OBJECT, "contentMediaType": JSON_TYPE}},
    },
    "example": {"inputs": {"procedure": "land_use_change", "commune": "25747",
                           "inputs": {"target_use": "ODT", "target_area_m2": 150}}},
}  # fmt: skip
_EXPORT: dict[str, Any] = {
    "title": _title("Xuất lớp dữ liệu", "Export of a layer"),
    "description": _title(
        "Một lớp, hoặc phần thỏa điều kiện, thành một tệp của phần mềm khác; cùng dữ liệu như /collections/…/items, "
        "tại phiên bản lúc gửi yêu cầu.",
        "A layer, or what fulfils the conditions, as a file of another program; the same as /collections/…/items, at "
        "the revision of the moment it was asked for.",
    ),
    "jobControlOptions": ["async-execute"],
    "inputs": {
        "layer": _input("Lớp", "Layer", {**_TEXT, "minLength": 1, "maxLength": 64}, required=True),
        "format": _input("Định dạng", "Format", {**_TEXT, "enum": list(FORMATS)}, required=True),
        "parameters": _input("Tham số như của items", "Parameters as of items",
                             {**_OBJECT, "additionalProperties": _TEXT}),
    },
    "outputs": {
        "file": {"title": _title("Tệp", "The file"),
                 "schema": {"oneOf": [{**_TEXT, "contentEncoding": "binary", "contentMediaType": media_type}
                                      for media_type in sorted({each.media_type for each in FORMATS.values()})]}},
    },
    "example": {"inputs": {"layer": "land_use_plan", "format": "gpkg",
                           "parameters": {"filter": "ma_loai_dat = 'ODT'", "bbox": "106.6,10.9,106.7,11.0"}}},
}  # fmt: skip
PROCESSES: dict[str, dict[str, Any]] = {
    PARCEL_CHECK: {"id": PARCEL_CHECK, "version": _VERSION, "outputTransmission": ["value"], **_PARCEL},
    BATCH_CHECK: {"id": BATCH_CHECK, "version": _VERSION, "outputTransmission": ["value", "reference"], **_BATCH},
    EXPORT: {"id": EXPORT, "version": _VERSION, "outputTransmission": ["reference"], **_EXPORT},
}
