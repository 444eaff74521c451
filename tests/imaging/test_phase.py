"""Phases from words, delays, order and time; unknown where nothing says so."""

import csv

import pytest

from imaging.phase import PHASES, THRESHOLD, PhaseGuess, SeriesFacts, guess_phases, series_facts


def phase(text, **more):
    return guess_phases([SeriesFacts("v", text, **more)])["v"].phase


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PRE CONTRAST", "native"),
        ("DRY LIVER", "native"),
        ("Abdomen nativ", "native"),
        ("sans injection", "native"),
        ("ABD W/O CONTRAST", "native"),
        ("ABD C-", "native"),
        ("ohne KM", "native"),
        ("ARTERIAL", "late_arterial"),
        ("Phase artérielle", "late_arterial"),
        ("Spätarteriell", "late_arterial"),
        ("EARLY ARTERIAL", "early_arterial"),
        ("Frühe arterielle Phase", "early_arterial"),
        ("fase arteriosa", "late_arterial"),
        ("3 PHASE LIVER ARTERIAL", "late_arterial"),
        ("35 SEC DELAY", "late_arterial"),
        ("P.Venous pha", "portal_venous"),
        ("portalvenös", "portal_venous"),
        ("70 SEC", "portal_venous"),
        ("70 SEC DELAY", "portal_venous"),
        ("RETARD 7MIN", "delayed"),
        ("phase tardive", "delayed"),
        ("DELAYED", "delayed"),
        ("HEPATOBILIARY", "hepatobiliary"),
        ("sem contraste", "native"),
        ("arterieel", "late_arterial"),
        ("portaal veneus", "portal_venous"),
        ("动脉期", "late_arterial"),
        ("門脈相", "portal_venous"),
        ("平扫", "native"),
    ],
)
def test_a_named_phase_is_understood(text, expected):
    assert phase(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "AP", "A/P", "C-A-P", "CT ABD AP", "ABDOMEN/PELVIS", "Smart Prep", "premonitoring", "",
        "30, 70, 120 SEC DELAY", "3 PHASE LIVER (AP)", "arterial/portal", "PRE/POST", "W/WO",
        "1-pre_5-post", "POST CON", "CT W/CONTRAST", "PRE OP", "Pre biopsy images", "pre TACE",
        "Abdomen 5.0 B50s", "BH 20 SEC", "CT arterial portography", "Pulmonary arteries",
        "Carotid artery", "Spatial", "SCOUT PRE", "0.625's Axial", "Prepped", "non-specific",
        "AXIAL T2", "ART_70S_2MIN", "smart metal reduction",
    ],
)  # fmt: skip
def test_what_names_no_phase_is_unknown(text):
    assert phase(text) == "unknown"


def test_nothing_is_known_of_pet_or_of_no_text():
    assert guess_phases([SeriesFacts("v")])["v"] == PhaseGuess(in_doubt=True)
    assert phase("ARTERIAL", modality="PT") == "unknown"


def test_the_protocol_speaks_where_the_description_says_nothing():
    assert phase("ABD", protocol="LIVER ARTERIAL") == "late_arterial"
    assert phase("VENOUS", protocol="LIVER ARTERIAL") == "portal_venous"


def at(volume_id, text, time=None, number=None, **more):
    return SeriesFacts(
        volume_id, text, acquired_on="2024-03-01", acquisition_time=time,
        series_number=number, **more,
    )  # fmt: skip


def test_time_between_acquisitions_names_the_later_phases():
    found = guess_phases(
        [at("a", "ARTERIAL", "101500"), at("p", "LIVER", "101535"), at("d", "LIVER", "101830")]
    )
    assert (found["a"].phase, found["p"].phase) == ("late_arterial", "portal_venous")
    assert found["p"].evidence[0].text.startswith("35 s after late_arterial")


def test_time_alone_never_makes_an_arterial_phase():
    found = guess_phases(
        [
            at("x", "LIVER", "101500"),
            at("p", "VENOUS", "101535"),
            at("thin", "VENOUS 1.25", "101535"),
        ]
    )
    assert found["x"].phase == "unknown"
    assert 0.4 < found["x"].probability < THRESHOLD


def test_time_and_a_stated_number_of_phases_together_do():
    found = guess_phases(
        [at("x", "LIVER 2 PHASE", "101500", 3), at("p", "LIVER 2 PHASE", "101535", 4),
         at("v", "VENOUS 5 MM", "101535", 5)]
    )  # fmt: skip
    assert (found["x"].phase, found["p"].phase) == ("late_arterial", "portal_venous")


