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
    ("Liver_Tumor", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("LiverTumor2", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("Läsion Leber", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("Tumeur du foie", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("lesión hígado 1", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("Lesione epatica", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("метастаз печени", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("肝肿瘤", None, None, None, "lesion_whole", None, "liver", "hepatic", "none"),
    ("HCC vital", None, None, None, "lesion_viable", None, "liver", "hepatic", "none"),
    ("HCC avital", None, None, None, "ignore", None, None, None, "none"),
    ("Nekrose", None, None, None, "ignore", None, None, None, "none"),
    ("GTV_Mass_CT", None, None, None, "undecided", None, None, None, "none"),
    ("GTVn2", None, None, None, "lesion_whole", None, "lymph_node", "extrahepatic", "node"),
    ("lung metastasis", None, None, None, "lesion_whole", None, "lung", "extrahepatic", "none"),
    ("Leber", None, None, None, "liver", None, None, None, "none"),
    ("foie", None, None, None, "liver", None, None, None, "none"),
    ("AORTA abd.", None, None, None, "aorta", None, None, None, "none"),
    ("Milz", None, None, None, "spleen", None, None, None, "none"),
    ("Liver-GTV", None, None, None, "undecided", None, None, None, "none"),
    ("Liver minus tumor", None, None, None, "undecided", None, None, None, "none"),
    ("liver_segment_4", None, None, None, "ignore", None, None, None, "none"),
    ("liver_vessels", None, None, None, "ignore", None, None, None, "none"),
    ("portal_vein_and_splenic_vein", None, None, None, "ignore", None, None, None, "none"),
    ("hepatic artery", None, None, None, "ignore", None, None, None, "none"),
    ("kidney_right", None, None, None, "ignore", None, None, None, "none"),
    ("PTV 60", None, None, None, "ignore", None, None, None, "none"),
    ("Body", None, None, None, "ignore", None, None, None, "none"),
    ("vertebrae_L1", None, None, None, "ignore", None, None, None, "none"),
    ("L1", None, None, None, "undecided", None, None, None, "none"),
    ("liver cyst", None, None, None, "undecided", None, None, None, "none"),
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
    ("name", "role"),
    [
        ("liver", "liver"), ("liver_seg", "liver"), ("Leber", "liver"), ("spleen", "spleen"),
        ("kidney_left", "ignore"), ("vertebrae_T12", "ignore"), ("rib_left_6", "ignore"),
        ("lung_upper_lobe_left", "ignore"), ("adrenal_gland_right", "ignore"),
        ("liver_tumor", "lesion_whole"), ("HCC_1", "lesion_whole"),
        # the name of a file may be that of its image: nothing is left out for it
        ("lung1_label", "undecided"), ("brain1_label", "undecided"), ("liver_spine_seg", "undecided"),
        ("HCC_048_liver", "undecided"), ("HCC_12", "undecided"), ("hcc_liver_seg", "undecided"),
        ("tumor_cohort_0012_liver", "undecided"), ("liver_lesion_02", "lesion_whole"),
        ("patient_7_mask", "undecided"), ("S01_portal", "undecided"), ("body_seg", "undecided"),
        ("liver_S01_baseline", "undecided"), ("vertebral_body_lesion", "lesion_whole"),
    ],
)  # fmt: skip
def test_the_name_of_a_file_is_weaker_than_that_of_a_segment(name, role):
    assert segment_role(SegmentIdentity(1, name, named_by_file=True)).mask_role == role


@pytest.mark.parametrize(
    ("label", "interpreted", "role"),
    [
        ("Ziel", "GTV", "undecided"),  # a gross tumour of which nothing says where it lies
        ("Liver met", "GTV", "lesion_whole"),
        ("Liver + 5 mm", "PTV", "ignore"),
        ("Outline", "EXTERNAL", "ignore"),
        ("Something", "ORGAN", "ignore"),
        ("Liver", "ORGAN", "liver"),
        ("Something", "", "undecided"),
    ],
)
def test_the_type_that_a_structure_set_gives_a_region_is_heard(label, interpreted, role):
    assert segment_role(SegmentIdentity(1, label, interpreted_type=interpreted)).mask_role == role


@pytest.mark.parametrize(
    ("tracking", "lesion"),
    [("T1", "T1"), ("T1_viable", "T1"), ("T1 (whole)", "T1"), ("viable", "viable"), ("  ", None)],
)
def test_whole_and_viable_part_are_one_lesion(tracking, lesion):
    assert tracked_lesion(SegmentIdentity(1, tracking_id=tracking)) == lesion
