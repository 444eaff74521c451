"""What a segment shows, from its codes, its label and its tracking id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from imaging.mask import SegmentIdentity

ORGAN_WORDS: tuple[tuple[str, str], ...] = (
    # the first that fits decides: a lymph node of the liver hilum is a node, not liver
    ("lymph_node", r"lymph|\bnod(e|al)s?\b|adenopathy"),
    ("portal_vein", r"portal vein|vena portae|\bpvtt\b"),
    ("liver", r"\bliver\b|hepatic (lobe|segment|parenchyma)|\bhepatic\b|\bhcc\b|hepatocellular"),
    ("lung", r"\blungs?\b|pulmon"),
    ("adrenal", r"adrenal|suprarenal"),
    ("bone", r"\bbones?\b|vertebra|\brib\b|pelvi[cs] bone|\bfemur\b|sternum|skelet"),
    ("peritoneum", r"periton|omentum|mesenter"),
    ("spleen", r"spleen|splenic"),
    ("kidney", r"kidney|renal"),
    ("pancreas", r"pancrea"),
    ("aorta", r"aorta"),
    ("brain", r"\bbrain\b|cerebr"),
    ("pleura", r"pleura"),
    ("soft_tissue", r"soft tissue|muscle|subcutaneous|abdominal wall|chest wall"),
)
ORGAN_CODES = {
    # SNOMED CT, and SNOMED RT as older files have it
    "10200004": "liver", "T-62000": "liver",
    "39607008": "lung", "T-28000": "lung",
    "59441001": "lymph_node", "T-C4000": "lymph_node",
    "23451007": "adrenal", "T-B3000": "adrenal",
    "272673000": "bone", "T-D016E": "bone",
    "78961009": "spleen", "T-C3000": "spleen",
    "15825003": "aorta", "T-42000": "aorta",
    "64033007": "kidney", "T-71000": "kidney",
    "15776009": "pancreas", "T-65000": "pancreas",
    "15425007": "peritoneum", "T-D4400": "peritoneum",
    "32764006": "portal_vein", "T-48810": "portal_vein",
    "12738006": "brain", "T-A0100": "brain",
    "87784001": "soft_tissue", "T-1A000": "soft_tissue",
}  # fmt: skip
ORGAN_ROLES = {"liver": "liver", "aorta": "aorta", "spleen": "spleen"}
LESION_CODES = (
    "108369006", "86049000", "M-80003", "4147007", "M-03000", "52988006", "M-01000", "25370001",
    "M-81703", "14799000", "M-80006", "128462008", "27925004",
)  # fmt: skip
"""Neoplasm, primary neoplasm, mass, lesion, hepatocellular carcinoma, metastasis, nodule."""
_LESION = r"lesion|tumou?r|neoplas|\bmass\b|\bhcc\b|carcinom|metasta|nodule|malignan|target"
_VIABLE = r"\bviable\b|\bvital\b|enhancing (part|tumou?r|lesion|component)|\benhancing\b"
_DEAD = r"necrosis|necrotic (part|core|area)|non.?viable|non.?enhancing|\bo?edema\b"
_UNSURE = r"ablat|lipiodol|iodi[sz]ed oil|thromb|effusion|ascites"
_VAGUE = r"abdom|trunk|torso|whole body|entire body"
_PORTA_HEPATIS = r"porta(l)? hepati[sc]|hilar.*(liver|hepat)|(liver|hepat).*hil|hepatic hilum"


@dataclass(frozen=True, slots=True)
class SegmentRole:
    """What a segment is taken for, and why.

    Parameters
    ----------
    mask_role : a word of `MASK_ROLES`
    lesion_id : str, optional
        From the tracking id; the same for the whole lesion and its viable part.
    organ, site : str, optional
    node : a word of `NODES`
    evidence : str
    """

    mask_role: str
    lesion_id: str | None
    organ: str | None
    site: str | None
    node: str
    evidence: str


def segment_role(segment: SegmentIdentity) -> SegmentRole:
    """Return what a segment shows.

    Notes
    -----
    Codes decide before words, and the property type before the anatomic region: "Liver" as type
    is the organ, "Neoplasm" in the region "Liver" a hepatic lesion. What neither says stays
    undecided, as does a lesion of which nothing says where it lies: whether it counts as hepatic
    decides how it is measured.
    """
    kind, why = _kind(segment)
    if kind != "lesion":
        return SegmentRole(kind, None, None, None, "none", why)
    lesion_id = tracked_lesion(segment)
    organ, where = _organ_of_lesion(segment)
    if organ is None:
        reason = f"{why}; no anatomic region: whether it is hepatic must be decided"
        return SegmentRole("undecided", lesion_id, None, None, "none", reason)
    site = "hepatic" if organ == "liver" else "extrahepatic"
    words = _words(segment)
    role = "lesion_viable" if re.search(_VIABLE, words) else "lesion_whole"
    node = "none"
    if organ == "lymph_node":
        node = "porta_hepatis" if re.search(_PORTA_HEPATIS, words) else "node"
    tracked = f"; tracking id {lesion_id}" if lesion_id else "; no tracking id"
    return SegmentRole(role, lesion_id, organ, site, node, f"{why}; {where}{tracked}")


def tracked_lesion(segment: SegmentIdentity) -> str | None:
    """Return the lesion that a tracking id names, without a word for the part that is outlined."""
    named = (segment.tracking_id or "").strip()
    if not named:
        return None
    part = r"[\s_\-.]+\(?(viable|vital|whole|enhancing|necrosis|necrotic)( part| tumou?r)?\)?$"
    return re.sub(part, "", named, flags=re.IGNORECASE).strip() or named


def _kind(segment: SegmentIdentity) -> tuple[str, str]:
    """Return lesion, an organ's role, ignore or undecided, with the reason."""
    words = _words(segment)
    named = f"{segment.label} {_meaning(segment.property_type)}".lower()
    if re.search(_DEAD, named) and not re.search(_VIABLE, re.sub(r"non.?viable", "", named)):
        return "ignore", f"label {segment.label!r} names a part that is not viable"
    if re.search(_UNSURE, named):
        return "undecided", f"label {segment.label!r} may name no tumour"
    code = segment.property_type[1] if segment.property_type else ""
    meaning = _meaning(segment.property_type)
    if code in LESION_CODES or re.search(_LESION, meaning):
        return "lesion", f"property type {meaning or code!r}"
    organ = ORGAN_CODES.get(code)
    if organ is not None:
        return ORGAN_ROLES.get(organ, "ignore"), f"property type {meaning or code!r}"
    if segment.tracking_id or re.search(_LESION, words) or re.search(_VIABLE, words):
        return "lesion", f"label {segment.label!r}"
    organ = _organ_by_words([named])
    if organ is not None:
        return ORGAN_ROLES.get(organ, "ignore"), f"label {segment.label!r}"
    return "undecided", f"label {segment.label!r}, property type {meaning!r} say neither"


