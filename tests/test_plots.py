"""A drawing holds its curves, a chart its fields, and either is the same bytes for the same figures."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from speechrnn.plots import Chart, Curve, chart, plot


def test_places_have_names_and_points_have_bars_instead_of_lines(tmp_path):
    curves = {"a": Curve([0, 2], [5, 6], [4, 5], [7, 8]), "b": Curve([0, 1, 2], [3, 2, 1])}
    plot(tmp_path / "one.svg", curves, title="t", x_label="", y_label="%", names=("left", "middle", "right"))
    texts = [element.text for element in ElementTree.parse(tmp_path / "one.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in {"left", "middle", "right"}] == ["left", "middle", "right"]
    assert {"a", "b"} <= set(texts)


def test_a_plot_is_an_svg_with_the_names_of_its_curves(tmp_path):
    curves = {"a": Curve([1, 2, 3], [1, 10, 100]), "b": Curve([1, 2, 3], [3, 2, 1], [2, 1, 0.5], [4, 3, 2])}
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        plot(path, curves, title="T & <t>", x_label="lag", y_label="norm", log_y=True)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    texts = {element.text for element in ElementTree.parse(paths[0]).iter("{http://www.w3.org/2000/svg}text")}
    assert {"a", "b", "T & <t>", "lag", "norm"} <= texts


def test_a_chart_writes_every_field_below_its_column_and_colours_it_by_its_share(tmp_path):
    charts = {"left": Chart(["10", "20"], [[0.0, 1.0], [math.nan, 0.5]], [["none", "all"], ["", "half"]])}
    charts["right"] = Chart(["5"], [[1.0], [0.0]], [["full"], ["empty"]])
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        chart(path, charts, ["upper", "lower"], title="shares", x_label="lag")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    svg = ElementTree.parse(paths[0])
    name = "{http://www.w3.org/2000/svg}"
    places = {text.text: (float(text.get("x")), float(text.get("y"))) for text in svg.iter(name + "text")}
    assert {"shares", "lag", "left", "right"} <= set(places)
    for field, column, row in (("none", "10", "upper"), ("all", "20", "upper"), ("half", "20", "lower"), ("full", "5", "upper")):
        assert math.isclose(places[field][0], places[column][0], abs_tol=1)
        assert math.isclose(places[field][1], places[row][1], abs_tol=3)
    assert places["upper"][1] < places["lower"][1]
    meshes = [group for group in svg.iter(name + "g") if "QuadMesh" in group.get("id", "")]
    fills = [field.get("style").split(";")[0] for mesh in meshes for field in mesh.iter(name + "path")]
    none, all_, blank, half, full, empty = fills
    assert (all_, none) == (full, empty)
    assert len({none, half, all_}) == 3
    assert blank == "fill: none"
