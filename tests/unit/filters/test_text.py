"""What may reach the parser, what is refused, and binding."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import InvalidRequestError
from layers.filters import (
    bind,
    bind_claims,
    check,
    load_json,
    parse_bound,
    parse_json,
    parse_text,
    references,
    to_json,
    to_text,
    typed,
)
from layers.filters.tree import And, Comparison, Constant, In, Like, Literal, Property, Spatial, property_names

PROPERTIES = {
    "so": "integer", "dien_tich": "number", "ten": "string", "loai": "code", "co": "boolean", "ngay": "date",
    "luc": "datetime", "muc": "list", "muc.loai": "list:code", "geometry": "geometry",
}  # fmt: skip


SO = Property("so")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1700 + "so=1" + ")" * 1700,
        "so=" * 2000 + "1",
        "so=" + "-" * 4000 + "1",
        "NOT " * 1900 + "co",
        "CASEI(" * 1000 + "ten" + ")" * 1000 + "='x'",
        "so=1" + "+1" * 2000 + "=2",
        "ten LIKE " * 800 + "'x'",
        "NOT (" * 63 + "co" + ")" * 63 + " AND " + "NOT NOT NOT NOT NOT NOT NOT NOT NOT co",
    ],
)
def test_a_text_that_would_end_the_process_is_refused_before_the_parser_sees_it(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_text(text)


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("number", [2**53, 2**53 + 1, 10**18 + 1, 2**63 - 1])
def test_a_whole_number_keeps_all_of_its_digits(number: int, sign: str) -> None:
    wanted = Literal(int(f"{sign}{number}"))
    text = f"so = {sign}{number} OR so IN (2.5, {sign}{number})"
    as_json = {"op": "=", "args": [{"property": "so"}, wanted.value]}
    found = check(parse_text(text), PROPERTIES)
    assert found.operands == (Comparison("=", SO, wanted), In(SO, (Literal(2.5), wanted)))  # type: ignore[union-attr]
    assert check(parse_json(as_json), PROPERTIES) == Comparison("=", SO, wanted)
    assert check(parse_text(to_text(found)), PROPERTIES) == found
    assert typed(f"{sign}{number}", "so", PROPERTIES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "so = 9007199254740993.0", "so = 9007199254740992e0", "so + 0 = 9007199254740993", "so = 9223372036854775808",
        "dien_tich = 9007199254740993", "123456789012345678901 = 1", f"so = {'9' * 300}",
    ],
)  # fmt: skip
def test_a_number_that_is_not_exact_where_it_is_compared_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        check(parse_text(text), PROPERTIES)


def test_a_whole_number_that_a_double_holds_goes_with_numbers() -> None:
    found = check(parse_text("dien_tich < 100000000000000000000"), PROPERTIES)
    assert found == Comparison("<", Property("dien_tich"), Literal(1e20))


@pytest.mark.parametrize("value", ["nan", "inf", "1_000", "١٢", " 1", "1e999", "", "0x1"])
def test_a_number_is_written_in_digits(value: str) -> None:
    for name in ("so", "dien_tich"):
        with pytest.raises(InvalidRequestError):
            typed(value, name, PROPERTIES)


@pytest.mark.parametrize("value", ["2025-W27-2", "20250701", "2025-7-1", "２０２５-07-01", "20250701T000000Z"])
def test_days_and_times_are_those_of_rfc_3339(value: str) -> None:
    for text in (f"ngay = DATE('{value}')", f"luc = TIMESTAMP('{value}')", f"ngay = '{value}'", f"luc = '{value}'"):
        with pytest.raises(InvalidRequestError):
            check(parse_text(text), PROPERTIES)
    with pytest.raises(InvalidRequestError):
        parse_json({"op": "=", "args": [{"property": "luc"}, {"timestamp": "2025-07-01 00:00:00Z"}]})
    small, large = (parse_text(f"luc = TIMESTAMP('2025-07-01{t}00:00:00.5{z}')") for t, z in ("tz", "TZ"))
    assert small == large


@pytest.mark.parametrize(
    ("box", "bounds"),
    [
        ("180,-90,-180,90", (-180, -90, 180, 90)), ("180,5,-180,5", (-180, 5, 180, 5)),
        ("170,0,-180,9", (-180, 0, 180, 9)),
    ],
)  # fmt: skip
def test_a_box_of_no_width_at_the_antimeridian_is_a_line_there(box: str, bounds: tuple[float, ...]) -> None:
    found = check(parse_text(f"S_INTERSECTS(geometry, BBOX({box}))"), PROPERTIES)
    assert isinstance(found, Spatial) and found.shape.bounds == bounds


@pytest.mark.parametrize(
    "text", ["", "   ", "so =", "so = 'x", "\x00", "ten = '\ud800'", "so = 1; DROP TABLE x", "a" * 9000]
)
def test_a_text_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_text(text)
    assert caught.value.message.vi and caught.value.message.en


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pg_sleep(10) = 1", "pg_sleep"),
        ("avg(so)", "avg"),
        ("so = 1 + avg(so)", "avg"),
        ("S_WITHIN(geometry, Buffer(geometry, 10, 'm'))", "Buffer"),
        ("T_AFTER(now(), DATE('2024-01-01'))", "now"),
        ("A_EQUALS(split(ten), ('x'))", "split"),
        ("T_DURING(ngay, DATE('2024-01-01'))", "t_during"),
        ("T_AFTER(ten, DATE('2024-01-01'))", "ten"),
        ("T_AFTER(ngay, INTERVAL('2024-02-02', '2024-01-01'))", "ends before"),
        ("A_CONTAINS(ten, ('x'))", "ten"),
        ("A_CONTAINS(muc.khac, ('x'))", "muc.khac"),
        ("A_CONTAINS(muc.loai, (so, 1))", "no constant"),
        ("so = ten + 1", "numbers"),
        ("ACCENTI(so) = 'x'", "ACCENTI"),
        ("1", "a bare value"),
    ],
)
def test_what_is_not_supported_is_named_in_both_languages(text: str, named: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check(parse_text(text), PROPERTIES)
    assert named in caught.value.message.en
    assert caught.value.message.vi != caught.value.message.en


@pytest.mark.parametrize(
    "text",
    [
        "khong_co = 1", "so = 'x'", "so = 99999999999999999999", "ten = 1", "ten > 5", "muc = 'x'",
        "so LIKE '1%'", "ngay = TIMESTAMP('2024-01-01T00:00:00Z')", "ngay = 'hôm nay'", "CASEI(so) = CASEI('x')",
        "S_INTERSECTS(ten, POINT(1 2))", "so", "so = ten", "ten LIKE '%%%%%%%%%'", "ten LIKE 'x\\'",
        "S_INTERSECTS(geometry, POINT(200 2))", "S_INTERSECTS(geometry, POLYGON((0 0,1 1,0 1,1 0,0 0)))",
        "S_INTERSECTS(geometry, POLYGON EMPTY)",
    ],
)  # fmt: skip
def test_a_name_a_type_or_a_shape_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        check(parse_text(text), PROPERTIES)


def test_a_hidden_and_a_missing_property_are_refused_in_the_same_words() -> None:
    shown = {"so": "integer"}
    messages = []
    for name in ("gia", "abc"):
        with pytest.raises(InvalidRequestError) as caught:
            check(parse_text(f"{name} = 1"), shown)
        messages.append(caught.value.message.en.replace(name, "X"))
    assert messages[0] == messages[1]


def test_literals_take_the_type_of_their_column() -> None:
    checked = check(parse_text("so = 5 AND dien_tich > 5 AND ngay >= '2024-02-29'"), PROPERTIES)
    assert checked == And((
        Comparison("=", Property("so"), Literal(5)),
        Comparison(">", Property("dien_tich"), Literal(5.0)),
        Comparison(">=", Property("ngay"), Literal(date(2024, 2, 29))),
    ))  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "so IN (1, 2) OR NOT (dien_tich BETWEEN 1.5 AND 2)",
        "CASEI(ten) LIKE CASEI('phú%') AND ten NOT LIKE '50\\%'",
        "ten = 'O''Brien' AND co AND co = FALSE",
        "luc < TIMESTAMP('2024-01-01T00:00:00+07:00') AND ngay IS NOT NULL",
        "S_INTERSECTS(geometry, BBOX(106, 10, 107, 11.5))",
        "S_INTERSECTS(geometry, POLYGON((106 10, 107 10, 107 11, 106 10)))",
        "TRUE AND 'ODT' IN ('ODT', NULL)",
        "ACCENTI(CASEI(ten)) LIKE ACCENTI(CASEI('Đường%')) AND co > TRUE",
        "so = 2 * dien_tich + 3 - so ^ 2 OR 1 + 1 = so OR dien_tich % 2 < so div 3",
        "S_CONTAINS(geometry, POINT(106.5 11)) OR S_WITHIN(POINT(106.5 11), geometry) OR S_EQUALS(geometry, geometry)",
        "S_TOUCHES(geometry, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0.1 0.2, 3 4)))",
        "S_DISJOINT(geometry, BBOX(170, -10, -170, 10))",
        "T_AFTER(ngay, DATE('2024-02-29')) AND T_DURING(INTERVAL(ngay, luc), INTERVAL('2024-01-01', '..'))",
        "T_INTERSECTS(luc, INTERVAL('..', '2024-01-01T00:00:00Z'))",
        "A_CONTAINS(muc.loai, ('ODT', 1, TRUE)) OR A_OVERLAPS(muc.loai, muc.loai) OR A_EQUALS((), muc.loai)",
    ],
)
def test_a_filter_written_as_text_or_as_json_reads_back_as_the_same_filter(text: str) -> None:
    checked = check(parse_text(text), PROPERTIES)
    assert check(parse_text(to_text(checked)), PROPERTIES) == checked
    assert check(parse_json(json.loads(json.dumps(to_json(checked)))), PROPERTIES) == checked


def test_json_and_text_mean_the_same() -> None:
    as_json = (
        '{"op":"and","args":[{"op":"=","args":[{"property":"so"},1]},{"op":"like","args":[{"property":"ten"},"a%"]}]}'
    )
    assert check(parse_json(load_json(as_json)), PROPERTIES) == check(parse_text("so=1 AND ten LIKE 'a%'"), PROPERTIES)


@pytest.mark.parametrize(
    "text",
    ['{"op":"not","args":[' * 300 + "true" + "]}" * 300, '{"op":"like"}', "[", "{}", '"x"',
     '{"op":"=","args":[{"a":1},2]}',
     '{"op":"in","args":[{"property":"so"},5]}', '{"property":5}', "null", "[" * 5000],
)  # fmt: skip
def test_json_that_is_deep_or_malformed_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_json(load_json(text))


@given(st.text(max_size=60) | st.text(alphabet="so=<>()'\"AND ORNT,.0123456789-%:LIKEnull\\", max_size=120))
def test_no_text_raises_anything_but_a_request_error(text: str) -> None:
    try:
        check(parse_text(text), PROPERTIES)
    except InvalidRequestError:
        return


@given(st.text(max_size=40))
def test_a_bound_text_is_one_literal_whatever_it_holds(value: str) -> None:
    try:
        bound = bind("ten = :input.x", {":input.x": value})
    except InvalidRequestError:
        return  # control characters have no literal
    found = parse_bound(bound)
    assert isinstance(found, Comparison) and isinstance(found.right, Literal)
    assert property_names(found) == {"ten"}


def test_a_reference_inside_quotes_is_not_bound() -> None:
    assert bind("ten = ':input.x' AND so = :input.x", {":input.x": 5}) == "ten = ':input.x' AND so = 5"
    assert references("ten = ':input.x' AND so = :input.y") == (":input.y",)


def test_every_kind_of_value_binds_to_a_literal_that_parses() -> None:
    values = {
        ":input.a": 1, ":input.b": 2.5, ":input.c": True, ":input.d": date(2024, 1, 2), ":input.f": None,
        ":input.e": datetime.fromisoformat("2024-01-02T03:04:05+07:00"), ":input.g": ("x", "y'")
    }  # fmt: skip
    for name, value in values.items():
        found = parse_bound(bind(f"p IN {name}" if isinstance(value, tuple) else f"p = {name}", {name: value}))
        assert isinstance(found, Comparison | In)


def test_a_reference_without_a_value_is_an_error() -> None:
    with pytest.raises(InvalidRequestError, match=r":input\.x"):
        bind("so = :input.x", {})


def test_an_absent_claim_binds_to_a_set_that_nothing_is_in() -> None:
    assert parse_bound(bind_claims("xa IN :claims.communes", {})) == In(Property("xa"), (Literal(None),))


def test_a_rule_may_list_every_commune_of_the_country() -> None:
    communes = tuple(f"{number:05}" for number in range(3321))
    found = parse_bound(bind_claims("xa IN :claims.communes", {"communes": communes}))
    assert isinstance(found, In) and len(found.options) == 3321


def test_a_constant_is_a_filter() -> None:
    assert parse_text("TRUE") == Constant(True)


@given(st.text(alphabet="\\'abtnvfr\t\x07ú ", max_size=12))
def test_a_text_with_escapes_reads_back_or_has_no_literal(value: str) -> None:
    try:
        written = bind("ten = :input.x", {":input.x": value})
    except InvalidRequestError:
        assert value.endswith("\\")
        return
    assert parse_bound(written) == Comparison("=", Property("ten"), Literal(value))


def test_escapes_stand_for_quotes_and_control_characters_and_patterns_keep_theirs() -> None:
    assert parse_text("ten = 'it\\'s\\ta ''test'''") == Comparison("=", Property("ten"), Literal("it's\ta 'test'"))
    assert parse_text("ten LIKE '50\\%\\\\'") == Like(Property("ten"), Literal("50\\%\\\\"))
    assert parse_text("so > .5") == Comparison(">", Property("so"), Literal(0.5))
