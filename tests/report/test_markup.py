from __future__ import annotations

from compressor.report.markup import render, tag


def test_texts_and_attributes_are_escaped() -> None:
    assert render(tag("p", "<b> & ", title='"x" & y')) == '<p title="&quot;x&quot; &amp; y">&lt;b&gt; &amp; </p>'


def test_texts_stand_between_their_neighbours() -> None:
    assert render(tag("p", "a", tag("b", "c"), "d", None, "e", tag("i"), "f")) == "<p>a<b>c</b>de<i></i>f</p>"


def test_attributes_are_named_as_in_python() -> None:
    found = render(tag("line", x1=1 / 3, class_="grid", stroke_width=2, viewBox="0 0 1 1", hidden=None))
    assert found == '<line x1="0.33" class="grid" stroke-width="2" viewBox="0 0 1 1"></line>'


def test_large_places_are_written_without_an_exponent() -> None:
    assert render(tag("g", x=1234567.891, y=99999.994)) == '<g x="1234567.89" y="99999.99"></g>'
