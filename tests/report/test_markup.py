from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from forelearn.report.markup import Markup, element, escaped, join, name, visible


class Reader(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


printable = st.text(st.characters(exclude_categories=("Cc", "Cs")))


@given(printable)
def test_any_text_reads_back_as_itself_and_makes_no_element(text):
    read = Reader(element("p", {}, text))
    assert [tag for tag, _ in read.tags] == ["p"]
    assert read.text == text


@given(printable)
def test_any_text_reads_back_from_an_attribute(text):
    read = Reader(element("p", {"title": text}))
    assert read.tags == [("p", {"title": text})]


@given(st.text())
def test_what_is_shown_can_always_be_written_as_utf8_without_control_characters(text):
    for shown in (escaped(text), visible(text)):
        assert not any(ord(letter) < 32 and letter not in "\t\n\r" for letter in shown)
        shown.encode("utf-8")


def test_a_terminal_sees_no_escape_sequence_and_no_line_break():
    assert visible("red \x1b[31m\nnext\tcell") == "red \ufffd[31m next cell"


def test_markup_is_not_escaped_twice_and_text_beside_it_is():
    assert join(Markup("<b>x</b>"), "<b>", None, 3, ["&"]) == "<b>x</b>&lt;b&gt;3&amp;"


def test_attributes_that_are_none_or_false_are_left_out_and_true_stands_alone():
    assert element("a", {"x": None, "y": False, "z": True, "n": 0, "f": 1.50}) == '<a z n="0" f="1.5"></a>'


def test_a_void_element_has_no_end():
    assert element("br") == "<br>"


def test_a_name_is_kept_apart_from_the_writing_direction_around_it():
    assert name("משימה <1>") == "<bdi>משימה &lt;1&gt;</bdi>"
