"""The topics: what holds for each of them, and for all together."""

from __future__ import annotations

from collections import Counter

import pytest

from models.deidentify import find_identifying
from models.errors import BadInput
from models.normalise import plain
from models.taxonomy import taxonomy

TOPICS = taxonomy().topics.values()
DIAGNOSES = (
    "autis adhd kanker dement alzheimer parkinson psychose borderline bipola hersenletsel beroerte epilep diabetes copd"
    " depress anorex ptss sclerose verstandelijk"
).split()


def test_there_are_at_least_two_hundred_topics_in_some_fifteen_domains_or_more() -> None:
    assert len(TOPICS) >= 200
    assert len(taxonomy().domains) >= 15
    assert {topic.domain for topic in TOPICS} == {domain.id for domain in taxonomy().domains}


def test_every_topic_is_told_in_one_short_sentence() -> None:
    for topic in TOPICS:
        assert topic.description.endswith("."), topic.id
        assert len(topic.description.split()) <= 15, topic.id
        assert not {"je", "jij", "u"} & set(topic.description.lower().split()), topic.id
        assert not find_identifying(topic.description), topic.id


def test_no_two_topics_share_a_label() -> None:
    assert [label for label, count in Counter(topic.label for topic in TOPICS).items() if count > 1] == []


def test_every_topic_has_somebody_who_asks_and_words_of_its_own() -> None:
    assert [topic.id for topic in TOPICS if not topic.perspectives or not topic.words or not topic.related] == []


def test_what_a_report_says_of_a_diagnosis_does_not_name_it() -> None:
    revealing = [topic for topic in TOPICS if topic.reveals]
    assert revealing
    for topic in revealing:
        assert topic.report_label != topic.label
        assert not any(word in plain(topic.report_label) for word in DIAGNOSES), topic.id


def test_a_topic_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(BadInput) as caught:
        taxonomy().topic("astrology")
    assert (caught.value.code, caught.value.params["topic"]) == ("unknown_topic", "astrology")
