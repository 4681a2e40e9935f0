"""What changed by name: grouped, counted, and names to watch first."""

import pytest
from conftest import case_of

from scripts.evaluation.names import find_absent, list_names
from scripts.vars import read_watch

TEXT = "Omsk is near Perm"
OMSK, PERM, OMSK_ORG = (0, 1, "GPE"), (3, 4, "GPE"), [(0, 1, "ORG")]


def rows(*cases, watch=()):
    keys = ("text", "label", "change", "now", "n", "before", "after")
    return [tuple(row[k] for k in keys) for row in list_names(cases, watch)]


@pytest.mark.parametrize(
    "base, updated, change, now",
    [
        ([OMSK], [], "no longer found", ""),
        ([OMSK], [(0, 1, "ORG")], "another label", "ORG"),
        ([OMSK], [(0, 2, "GPE")], "other bounds", "Omsk is GPE"),
        ([], [OMSK], "newly found", ""),
    ],
)
def test_each_way_to_change_is_a_group_of_its_own(base, updated, change, now):
    case = case_of(TEXT, base=base, updated=updated)
    [row] = rows(case, case)
    n = {"before": 2 * (OMSK in base), "after": 2 * (OMSK in updated)}
    assert row == ("Omsk", "GPE", change, now, 2, n["before"], n["after"])


def test_largest_group_is_first_and_what_did_not_change_is_left_out():
    lost = case_of(TEXT, base=[OMSK, PERM], updated=[PERM])
    found = case_of(TEXT, updated=[PERM])
    assert [(text, n) for text, *_, n, _, _ in rows(lost, found, lost)] == [
        ("Omsk", 2),
        ("Perm", 1),
    ]
    assert rows(case_of(TEXT, base=[OMSK], updated=[OMSK])) == []


def test_name_to_watch_is_first_even_if_nothing_changed(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"perm\r\n\nAtlantis\r\n")
    watch = read_watch(str(tmp_path / "names.txt"))
    case = case_of(TEXT, base=[OMSK, PERM], updated=[PERM])
    assert rows(case, case, watch=watch) == [
        ("Perm", "GPE", "unchanged", "", 2, 2, 2),
        ("Omsk", "GPE", "no longer found", "", 2, 2, 0),
    ]
    assert find_absent([case], watch) == ["Atlantis"]
    assert read_watch("") == []


def test_gold_tells_changes_for_the_better_and_for_the_worse():
    gold = [OMSK, PERM]
    both = case_of(TEXT, gold=gold, base=[OMSK], updated=[PERM])
    found = [(r["text"], r["better"], r["worse"]) for r in list_names([both])]
    assert found == [("Omsk", 0, 1), ("Perm", 1, 0)]
    other = [(0, 1, "ORG")]
    mended = case_of(TEXT, gold=[*OMSK_ORG, PERM], base=[OMSK], updated=other)
    gone = case_of(TEXT, gold=[PERM], base=[OMSK, PERM], updated=[PERM])
    wrong = case_of(TEXT, gold=[PERM], base=[PERM], updated=[OMSK, PERM])
    for case, better, worse in ((mended, 1, 0), (gone, 1, 0), (wrong, 0, 1)):
        [row] = list_names([case])
        assert (row["better"], row["worse"]) == (better, worse)
    assert not any(r["worse"] for r in list_names([both], is_gold=False))
    same = case_of(TEXT, gold=gold, base=[OMSK], updated=[OMSK])
    [row] = list_names([same], watch=["Omsk"])
    assert (row["change"], row["better"], row["worse"]) == ("unchanged", 0, 0)
    [row] = list_names([case_of(TEXT, base=[OMSK])])
    assert (row["better"], row["worse"]) == (0, 0)
    assert row["sentence"] == TEXT
