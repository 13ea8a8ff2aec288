"""DOT and SVG: well-formed, every node once, nothing on top of anything else."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from golden_files import Golden

import wengert as wg
from wengert.ir.walk import order
from wengert.show.dot import dot
from wengert.show.drawing import Drawing
from wengert.show.layout import layered
from wengert.show.svg import svg

FORMULAS = [
    ("x", {}),
    ("x**2*sin(y)/(x - y)", {}),
    ("norm(A @ x - b)**2", {"A": ("m", "n"), "x": "n", "b": "m"}),
    ("where((a < b) & (x >= 0), exp(-x/3), 1e-3) + alpha_1", {}),
    ("sum(A*A, axis=0) @ v + trace(S)*logsumexp(v)", {"A": ("m", "n"), "v": "n", "S": ("n", "n")}),
]


@pytest.mark.parametrize(("formula", "shapes"), FORMULAS)
def test_every_node_is_drawn_once(formula: str, shapes: dict[str, object]) -> None:
    e = wg.parse(formula, **shapes)  # type: ignore[arg-type]
    nodes = order([e])
    arrows = sum(len(n.args) for n in nodes)
    assert len(re.findall(r"^  n\d+ \[label=", e.dot(), re.M)) == len(nodes)
    assert e.dot().count("->") - sum(Drawing([e]).label(n).count("->") for n in nodes) == arrows
    picture = ET.fromstring(e.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}rect")) == len(nodes)
    assert len(picture.findall(f"{space}path")) == arrows


@pytest.mark.parametrize(("formula", "shapes"), FORMULAS)
def test_boxes_do_not_overlap_and_arrows_point_down(
    formula: str, shapes: dict[str, object]
) -> None:
    nodes = order([wg.parse(formula, **shapes)])  # type: ignore[arg-type]
    layout = layered(nodes, dict.fromkeys(nodes, 60.0))
    for node in nodes:
        x, y = layout.place[node]
        assert 30 <= x <= layout.width - 30
        assert 0 < y < layout.height
        for arg in node.args:
            assert layout.place[arg][1] < y
        for other in nodes:
            if other is not node and layout.place[other][1] == y:
                assert abs(layout.place[other][0] - x) >= 60


def test_texts_are_escaped() -> None:
    x = wg.symbol("x")
    odd = wg.symbol('a"<&>\\')
    picture = svg([wg.where(x < odd, x, 0)])
    texts = [t.text for t in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert {"<", 'a"<&>\\'} <= set(texts)
    assert r'label="a\"<&>\\"' in dot([odd])


def test_several_results_share_their_nodes() -> None:
    x = wg.symbol("x")
    s = wg.sin(x)
    assert dot([s + 1, s * s]).count('label="sin"') == 1


def test_dot(golden: Golden) -> None:
    golden("show/graph", wg.parse(*FORMULAS[2][:1], **FORMULAS[2][1]).dot(), suffix=".dot")  # type: ignore[arg-type]


def test_svg(golden: Golden) -> None:
    golden("show/graph", wg.parse(*FORMULAS[2][:1], **FORMULAS[2][1]).svg(), suffix=".svg")  # type: ignore[arg-type]
