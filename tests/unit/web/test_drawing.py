"""How definitions become a style: own colours, code lists, and nothing a caller may not see."""

from __future__ import annotations

from typing import Any

from layers.profile.grammar import CodeList, LayerDefinition
from ogc.web.drawing import legend_of, paint_of, style_layers

CODES = CodeList.model_validate(
    {
        "id": "land_use",
        "title": {"vi": "Loại đất", "en": "Land use"},
        "entries": [
            {"code": "ODT", "title": {"vi": "Đất ở", "en": "Home"}, "color": "#ffa0a0"},
            {"code": "LUC", "title": {"vi": "Lúa", "en": "Rice"}},
        ],
    }
)


def layer(**more: Any) -> LayerDefinition:
    return LayerDefinition.model_validate(
        {
            "id": "plan",
            "sector": "land",
            "title": {"vi": "Quy hoạch", "en": "Plan"},
            "geometry": "MultiPolygon",
            "label": "{ten}",
            "attributes": [{"name": "ma", "type": "code", "codes": "land_use"}, {"name": "ten", "type": "string"}],
        }
        | more
    )


def drawn(definition: LayerDefinition, columns: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    made = style_layers(definition, columns, {"land_use": CODES}, is_parcel=False, is_commune=False)
    return {each["id"]: each for each in made}


def test_a_code_reference_becomes_the_colours_of_the_list() -> None:
    style = {"fill": {"fill-color": "@land_use ma"}}
    color = drawn(layer(style=style), ("ma", "ten"))["plan:fill"]["paint"]["fill-color"]
    assert color[:4] == ["match", ["get", "ma"], "ODT", "#ffa0a0"]
    assert "LUC" not in color


def test_a_hidden_column_colours_nothing_and_labels_nothing() -> None:
    style = {"fill": {"fill-color": "@land_use ma"}}
    made = drawn(layer(style=style), ())
    assert isinstance(made["plan:fill"]["paint"]["fill-color"], str)
    assert "plan:label" not in made


def test_labels_come_from_a_source_of_their_own_but_the_same_layer() -> None:
    label = drawn(layer(), ("ma", "ten"))["plan:label"]
    assert label["source"] != "plan"
    assert label["source-layer"] == "plan"


def test_flat_and_nested_paint_mean_the_same() -> None:
    flat, nested = layer(style={"fill-color": "#123456"}), layer(style={"fill": {"fill-color": "#123456"}})
    assert paint_of(flat) == paint_of(nested)


def test_a_legend_never_shows_an_expression() -> None:
    legend = legend_of(layer(style={"fill": {"fill-color": ["match", ["get", "ma"], "A", "#111111", "#222222"]}}))
    assert legend.fill == "#222222"
    reference = legend_of(layer(style={"fill": {"fill-color": "@land_use ma"}}))
    assert reference.fill.startswith("#")


def test_every_shape_has_a_paint_of_its_own() -> None:
    for geometry, kinds in (("MultiPolygon", {"fill", "line"}), ("LineString", {"line"}), ("Point", {"circle"})):
        assert set(paint_of(layer(geometry=geometry))) == kinds
    assert paint_of(layer(geometry="none")) == {}


def test_lines_and_points_grow_with_the_zoom_and_a_paint_that_does_so_itself_is_left_alone() -> None:
    road = layer(geometry="LineString", style={"line": {"line-width": 2}})
    assert drawn(road, ())["plan:line"]["paint"]["line-width"] == [
        "interpolate", ["linear"], ["zoom"], 9, ["*", 0.35, 2], 14, 2,
    ]  # fmt: skip
    own = ["interpolate", ["linear"], ["zoom"], 5, 1, 15, 4]
    assert drawn(layer(geometry="LineString", style={"line-width": own}), ())["plan:line"]["paint"]["line-width"] == own


def test_labels_are_left_out_where_the_definition_says_so() -> None:
    assert "plan:label" not in drawn(layer(style={"symbol": False}), ("ma", "ten"))


def test_a_coverage_is_drawn_as_squares_from_afar_and_as_shapes_at_every_zoom() -> None:
    made = drawn(layer(style={"coverage": True}), ("ma", "ten"))
    assert list(made) == ["plan:cells", "plan:fill", "plan:line", "plan:label"]
    assert made["plan:cells"]["filter"] == ["has", "_cell"]
    assert made["plan:cells"]["maxzoom"] == 13, "tiles hold squares up to zoom 12"
    for each in ("fill", "line", "label"):
        assert made[f"plan:{each}"]["filter"] == ["!", ["has", "_cell"]]
    assert "minzoom" not in made["plan:fill"]
    assert "filter" not in drawn(layer(), ("ma", "ten"))["plan:fill"]
