"""What a segment shows: codes before words, and undecided rather than guessed."""

import pytest

from imaging.mask import SegmentIdentity
from sumdiam.batch.segment_role import segment_role, tracked_lesion

NEOPLASM = ("SCT", "108369006", "Neoplasm")
LIVER = ("SCT", "10200004", "Liver")
NODE = ("SCT", "59441001", "Lymph node")
LUNG = ("SCT", "39607008", "Lung")

CASES = [
    # label, tracking id, property type, region -> role, lesion, organ, site, node
    ("Liver", None, LIVER, None, "liver", None, None, None, "none"),
    ("Liver", None, ("SRT", "T-62000", "Liver"), None, "liver", None, None, None, "none"),
    ("Aorta", None, ("SCT", "15825003", "Aorta"), None, "aorta", None, None, None, "none"),
    ("T1", "T1", NEOPLASM, LIVER, "lesion_whole", "T1", "liver", "hepatic", "none"),
    ("T1 viable", "T1 viable", NEOPLASM, LIVER, "lesion_viable", "T1", "liver", "hepatic", "none"),
    ("N1", "N1", NEOPLASM, NODE, "lesion_whole", "N1", "lymph_node", "extrahepatic", "node"),
    (
        "node at porta hepatis", "N2", NEOPLASM, NODE,
        "lesion_whole", "N2", "lymph_node", "extrahepatic", "porta_hepatis",
    ),
    ("E1", "E1", NEOPLASM, LUNG, "lesion_whole", "E1", "lung", "extrahepatic", "none"),
    ("HCC 2", None, NEOPLASM, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("Mass", None, ("SCT", "4147007", "Mass"), None, "undecided", None, None, None, "none"),
    (
        "T3", "T3", NEOPLASM, ("SCT", "818983003", "Abdomen"),
        "undecided", "T3", None, None, "none",
    ),
    ("necrosis", None, ("SCT", "6574001", "Necrosis"), LIVER, "ignore", None, None, None, "none"),
    ("portal vein", None, ("SCT", "32764006", "Portal vein"), None, "ignore", None, None, None,
     "none"),
    ("HCC after ablation", "T1", NEOPLASM, LIVER, "undecided", None, None, None, "none"),
    ("GREEN", None, ("SCT", "85756007", "Tissue"), None, "undecided", None, None, None, "none"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("label", "tracking", "kind", "region", "role", "lesion", "organ", "site", "node"), CASES
)
def test_a_segment_is_taken_for_what_it_says(
    label, tracking, kind, region, role, lesion, organ, site, node
):
    found = segment_role(
        SegmentIdentity(1, label, tracking_id=tracking, property_type=kind, anatomic_region=region)
    )
    assert (found.mask_role, found.lesion_id, found.organ, found.site, found.node) == (
        role, lesion, organ, site, node,
    )  # fmt: skip
    assert found.evidence


@pytest.mark.parametrize(
    ("tracking", "lesion"),
    [("T1", "T1"), ("T1_viable", "T1"), ("T1 (whole)", "T1"), ("viable", "viable"), ("  ", None)],
)
def test_whole_and_viable_part_are_one_lesion(tracking, lesion):
    assert tracked_lesion(SegmentIdentity(1, tracking_id=tracking)) == lesion
