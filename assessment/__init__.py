"""From the lesion table to response, best response and events."""

from assessment.criteria import UnknownCriteriaError, criteria_names, load_criteria
from assessment.criteria_text import describe
from assessment.exclusions import exclusion_counts
from assessment.lesion_input import read_lesions
from assessment.mrecist import Assessment, assess
from assessment.policy import PolicyError, PolicySet, read_policies, scheme_values

__all__ = [
    "Assessment",
    "PolicyError",
    "PolicySet",
    "UnknownCriteriaError",
    "assess",
    "criteria_names",
    "describe",
    "exclusion_counts",
    "load_criteria",
    "read_lesions",
    "read_policies",
    "scheme_values",
]
