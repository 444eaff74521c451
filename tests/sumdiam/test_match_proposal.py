"""What became of each lesion over several visits: ids win, then persons, then the place."""

import numpy as np
import pandas as pd
import pytest

from measurement.correspondence import Meeting, PlacedLesion
from measurement.identity import lesion_id_from_mask
from measurement.table import columns_of, empty_table, parse_text, to_text
from sumdiam.batch.edit import read_automatic
from sumdiam.batch.match_proposal import Compared
from sumdiam.batch.matches import settle_matches
from sumdiam.batch.plan_table import Masks, Matches

RADIUS_MM = 10.0


class Places:
    """Lesions on a line: balls of one size, at so many mm; None has no place."""

    def __init__(self, **at):
        self.at = at
        self.calls = 0

    def __call__(self, earlier, later):
        self.calls += 1
        before = [next((m for m in ms if self.at[m] is not None), ms[0]) for ms in earlier]
        distance = np.array(
            [
                [
                    np.nan if None in (self.at[a], self.at[b]) else abs(self.at[a] - self.at[b])
                    for b in later
                ]
                for a in before
            ],
            float,
        ).reshape(len(before), len(later))
        shared = np.clip(1.0 - distance / (2 * RADIUS_MM), 0.0, 1.0)
        return Compared(
            tuple(PlacedLesion(m, RADIUS_MM, "liver") for m in before),
            tuple(PlacedLesion(m, RADIUS_MM, "liver") for m in later),
            Meeting(distance, np.nan_to_num(shared)),
            how="laid on one line",
            unplaced={m: "it has no place" for m in (*before, *later) if self.at[m] is None},
        )


def mask(timepoint, lesion_id="", role="lesion_whole", by="auto", site="hepatic"):
    row = dict.fromkeys(columns_of(Masks), "")
    return row | {
        "subject_id": "S1", "reader": "auto", "timepoint": str(timepoint), "mask_role": role,
        "lesion_id": lesion_id, "site": site, "organ": "liver", "node": "none", "decided_by": by,
        "study_uid": f"1.{timepoint}", "evidence": "drawn",
    }  # fmt: skip


def settled(rows, places, earlier=None):
    """Settle a subject's masks; return the masks, the matches, the problems."""
    rows = {mask_id: {**row, "mask_id": mask_id} for mask_id, row in rows.items()}
    before = empty_table(Matches) if earlier is None else earlier
    matches, problems = settle_matches(rows, before, empty_table(Masks), places)
    return rows, matches, problems


def told(matches):
    text = to_text(matches)
    return list(
        zip(
            text["earlier_mask_id"],
            text["mask_id"],
            text["relation"],
            text["decided_by"],
            strict=True,
        )
    )


def edited(matches, later, **cells):
    text = to_text(matches)
    text.loc[text["mask_id"] == later, list(cells)] = list(cells.values())
    return parse_text(text, Matches, origin="matches.csv")


def test_where_ids_say_it_all_nothing_is_compared():
    places = Places()
    _, matches, _ = settled({"a0": mask(0, "A"), "a1": mask(1, "A"), "b1": mask(1, "B")}, places)
    assert places.calls == 0
    assert told(matches) == [("", "b1", "new", "auto"), ("a0", "a1", "same", "auto")]
    assert matches["margin"].isna().all()


def test_without_ids_the_place_decides_with_cost_and_margin():
    rows, matches, problems = settled(
        {"a0": mask(0), "b0": mask(0), "x1": mask(1), "y1": mask(1)},
        Places(a0=0.0, b0=80.0, x1=82.0, y1=4.0),
    )
    assert told(matches) == [("a0", "y1", "same", "auto"), ("b0", "x1", "same", "auto")]
    assert rows["y1"]["lesion_id"] == rows["a0"]["lesion_id"] == lesion_id_from_mask("a0")
    assert rows["x1"]["lesion_id"] == lesion_id_from_mask("b0")
    assert matches["cost"].tolist() == pytest.approx([0.4 + 0.2, 0.2 + 0.1])  # distance / 10 + lost
    assert matches["margin"].tolist() == pytest.approx([2.4 - 0.6, 2.4 - 0.3])
    assert rows["y1"]["evidence"] == (
        "drawn; the same lesion as a0 (centroids 4.0 mm apart, 80 % of the smaller one shared, "
        "margin 1.80), laid on one line"
    )
    assert problems == []


