"""A drawing holds its curves and is the same bytes for the same figures."""

from __future__ import annotations

from xml.etree import ElementTree

from speechrnn.plots import Curve, plot


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
