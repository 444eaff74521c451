"""A lesion that may be either of two earlier ones: seen, asked, answered, measured."""

from __future__ import annotations

import datetime as dt
import re
import shutil

import pandas as pd
import pydicom
import pytest

from imaging.reference_object import Ball, ReferenceLesion, hypervascular
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings
from sumdiam.export.table_file import read_table


def lesion(name, x):
    return ReferenceLesion(name, Ball(16.0, (x, -4.0, 0.0)), hypervascular())


@pytest.fixture(scope="module")
def archive(tmp_path_factory, write_study):
    """Two lesions 24 mm apart; at the next visit one, half way between them. No tracking ids."""
    root = tmp_path_factory.mktemp("between")
    write_study(root / "t0", lesions=[lesion("A", -34.0), lesion("B", -10.0)])
    write_study(root / "t1", visit="t1", day=dt.date(2020, 4, 2), lesions=[lesion("C", -22.0)])
    for path in sorted(root.rglob("seg.dcm")):
        dataset = pydicom.dcmread(path)
        for segment in dataset.SegmentSequence:
            for keyword in ("TrackingID", "TrackingUID"):
                segment.pop(keyword, None)
        dataset.save_as(path)
    return root


def table(run_folder, name):
    return pd.read_csv(run_folder / f"{name}.csv", dtype=str, keep_default_na=False)


def test_a_doubtful_match_is_shown_beside_its_candidate_and_measured_once_it_is_settled(
    archive, tmp_path
):
    out = tmp_path / "run"
    run(RunSettings((archive,), out, workers=1))
    masks, matches = table(out, "masks"), table(out, "matches")
    [waiting] = matches[matches["decided_by"] == "undecided"].to_dict("records")
    assert waiting["relation"] == "same"
    assert float(waiting["margin"]) < 0.4
    later = masks.set_index("mask_id").loc[waiting["mask_id"]]
    assert (later["mask_role"], later["timepoint"]) == ("undecided", "1")
    assert "margin" in later["evidence"]
    pictures = sorted((out / "pairs").iterdir())
    assert len(pictures) == 2
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Lesions that a person has to match" in page
    section = page.split('id="matches"')[1].split("</section>")[0]
    assert section.count("data:image/png;base64,") == 2
    assert waiting["mask_id"] in section
    lesions = read_table(out / "tables" / "lesions")
    assert (lesions["timepoint"] == 0).sum() == len(lesions) == 2

    matches.loc[matches["decided_by"] == "undecided", "decided_by"] = "R1"
    matches.to_csv(out / "matches.csv", index=False)
    run(RunSettings((archive,), out, workers=1))
    settled = table(out, "matches")
    kept = settled[settled["decided_by"] == "R1"].to_dict("records")
    assert [(row["relation"], row["mask_id"]) for row in kept] == [("same", waiting["mask_id"])]
    assert list((out / "pairs").iterdir()) == []
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Lesions that a person has to match" not in page
    lesions = read_table(out / "tables" / "lesions")
    [now] = lesions[lesions["timepoint"] == 1].to_dict("records")
    assert now["viable_diameter_mm"] == pytest.approx(16.0, abs=2.5)


def without_liver(archive, folder):
    """Copy an archive; the second visit's liver becomes a spleen, so nothing can be registered."""
    shutil.copytree(archive, folder)
    [path] = (folder / "t1").rglob("seg.dcm")
    dataset = pydicom.dcmread(path)
    [liver] = [one for one in dataset.SegmentSequence if one.SegmentLabel.lower() == "liver"]
    liver.SegmentLabel = "Spleen"
    code = liver.SegmentedPropertyTypeCodeSequence[0]
    code.CodeValue, code.CodeMeaning = "78961009", "Spleen"
    dataset.save_as(path)
    return folder


def test_outlines_that_cannot_be_compared_are_shown_beside_the_known_ones_until_they_are_named(
    archive, tmp_path
):
    out = tmp_path / "run"
    settings = RunSettings((without_liver(archive, tmp_path / "archive"),), out, workers=1)
    run(settings)
    assert len(table(out, "matches")) == 0
    masks = table(out, "masks")
    known = masks[masks["mask_role"] == "lesion_whole"]
    [open_] = masks[masks["mask_role"] == "undecided"].to_dict("records")
    page = (out / "report.html").read_text(encoding="utf-8")
    section = page.split('id="matches"')[1].split("</section>")[0]
    assert "1 outline to be named" in section
    assert section.count("data:image/png;base64,") == len(known) + 1 == 3
    assert section.count("baseline: <strong>") == 2
    assert f'visit 1. <span class="mono">{open_["file"]}, segment {open_["segment"]}' in section
    assert '<a href="#matches">' in page
    assert re.search(r"until a person says what they show</td><td[^>]*>1</td>", page)

    chosen = masks["mask_id"] == open_["mask_id"]
    masks.loc[chosen, ["lesion_id", "decided_by"]] = [known["lesion_id"].iloc[0], "R1"]
    masks.to_csv(out / "masks.csv", index=False)
    run(settings)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert 'id="matches"' not in page
    assert "until a person says" not in page
    assert list((out / "pairs").iterdir()) == []
    lesions = read_table(out / "tables" / "lesions")
    [now] = lesions[lesions["timepoint"] == 1].to_dict("records")
    assert now["lesion_id"] == known["lesion_id"].iloc[0]
    assert now["viable_diameter_mm"] == pytest.approx(16.0, abs=2.5)