def test_a_stated_number_of_phases_in_order_of_series_is_evidence_but_not_enough():
    found = guess_phases(
        [at("p", "Recon 3: LIVER 2 PHASE (AP)", None, 5), at("n", "PRE LIVER", None, 2),
         at("a", "Recon 2: LIVER 2 PHASE (AP)", None, 4)]
    )  # fmt: skip
    assert {v: g.phase for v, g in found.items()} == {"p": "unknown", "a": "unknown", "n": "native"}
    assert found["a"].evidence[0].text == "volume 1 of 2 of 'LIVER 2 PHASE (AP)'"


def test_reconstructions_of_one_acquisition_share_their_phase():
    found = guess_phases([at("a", "ARTERIAL 5 MM", "101500"), at("b", "1.25 STD", "101500")])
    assert found["b"].phase == "late_arterial"
    assert found["b"].evidence[0].source == "same acquisition"


def test_a_name_that_several_moments_of_one_series_share_names_none_of_them():
    found = guess_phases([at(f"1.2#temporal={k}", "ARTERIAL", "101500") for k in (1, 2)])
    assert {guess.phase for guess in found.values()} == {"unknown"}
    kernels = guess_phases([at(f"1.2#kernel={k}", "ARTERIAL", "101500") for k in "AB"])
    assert {guess.phase for guess in kernels.values()} == {"late_arterial"}


def test_phases_against_the_clock_contradict_each_other():
    found = guess_phases([at("p", "VENOUS", "101500"), at("n", "PRE CONTRAST", "103000")])
    assert {guess.phase for guess in found.values()} == {"unknown"}
    assert "portal_venous 900 s before native" in found["p"].conflicts[0]


def test_series_numbers_alone_contradict_nothing():
    found = guess_phases([at("p", "VENOUS", None, 2), at("n", "PRE CONTRAST", None, 5)])
    assert found["p"].phase == "portal_venous"


@pytest.mark.parametrize(
    ("scan", "expected"),
    [("101520", "early_arterial"), ("101535", "late_arterial"), ("101610", "portal_venous"),
     ("101820", "delayed"), ("101510", "unknown"), ("111500", "unknown")],
)  # fmt: skip
def test_the_time_from_injection_to_scan_names_the_phase(scan, expected):
    assert phase("LIVER", acquisition_time=scan, contrast_start_time="101500") == expected


@pytest.mark.parametrize(
    ("scan", "expected"), [("101610", "portal_venous"), ("101800", "transitional"),
                           ("103500", "hepatobiliary"), ("102200", "unknown")]
)  # fmt: skip
def test_after_gadoxetate_the_late_phases_of_mr_have_their_own_names(scan, expected):
    found = phase(
        "T1", modality="MR", acquisition_time=scan, contrast_start_time="101500",
        contrast_text="Primovist",
    )  # fmt: skip
    assert found == expected


def test_a_contrast_agent_alone_names_no_phase_and_does_not_overrule_native():
    assert phase("LIVER", contrast_text="OMNIPAQUE") == "unknown"
    assert phase("PRE CONTRAST", contrast_text="OMNIPAQUE") == "native"
    assert guess_phases([SeriesFacts("v", "LIVER", contrast_text="NONE")])["v"] == PhaseGuess(
        in_doubt=True
    )


def test_the_order_of_the_series_handed_in_changes_nothing():
    facts = [at(str(k), text, f"10{k:02d}00", k) for k, text in
             enumerate(["PRE", "ARTERIAL", "LIVER", "VENOUS", "3 PHASE", "DELAY"])]  # fmt: skip
    assert guess_phases(facts) == guess_phases(facts[::-1])


def test_facts_come_from_the_headers_of_a_series(slices):
    data = slices.make(3, SeriesDescription="ARTERIAL", ContrastBolusAgent="X", ProtocolName="P")
    for d in data:
        d.ContrastBolusStartTime = "101425"
    facts = series_facts(slices.group(data).series[0])
    assert facts.description == "ARTERIAL"
    assert facts.acquired_on == "2024-03-01"
    guess = guess_phases([facts])[facts.volume_id]
    assert guess.phase == "late_arterial"
    sources = [e.source for e in guess.evidence]
    assert sources == ["text", "contrast agent", "injection to scan"]
    assert all(set(e.weights) == set(PHASES) for e in guess.evidence)


@pytest.mark.shared
def test_on_real_liver_ct_descriptions_text_is_right_or_unknown(shared_data):
    table = shared_data / "idc_metadata" / "liver_ct_phase_labels.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [(r["SeriesDescription"], r["phase"]) for r in csv.DictReader(stream)]
    words = {"native": "native", "arterial": "late_arterial", "portal": "portal_venous"}
    wrong = [(t, p, phase(t)) for t, p in rows if phase(t) != words.get(p, "unknown")]
    assert len(rows) == 69
    assert wrong == []