def _organ_of_lesion(segment: SegmentIdentity) -> tuple[str | None, str]:
    """Return the organ a lesion lies in, with the reason."""
    if segment.anatomic_region:
        code, meaning = segment.anatomic_region[1], _meaning(segment.anatomic_region)
        organ = ORGAN_CODES.get(code) or _organ_by_words([meaning])
        if organ is None and re.search(_VAGUE, meaning):
            return None, f"region {meaning!r}"
        # any other region that is named speaks of no liver, so it is extrahepatic
        return organ or re.sub(r"\W+", "_", meaning).strip("_") or None, f"region {meaning!r}"
    organ = _organ_by_words([segment.label.lower(), _meaning(segment.property_type)])
    return organ, f"label {segment.label!r}"


def _organ_by_words(texts: Iterable[str]) -> str | None:
    """Return the first organ that a text names."""
    for text in texts:
        for organ, words in ORGAN_WORDS:
            if re.search(words, text):
                return organ
    return None


def _words(segment: SegmentIdentity) -> str:
    """Return everything that a segment says in words."""
    parts = [segment.label, segment.tracking_id or ""]
    parts += [_meaning(code) for code in (segment.property_type, segment.anatomic_region)]
    return " ".join(parts).replace("_", " ").lower()


def _meaning(code: tuple[str, str, str] | None) -> str:
    """Return the meaning of a code in lower case."""
    return code[2].strip().lower() if code else ""