def test_a_far_lesion_is_new_and_one_that_nothing_shows_has_vanished():
    rows, matches, _ = settled({"a0": mask(0), "x1": mask(1)}, Places(a0=0.0, x1=90.0))
    assert told(matches) == [("", "x1", "new", "auto"), ("a0", "", "vanished", "auto")]
    assert rows["x1"]["mask_role"] == "lesion_whole"
    assert rows["x1"]["lesion_id"] == lesion_id_from_mask("x1")


CLOSE = Places(a0=0.0, b0=24.0, x1=12.0, y1=90.0)


def test_a_close_call_waits_for_a_person_and_is_never_guessed():
    rows, matches, _ = settled({"a0": mask(0), "b0": mask(0), "x1": mask(1), "y1": mask(1)}, CLOSE)
    assert rows["x1"]["mask_role"] == "undecided"
    assert rows["x1"]["lesion_id"] == ""
    assert "perhaps the same lesion as" in rows["x1"]["evidence"]
    assert "write your id into decided_by" in rows["x1"]["evidence"]
    waiting = to_text(matches).query("decided_by == 'undecided'").to_dict("records")
    [row] = [row for row in waiting if row["relation"] == "same"]
    assert (row["mask_id"], float(row["margin"])) == ("x1", 0.0)
    assert read_automatic(row["automatic"]) == {"relation": "same"}
    # the other one is far from all: it is new, whatever x1 is
    assert rows["y1"]["mask_role"] == "lesion_whole"
    assert ("", "y1", "new", "auto") in told(matches)
    assert not any(relation == "vanished" for _, _, relation, _ in told(matches))


def test_a_rerun_keeps_what_waits_and_a_name_beside_it_settles_it():
    masks = {"a0": mask(0), "b0": mask(0), "x1": mask(1)}
    _, first, _ = settled(masks, CLOSE)
    _, again, problems = settled(masks, CLOSE, first)
    assert to_text(again).equals(to_text(first))
    assert problems == []
    rows, third, problems = settled(masks, CLOSE, edited(first, "x1", decided_by="R1"))
    assert problems == []
    [row] = to_text(third).query("mask_id == 'x1'").to_dict("records")
    assert (row["relation"], row["decided_by"]) == ("same", "R1")
    assert rows["x1"]["lesion_id"] == rows[row["earlier_mask_id"]]["lesion_id"]
    _, fourth, _ = settled(masks, CLOSE, third)
    assert to_text(fourth).equals(to_text(third))


def test_an_edit_of_a_waiting_row_without_a_name_is_kept_and_said():
    masks = {"a0": mask(0), "b0": mask(0), "x1": mask(1)}
    _, first, _ = settled(masks, CLOSE)
    rows, again, problems = settled(masks, CLOSE, edited(first, "x1", relation="new"))
    assert [one.code for one in problems] == ["edit_without_name"]
    assert rows["x1"]["lesion_id"] == lesion_id_from_mask("x1")
    assert [by for _, later, _, by in told(again) if later == "x1"] == ["person"]


def test_a_person_wins_over_the_place_and_over_reruns():
    masks = {"a0": mask(0), "b0": mask(0), "x1": mask(1)}
    row = dict.fromkeys(columns_of(Matches), "") | {
        "earlier_mask_id": "b0", "mask_id": "x1", "subject_id": "S1", "relation": "same", "decided_by": "R1",
    }  # fmt: skip
    person = parse_text(pd.DataFrame([row]), Matches, origin="matches.csv")
    places = Places(a0=0.0, b0=90.0, x1=1.0)
    rows, matches, _ = settled(masks, places, person)
    assert rows["x1"]["lesion_id"] == lesion_id_from_mask("b0")
    assert ("b0", "x1", "same", "R1") in told(matches)
    _, again, _ = settled(masks, places, matches)
    assert to_text(again).equals(to_text(matches))


def test_a_lesion_that_was_gone_for_a_visit_is_found_again():
    rows, matches, _ = settled(
        {"a0": mask(0), "b0": mask(0), "b1": mask(1), "a2": mask(2), "b2": mask(2)},
        Places(a0=0.0, b0=80.0, b1=81.0, a2=2.0, b2=79.0),
    )
    assert rows["a2"]["lesion_id"] == rows["a0"]["lesion_id"]
    assert rows["b2"]["lesion_id"] == rows["b1"]["lesion_id"] == rows["b0"]["lesion_id"]
    assert ("a0", "a2", "same", "auto") in told(matches)


