import base64
import dataclasses
import hashlib
import re
import time
from html.parser import HTMLParser

from tests.report.fake import NAMES, fake_summary

from forelearn.report.page import SECTIONS, page, write_page
from forelearn.report.summary import EncoderRow, Summary, Word
from forelearn.report.wording import signed

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`</style></title>&amp;"


class Elements(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "input", "col"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def empty_summary() -> Summary:
    encoder = EncoderRow("tiny", "0" * 20, 2, 64, 100_000)
    return Summary("0.1.0", "new", "2025-01-01T00:00:00Z", "f1", 0.9, encoder, "3 runs", (), (), (), ())


def evil_summary() -> Summary:
    """Markup in every place where text from data can stand."""
    summary = fake_summary((EVIL, *NAMES[1:]))
    words = (Word(EVIL, 0.3, 0.3, True, True, EVIL), Word("x", -0.1, 0.1, False, True))
    documents = tuple(dataclasses.replace(d, id=EVIL, label=EVIL, words=words, before=EVIL)
                      for d in summary.explanations[0].documents)  # fmt: skip
    return dataclasses.replace(
        summary,
        study=EVIL,
        budget=EVIL,
        notes=(EVIL,),
        settings={EVIL: {"deep": [EVIL, {"deeper": EVIL}]}},
        environment={EVIL: EVIL},
        set_aside={EVIL: EVIL},
        encoder=dataclasses.replace(summary.encoder, name=EVIL),
        pairs=tuple(dataclasses.replace(p, reason=EVIL, features={EVIL: 1.0}) for p in summary.pairs),
        answers=tuple(
            dataclasses.replace(a, reason=EVIL, more=EVIL, export_hint=EVIL) for a in summary.answers
        ),
        explanations=tuple(dataclasses.replace(e, documents=documents) for e in summary.explanations),
        failures=tuple(dataclasses.replace(f, label=EVIL, reason=EVIL) for f in summary.failures),
    )


def test_every_section_is_there_and_every_element_is_closed():
    read = Elements(page(fake_summary()))
    assert read.open == []
    ids = [attributes.get("id") for _, attributes in read.found]
    assert all(key in ids for key, _ in SECTIONS)
    assert len([i for i in ids if i]) == len({i for i in ids if i})


def test_the_answers_come_first():
    text = page(fake_summary())
    places = [text.index(f'id="{key}"') for key, _ in SECTIONS]
    assert places == sorted(places)


def test_the_page_needs_nothing_from_elsewhere():
    text = page(fake_summary())
    for _, attributes in Elements(text).found:
        assert not {"src", "srcset", "action"} & set(attributes)
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert re.findall(r"url\(([^)]*)\)", text.replace("&quot;", "")).count("#hatch") > 0
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#hatch"}


def test_the_policy_admits_the_one_script_by_its_hash():
    text = page(fake_summary())
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Elements(text).found if tag == "meta" and "http-equiv" in a)
    assert f"script-src 'sha256-{known}'" in policy
    assert policy.startswith("default-src 'none'")


def test_markup_in_any_text_from_data_stays_text():
    read = Elements(page(evil_summary()))
    plain = Elements(page(fake_summary()))
    assert [tag for tag, _ in read.found].count("script") == 1
    assert "img" not in {tag for tag, _ in read.found}
    assert {tag for tag, _ in read.found} <= {tag for tag, _ in plain.found}
    assert not any(key.startswith("on") for _, attributes in read.found for key in attributes)


def test_a_study_that_has_not_run_has_a_page():
    text = page(empty_summary())
    assert "No target has been answered yet." in text
    assert Elements(text).open == []


def test_the_keys_of_all_runs_are_on_the_page():
    summary = fake_summary()
    text = page(summary)
    keys = [key for row in (*summary.pairs, *summary.baselines) for key in row.keys]
    keys += [row.key for row in summary.failures]
    assert all(key in text for key in keys)


def test_the_same_summary_makes_the_same_page():
    assert page(fake_summary()) == page(fake_summary())


def test_negative_transfer_failures_and_sources_that_were_set_aside_are_said():
    summary = fake_summary()
    text = page(summary)
    assert "Makes it worse" in text
    assert summary.failures[0].reason in text
    assert next(iter(summary.set_aside.values())) in text


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    path = write_page(fake_summary(), tmp_path / "deep" / "report.html")
    assert path.read_text(encoding="utf-8") == page(fake_summary())
    assert [item.name for item in path.parent.iterdir()] == ["report.html"]


def test_a_name_with_a_lone_surrogate_can_be_written(tmp_path):
    summary = dataclasses.replace(fake_summary(), study="broken \ud800 name")
    assert "broken ? name" in write_page(summary, tmp_path / "r.html").read_text(encoding="utf-8")


def test_thirty_three_tasks_make_a_page_within_seconds():
    summary = fake_summary(tuple(f"task {row}" for row in range(33)))
    start = time.perf_counter()
    text = page(summary)
    assert time.perf_counter() - start < 5
    assert text.count("data-said=") == 33 * 32


def test_controls_stand_beside_the_best_source_and_a_page_without_any_has_no_such_section():
    summary = fake_summary()
    text = page(summary)
    first = next(row for row in summary.controls if row.source == "train longer")
    section = text[text.index('id="controls"') : text.index('id="cost"')]
    assert signed(first.obtained.test) in section
    bare = page(dataclasses.replace(summary, controls=()))
    assert 'id="controls"' not in bare
    assert "#controls" not in bare


def test_the_rival_and_the_gain_that_decided_are_named():
    summary = fake_summary()
    answer = next(answer for answer in summary.answers if answer.rival_gain is not None)
    text = page(summary)
    assert "Its rival on the same seeds" in text
    assert signed(answer.dev_gain.mean) in text
