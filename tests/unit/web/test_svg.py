from __future__ import annotations

from tidebook.web import svg


def test_text_and_attributes_are_escaped() -> None:
    drawn = svg.element("text", "<b>&", x='1" onload="x')
    assert drawn == '<text x="1&#34; onload=&#34;x">&lt;b&gt;&amp;</text>'


def test_underscores_become_hyphens_and_nothing_is_left_out() -> None:
    assert svg.element("path", class_="a", vector_effect="none", d=None) == (
        '<path class="a" vector-effect="none"></path>'
    )


def test_children_are_not_escaped_twice() -> None:
    assert svg.element("g", svg.element("title", "a & b")) == "<g><title>a &amp; b</title></g>"


def test_a_step_holds_its_height_until_the_next() -> None:
    assert svg.step_path([(0, 10), (5, 4)], 8) == "M0 10 H5 V4 H8"


def test_an_area_closes_on_its_base() -> None:
    points = [(0, 1), (2, 3.456)]
    line = svg.line_path(points)
    assert svg.area_path(line, points, 9) == "M0 1 L2 3.46 L2 9 L0 9 Z"


def test_a_negative_zero_is_written_as_zero() -> None:
    assert svg.share(-0.00000001) == "0%"
