"""What a segment shows, from its codes, its names and its tracking id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from imaging.mask import SegmentIdentity
from sumdiam.batch import segment_word as word

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
GROSS_TUMOUR = "GTV"


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
    role = "lesion_viable" if re.search(word.VIABLE, words) else "lesion_whole"
    node = "none"
    if organ == "lymph_node":
        node = "porta_hepatis" if re.search(word.PORTA_HEPATIS, words) else "node"
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
    named = _named(segment)
    label = f"label {segment.label!r}"
    if re.search(word.DEAD, named) and not re.search(word.VIABLE, re.sub(word.NOT_DEAD, "", named)):
        return "ignore", f"{label} names a part that is not viable"
    if re.search(word.UNSURE, named):
        return "undecided", f"{label} may name no tumour"
    if re.search(word.LIVER_LESS_TUMOUR, _written(segment)):
        return "undecided", f"{label} may be the liver without its tumour"
    code = segment.property_type[1] if segment.property_type else ""
    meaning = _meaning(segment.property_type)
    if code in LESION_CODES or re.search(word.LESION, meaning):
        return "lesion", f"property type {meaning or code!r}"
    organ = ORGAN_CODES.get(code)
    if organ is not None:
        return _organ_role(organ, named), f"property type {meaning or code!r}"
    return _kind_by_name(segment, named, label)


def _kind_by_name(segment: SegmentIdentity, named: str, label: str) -> tuple[str, str]:
    """Return what a segment is of which no code says it."""
    interpreted = segment.interpreted_type.upper()
    if interpreted == GROSS_TUMOUR:
        return "lesion", f"interpreted type {GROSS_TUMOUR}"
    if interpreted in word.NO_LESION_TYPES:
        return "ignore", f"interpreted type {interpreted}"
    if re.search(word.PLANNING_VOLUME, named):
        return "ignore", f"{label} is a volume of planning"
    words = _words(segment)
    if segment.tracking_id or re.search(word.LESION, words) or re.search(word.VIABLE, words):
        if segment.named_by_file and _may_name_a_subject(named):
            return "undecided", f"file name {segment.label!r} may name a subject, not a lesion"
        return "lesion", label
    return _organ_by_name(segment, named, label)


def _organ_by_name(segment: SegmentIdentity, named: str, label: str) -> tuple[str, str]:
    """Return the role of a segment that names no lesion."""
    if re.search(word.PLANNING, named) and not segment.named_by_file:
        return "ignore", f"{label} is a region of planning"
    organ = _organ_by_words([named])
    if organ is not None and segment.named_by_file and _says_more(organ, named):
        return "undecided", f"file name {segment.label!r} says more than one organ"
    if organ is not None:
        return _organ_role(organ, named), label
    if re.search(word.VESSEL, named) and not segment.named_by_file:
        return "ignore", f"{label} names a vessel"
    if segment.interpreted_type.upper() == "ORGAN":
        return "ignore", "interpreted type ORGAN"
    meaning = _meaning(segment.property_type)
    return "undecided", f"{label}, property type {meaning!r} say neither"


def _may_name_a_subject(named: str) -> bool:
    """Return whether the lesion in a file's name may be part of the id of a subject.

    ``HCC_048_liver`` is the liver of subject HCC_048, and no lesion of 20 cm.
    """
    if re.search(r"\d{3}", named):
        return True
    rest = re.sub(r"\bhcc\b", " ", named)
    if re.search(word.LESION, rest) or re.search(word.VIABLE, rest):
        return False
    return re.search(r"\d{2}", rest) is not None or _organ_by_words([rest]) is not None


def _says_more(organ: str, named: str) -> bool:
    """Return whether a file's name has words beside those for an organ.

    ``lung1_label`` may be the label of a lesion in a lung: a file is often named after what its
    image shows.
    """
    words = dict(word.ORGAN_WORDS)[organ]
    tokens = [token for token in named.split() if not re.search(words, token)]
    left = re.sub(word.BESIDE, " ", " ".join(tokens))
    if organ == "bone":
        left = re.sub(r"\b[ctls]? ?\d+\b|\b[ctls]\b", " ", left)
    return bool(left.strip())


def _organ_role(organ: str, named: str) -> str:
    """Return what an organ is used for; a part or a vessel of it is not the organ."""
    if organ != "aorta" and re.search(word.VESSEL, named):
        return "ignore"
    if organ == "liver" and re.search(word.LIVER_PART, named):
        return "ignore"
    return ORGAN_ROLES.get(organ, "ignore")


def _organ_of_lesion(segment: SegmentIdentity) -> tuple[str | None, str]:
    """Return the organ a lesion lies in, with the reason."""
    if segment.anatomic_region:
        code, meaning = segment.anatomic_region[1], _meaning(segment.anatomic_region)
        organ = ORGAN_CODES.get(code) or _organ_by_words([meaning])
        if organ is None and re.search(word.VAGUE, meaning):
            return None, f"region {meaning!r}"
        # any other region that is named speaks of no liver, so it is extrahepatic
        return organ or re.sub(r"\W+", "_", meaning).strip("_") or None, f"region {meaning!r}"
    organ = _organ_by_words([word.plain(segment.label), _meaning(segment.property_type)])
    return organ, f"label {segment.label!r}"


def _organ_by_words(texts: Iterable[str]) -> str | None:
    """Return the first organ that a text names."""
    for text in texts:
        for organ, words in word.ORGAN_WORDS:
            if re.search(words, text):
                return organ
    return None


def _written(segment: SegmentIdentity) -> str:
    """Return the label in lower case, with its hyphens."""
    return segment.label.replace("_", " ").lower()


def _named(segment: SegmentIdentity) -> str:
    """Return what the label and the property type say."""
    return f"{word.plain(segment.label)} {_meaning(segment.property_type)}".strip()


def _words(segment: SegmentIdentity) -> str:
    """Return everything that a segment says in words."""
    parts = [word.plain(segment.label), word.plain(segment.tracking_id or "")]
    parts += [_meaning(code) for code in (segment.property_type, segment.anatomic_region)]
    return " ".join(parts)


def _meaning(code: tuple[str, str, str] | None) -> str:
    """Return the meaning of a code in lower case."""
    return word.plain(code[2]) if code else ""
