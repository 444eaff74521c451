"""The names of factors and figures in words, for persons; tables and code keep the short names."""

from __future__ import annotations

FACTOR_WORDS = {
    "arm": "Arm", "male": "Male", "age_65": "Age 65 years or more", "white": "White",
    "ecog_1": "ECOG 1", "cirrhosis": "Liver cirrhosis", "hepatitis_b": "Hepatitis B",
    "hepatitis_c": "Hepatitis C", "alcohol": "Alcohol", "previous_tace": "Previous TACE",
    "diffuse": "Ten lesions or more", "portal_invasion": "Portal invasion",
    "extrahepatic_spread": "Extrahepatic spread", "child_pugh_b": "Child-Pugh B",
    "bclc_c": "BCLC C", "outside_up_to_7": "Outside up-to-7", "albi_2": "ALBI grade 2",
    "afp_400": "AFP above 400",
}  # fmt: skip
_FIGURE_WORDS = FACTOR_WORDS | {
    "objective_response": "Objective response",
    "disease_control": "Disease control",
    "complete_response": "Complete response",
    "ets": "Early tumour shrinkage",
    "progression": "Progression",
    "site_liver": "First progression in the liver",
    "site_extrahepatic": "First progression outside the liver",
    "site_both": "First progression in both",
    "time_to_response": "Time to response",
    "time_of_dpr": "Time of the depth of response",
    "dpr": "Depth of response",
    "target_size": "Sum of targets at baseline",
    "first_scan": "Time to the first follow-up images",
    "follow-up images": "Follow-up images",
    "hepatic_PFS": "Hepatic PFS",
    "hepatic_PFS by arm": "Hepatic PFS by arm",
    "multivariable": "Multivariable PFS hazard",
    "quantile 0.25": "lower quartile",
    "quantile 0.5": "median",
    "quantile 0.75": "upper quartile",
    "ratio": "hazard ratio",
    "lower": "lower limit",
    "upper": "upper limit",
    "p": "p",
}
SHAPE_WORDS = {
    "ball": "ball", "ellipsoid": "ellipsoid", "ring": "ring", "crescent": "crescent",
    "twoislands": "two islands", "remnant": "one viable remnant", "dead": "nothing viable",
    "empty": "empty segment",
}  # fmt: skip
OUTCOME_WORDS = {
    "analysed": "Analysed",
    "best_response": "Best response",
    "first_progression_timepoint": "Visit of first progression",
    "first_progression_site": "Site of first progression",
    "PFS_days": "Progression-free days",
    "PFS_event": "Progression or death seen",
}
"""What of a patient is compared with the truth."""


def in_words(what: str) -> str:
    """Return the name of a figure in words.

    Examples
    --------
    >>> in_words("age_65, combination"), in_words("PFS hazard, child_pugh_b, ratio")
    ('Age 65 years or more, combination', 'PFS hazard, Child-Pugh B, hazard ratio')
    >>> in_words("follow-up images, sorafenib, quantile 0.25")
    'Follow-up images, sorafenib, lower quartile'
    """
    return ", ".join(_FIGURE_WORDS.get(part, part) for part in what.split(", "))
