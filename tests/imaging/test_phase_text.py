"""What words say of a phase: in many languages, and what they seem to say but do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.phase import PHASES, SeriesFacts, guess_phases
from imaging.phase_text import PhaseWords, phase_words


def phase(text, modality="CT"):
    return guess_phases([SeriesFacts("v", text, modality=modality)])["v"].phase


LANGUAGES = {
    "en": ("unenhanced", "early arterial", "late arterial phase", "portal venous", "equilibrium phase"),
    "de": ("ohne KM", "früharteriell", "spätarterielle Phase", "portalvenöse Phase", "Spätphase"),
    "fr": ("sans injection", "phase artérielle précoce", "phase artérielle tardive", "temps portal",
           "temps tardif"),
    "es": ("sin contraste", "fase arterial precoz", "fase arterial tardía", "fase venosa",
           "fase tardía"),
    "it": ("senza mdc", "fase arteriosa precoce", "fase arteriosa tardiva", "fase portale",
           "fase di equilibrio"),
    "pt": ("sem contraste", "fase arterial precoce", "fase arterial tardia", "fase venosa portal",
           "fase de equilíbrio"),
    "nl": ("blanco", "vroege arteriële fase", "laat arterieel", "portaal veneuze fase", "late fase"),
    "tr": ("kontrasts\N{LATIN SMALL LETTER DOTLESS I}z", "erken arteriyel faz", "geç arteriyel faz", "portal venöz faz", "geç faz"),
    "pl": ("bez kontrastu", "wczesna faza tętnicza", "późna faza tętnicza", "faza wrotna",
           "faza opóźniona"),
    "sv": ("utan kontrast", "tidig artärfas", "sen artärfas", "portavenös fas", "sen fas"),
    "ru": ("нативная фаза", "ранняя артериальная", "поздняя артериальная", "портальная фаза",
           "отсроченная фаза"),
    "zh": ("平扫", "动脉早期", "动脉晚期", "门静脉期", "延迟期"),
    "ja": ("単純", "早期動脈相", "後期動脈相", "門脈相", "平衡相"),
}  # fmt: skip
FIVE = ("native", "early_arterial", "late_arterial", "portal_venous", "delayed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, p) for words in LANGUAGES.values() for text, p in zip(words, FIVE, strict=True)],
)
def test_a_phase_is_understood_in_its_language(text, expected):
    assert phase(text) == expected
    assert phase(text.upper()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arterielle Phase", "late_arterial"), ("temps artériel", "late_arterial"),
        ("fase arteriosa", "late_arterial"), ("arteriële fase", "late_arterial"),
        ("faza tętnicza", "late_arterial"), ("動脈相", "late_arterial"), ("동맥기", "late_arterial"),
        ("문맥기", "portal_venous"), ("지연기", "delayed"), ("静脉期", "portal_venous"),
        ("HAP", "late_arterial"), ("ABDO ART", "late_arterial"), ("ART 2.5MM", "late_arterial"),
        ("portal inflow phase", "late_arterial"), ("spätvenös", "delayed"),
        ("DRY LIVER", "native"), ("P.Venous pha", "portal_venous"), ("RETARD 7MIN", "delayed"),
        ("1,5 min delay", "portal_venous"), ("35 sec post inj", "late_arterial"),
        ("I+ 30s", "late_arterial"), ("70''", "portal_venous"), ("POST TACE ARTERIAL", "late_arterial"),
        ("AX 5.0 W/O CONTRAST", "native"), ("NON-CONTRAST 2.0 B20f", "native"),
        ("Gleichgewichtsphase", "delayed"), ("FAZA TETNIC  5.0  B30f", "late_arterial"),
        ("Przed kontrastem", "native"), ("vor KM", "native"), ("avant injection", "native"),
    ],
)  # fmt: skip
def test_real_and_short_names_are_understood(text, expected):
    assert phase(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("T1 HBP 20 min", "hepatobiliary"), ("hepatobiliäre Phase", "hepatobiliary"),
     ("肝細胞造影相", "hepatobiliary"), ("transitional phase", "transitional"),
     ("phase de transition", "transitional"), ("移行相", "transitional")],
)  # fmt: skip
def test_the_late_phases_of_gadoxetate_have_names(text, expected):
    assert phase(text, "MR") == expected


@pytest.mark.parametrize(
    "text",
    [
        # treatments, vessels and devices
        "post hepatic artery embolization", "arterial embolization", "transarterial chemo",
        "intra-arterial", "arteriovenous malformation", "AV fistula arterial", "uterine artery",
        "ARTERIA HEPATICA", "PULMONARY ARTERIAL 7.00 ax", "CT angio legs", "CT ANGIO LEGS ARTERIAL",
        "Delayed Legs", "CHEST PE ART AXIAL", "CT arterial portography", "arterial spin labeling", "portal hypertension",
        "PRE BIOPSY", "PRE-PROCEDURE", "pre SIRT", "Basal ganglia",
        # parts of words
        "PARTIAL", "CARTILAGE", "HEART", "START", "SMART MAR", "ARTIFACT REDUCTION", "MAR ART",
        "IMPORTED", "SUPPORT", "PREVENT", "CONVENTIONAL", "portable", "VENTRAL", "Seventh",
        # contrast without a phase, and the whole examination
        "post", "+C", "C+", "with contrast", "without/with", "W/O & W", "C- / C+", "sans et avec",
        "30, 70, 120 SEC DELAY", "late arterial/portal", "ARTERIAL/VENOUS AXIAL THIN", "ART_70S_2MIN",
        "DELAYED ARTERIAL", "VENOUS+DELAY", "3-Phasen Leber", "AP", "C-A-P", "A/P",
        # numbers that are no delay
        "20240130 ABD", "70 kV", "35 kVp", "0.75 SEC ROT", "TR 35s", "80-100sec Dyn", "=81.2s",
        "BH 20 SEC", "3ML/SEC", "NO DELAY", "1.5 MIN IP", "B35s", "1234567 SEC",
        # no volume in a phase
        "Smart Prep", "Arterial Smart Prep", "test bolus arterial", "SCOUT ARTERIAL",
        "VNC ARTERIAL", "VIRTUAL NONCONTRAST", "ARTERIAL MIP", "POST ARTERIAL_SUB", "虚拟平扫",
        # delay and word contradict each other
        "ARTERIAL 70s", "VENOUS 180 SEC", "5 MIN LATE ARTERIAL",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_phase_is_unknown(text):
    assert phase(text) == "unknown"


@pytest.mark.parametrize("text", ["T2 ARTERIAL", "DWI pre", "in phase PRE", "LAVA opp PRE"])
def test_on_mr_only_a_t1_weighted_dynamic_has_a_phase(text):
    assert phase(text, "MR") == "unknown"


def test_kernels_of_ct_are_no_weighting_of_mr():
    assert phase("ARTERIAL B30") == "late_arterial"


def test_a_late_mr_scan_of_an_unknown_agent_may_be_hepatobiliary_or_delayed():
    guess = guess_phases([SeriesFacts("v", "LAVA POST 20MIN DELAY", modality="MR")])["v"]
    assert guess.phase == "unknown"
    weights = guess.evidence[0].weights
    assert weights["hepatobiliary"] > weights["delayed"] > weights["portal_venous"]


def test_a_text_that_names_two_phases_weighs_for_both():
    guess = guess_phases([SeriesFacts("v", "late arterial/portal")])["v"]
    weights = guess.evidence[0].weights
    assert weights["late_arterial"] == weights["portal_venous"] == pytest.approx(0.4)


def test_the_number_of_phases_of_the_examination_is_read():
    assert phase_words("30, 70, 120 SEC DELAY").several == 3
    assert phase_words("LIVER 2 PHASE (AP)").several == 2
    assert phase_words("CH/AB/PEL") == PhaseWords()


@given(st.text(max_size=64))
def test_no_text_breaks_the_reading_and_what_is_named_is_a_phase(text):
    words = phase_words(text)
    assert set(words.phases) <= {*PHASES, "arterial"}
    assert words.delay_s is None or 15 <= words.delay_s <= 3600


@given(st.from_regex(r"[0-9 .,/:_x-]{0,40}(kV|kVp|mm|mA|keV|mSv|cm|Hz|%)?", fullmatch=True))
def test_numbers_dates_and_settings_name_no_phase(text):
    assert phase(text) == "unknown"