def test_what_follows_a_lesion_that_waits_waits_with_it_and_is_settled_with_it():
    masks = {"a0": mask(0), "b0": mask(0), "x1": mask(1), "x2": mask(2)}
    places = Places(a0=0.0, b0=24.0, x1=12.0, x2=12.0)
    rows, first, _ = settled(masks, places)
    assert rows["x1"]["mask_role"] == rows["x2"]["mask_role"] == "undecided"
    rows, _, _ = settled(masks, places, edited(first, "x1", decided_by="R1"))
    assert rows["x1"]["mask_role"] == "lesion_whole"
    assert rows["x2"]["lesion_id"] == rows["x1"]["lesion_id"] != ""


def test_whole_and_viable_part_without_ids_are_matched_as_one_lesion():
    def pair(visit, whole, viable):
        named = lesion_id_from_mask(whole)
        return {whole: mask(visit, named), viable: mask(visit, named, role="lesion_viable")}

    rows, matches, _ = settled(
        pair(0, "w0", "v0") | pair(1, "w1", "v1"), Places(w0=0.0, v0=0.0, w1=3.0, v1=3.0)
    )
    assert {row["lesion_id"] for row in rows.values()} == {lesion_id_from_mask("w0")}
    assert told(matches) == [("w0", "w1", "same", "auto")]


def test_a_lesion_named_at_a_later_visit_only_is_matched_to_the_nameless_one():
    rows, matches, _ = settled({"a0": mask(0), "a1": mask(1, "T1")}, Places(a0=0.0, a1=3.0))
    assert rows["a0"]["lesion_id"] == rows["a1"]["lesion_id"] == "T1"
    assert told(matches) == [("a0", "a1", "same", "auto")]


def test_lesions_of_two_given_ids_are_never_one_however_near():
    rows, matches, _ = settled(
        {"a0": mask(0, "A"), "b0": mask(0), "x1": mask(1, "B")}, Places(a0=0.0, b0=90.0, x1=0.0)
    )
    assert rows["x1"]["lesion_id"] == "B"
    assert not any(relation == "same" for _, _, relation, _ in told(matches))


def test_an_outline_without_a_place_waits_and_no_lesion_is_said_to_have_vanished():
    rows, matches, _ = settled(
        {"a0": mask(0), "b0": mask(0), "b1": mask(1), "e1": mask(1)},
        Places(a0=0.0, b0=90.0, b1=91.0, e1=None),
    )
    assert rows["b1"]["lesion_id"] == rows["b0"]["lesion_id"]
    assert rows["e1"]["mask_role"] == "undecided"
    assert "it has no place: write lesion_id here" in rows["e1"]["evidence"]
    assert told(matches) == [("b0", "b1", "same", "auto")]


def test_a_lesion_is_not_new_while_an_earlier_one_has_no_place():
    rows, _, _ = settled({"e0": mask(0), "x1": mask(1)}, Places(e0=None, x1=0.0))
    assert rows["x1"]["mask_role"] == "undecided"


def test_fragments_and_lesions_grown_together_are_proposed_and_wait():
    rows, matches, _ = settled(
        {"a0": mask(0), "x1": mask(1), "y1": mask(1)}, Places(a0=0.0, x1=1.0, y1=9.0)
    )
    assert ("a0", "y1", "split", "undecided") in told(matches)
    assert rows["y1"]["mask_role"] == "undecided"
    assert rows["x1"]["lesion_id"] == rows["a0"]["lesion_id"]
    rows, matches, _ = settled(
        {"a0": mask(0), "b0": mask(0), "x1": mask(1)}, Places(a0=0.0, b0=9.0, x1=0.0)
    )
    assert told(matches) == [("a0", "x1", "same", "auto"), ("b0", "x1", "merged", "undecided")]
    assert rows["x1"]["mask_role"] == "lesion_whole"


def test_readings_are_matched_apart():
    other = {"reader": "R2"}
    rows, matches, _ = settled(
        {"a0": mask(0), "a1": mask(1), "p0": mask(0) | other, "p1": mask(1) | other},
        Places(a0=0.0, a1=2.0, p0=0.0, p1=2.0),
    )
    assert told(matches) == [("a0", "a1", "same", "auto"), ("p0", "p1", "same", "auto")]
    assert rows["a1"]["lesion_id"] != rows["p1"]["lesion_id"]
