"""Schemas of what assessment is handed and what it derives."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from measurement.table import TableModel

Text = pd.StringDtype
Whole = pd.Int64Dtype
Truth = pd.BooleanDtype
Day = "datetime64[ns]"

TARGET_RESPONSES = ("CR", "PR", "SD", "PD", "NE", "NA")
NONTARGET_RESPONSES = ("CR", "NON-CR/NON-PD", "PD", "NE", "NA")
OVERALL_RESPONSES = (
    "CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "NED",
    "iCR", "iPR", "iSD", "iNON-CR/NON-PD", "iUPD", "iCPD",
)  # fmt: skip
NEW_LESIONS = ("yes", "no", "equivocal", "not_assessed")
EXCLUSION_CODES = (
    "analysed", "no_followup_images", "no_followup_within_6_months", "imaging_gap_before_death",
    "no_dates",
)  # fmt: skip
ENDPOINTS = ("OS", "PFS", "TTP", "hepatic_PFS", "PPS", "DOR")


class Subjects(TableModel):
    """One row per subject: arm, dates, vital status; covariates follow as further columns."""

    subject_id: Series[Text]
    arm: Series[Text] = pa.Field(nullable=True)
    randomised_on: Series[Day] = pa.Field(nullable=True)
    treatment_started_on: Series[Day] = pa.Field(nullable=True)
    died_on: Series[Day] = pa.Field(nullable=True)
    last_known_alive_on: Series[Day] = pa.Field(nullable=True)
    new_therapy_on: Series[Day] = pa.Field(nullable=True)
    data_cutoff_on: Series[Day] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """No subject twice."""

        unique = ["subject_id"]


class Timepoints(TableModel):
    """One row per visit with images; timepoint 0 is the baseline."""

    subject_id: Series[Text]
    timepoint: Series[Whole] = pa.Field(ge=0)
    first_scan_on: Series[Day] = pa.Field(nullable=True)
    last_scan_on: Series[Day] = pa.Field(nullable=True)
    modality: Series[Text] = pa.Field(nullable=True)
    adequate: Series[Truth] = pa.Field(nullable=True)
    new_lesions_assessed: Series[Truth] = pa.Field(nullable=True)
    modality_changed: Series[Truth] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """No timepoint twice."""

        unique = ["subject_id", "timepoint"]


class Selections(TableModel):
    """Which lesions are targets under a rule set, and why."""

    subject_id: Series[Text]
    reader: Series[Text]
    criteria: Series[Text]
    lesion_id: Series[Text]
    role: Series[Text] = pa.Field(isin=["target", "non-target", "new", "none"])
    order: Series[Whole] = pa.Field(ge=1, nullable=True)
    measurand: Series[Text] = pa.Field(nullable=True)
    reason: Series[Text]

    class Config(TableModel.Config):
        """One choice per lesion and rule set."""

        unique = ["subject_id", "reader", "criteria", "lesion_id"]


class Policies(TableModel):
    """Every policy's value under a policy set's id."""

    policy_id: Series[Text]
    policy: Series[Text]
    value: Series[Text]

    class Config(TableModel.Config):
        """One value per policy."""

        unique = ["policy_id", "policy"]


class Responses(TableModel):
    """Response of a subject at a timepoint, by a reader, a rule set and a policy set."""

    subject_id: Series[Text]
    reader: Series[Text]
    criteria: Series[Text]
    policy_id: Series[Text]
    timepoint: Series[Whole] = pa.Field(ge=0)
    n_targets_expected: Series[Whole] = pa.Field(ge=0)
    n_targets_measured: Series[Whole] = pa.Field(ge=0)
    sum_mm: Series[float] = pa.Field(ge=0, nullable=True)
    baseline_sum_mm: Series[float] = pa.Field(ge=0, nullable=True)
    nadir_sum_mm: Series[float] = pa.Field(ge=0, nullable=True)
    change_from_baseline_mm: Series[float] = pa.Field(nullable=True)
    change_from_baseline_percent: Series[float] = pa.Field(nullable=True)
    change_from_nadir_mm: Series[float] = pa.Field(nullable=True)
    change_from_nadir_percent: Series[float] = pa.Field(nullable=True)
    hepatic_sum_mm: Series[float] = pa.Field(ge=0, nullable=True)
    sum_mm2: Series[float] = pa.Field(ge=0, nullable=True)
    baseline_sum_mm2: Series[float] = pa.Field(ge=0, nullable=True)
    nadir_sum_mm2: Series[float] = pa.Field(ge=0, nullable=True)
    change_from_baseline_mm2: Series[float] = pa.Field(nullable=True)
    change_from_nadir_mm2: Series[float] = pa.Field(nullable=True)
    hepatic_sum_mm2: Series[float] = pa.Field(ge=0, nullable=True)
    sum_ml: Series[float] = pa.Field(ge=0, nullable=True)
    baseline_sum_ml: Series[float] = pa.Field(ge=0, nullable=True)
    nadir_sum_ml: Series[float] = pa.Field(ge=0, nullable=True)
    change_from_baseline_ml: Series[float] = pa.Field(nullable=True)
    change_from_nadir_ml: Series[float] = pa.Field(nullable=True)
    hepatic_sum_ml: Series[float] = pa.Field(ge=0, nullable=True)
    target_response: Series[Text] = pa.Field(isin=TARGET_RESPONSES, nullable=True)
    nontarget_response: Series[Text] = pa.Field(isin=NONTARGET_RESPONSES, nullable=True)
    new_lesion: Series[Text] = pa.Field(isin=NEW_LESIONS, nullable=True)
    overall_response: Series[Text] = pa.Field(isin=OVERALL_RESPONSES, nullable=True)
    hepatic_response: Series[Text] = pa.Field(isin=OVERALL_RESPONSES, nullable=True)
    recorded_response: Series[Text] = pa.Field(isin=OVERALL_RESPONSES, nullable=True)
    reason: Series[Text] = pa.Field(nullable=True)
    p_cr: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    p_pr: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    p_sd: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    p_pd: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    p_ne: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    within_error_of_cutoff: Series[Truth] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One response per timepoint."""

        unique = ["subject_id", "reader", "criteria", "policy_id", "timepoint"]


class Outcomes(TableModel):
    """What a subject reached over the whole course, with the reason for each answer."""

    subject_id: Series[Text]
    reader: Series[Text]
    criteria: Series[Text]
    policy_id: Series[Text]
    best_response: Series[Text] = pa.Field(isin=OVERALL_RESPONSES, nullable=True)
    best_response_reason: Series[Text] = pa.Field(nullable=True)
    confirmed_best_response: Series[Text] = pa.Field(isin=OVERALL_RESPONSES, nullable=True)
    confirmed_best_response_reason: Series[Text] = pa.Field(nullable=True)
    objective_response: Series[Truth] = pa.Field(nullable=True)
    disease_control: Series[Truth] = pa.Field(nullable=True)
    ets: Series[Truth] = pa.Field(nullable=True)
    ets_percent: Series[float] = pa.Field(nullable=True)
    ets_days: Series[Whole] = pa.Field(nullable=True)
    ets_reason: Series[Text] = pa.Field(nullable=True)
    dpr_percent: Series[float] = pa.Field(nullable=True)
    dpr_days: Series[Whole] = pa.Field(nullable=True)
    dpr_reason: Series[Text] = pa.Field(nullable=True)
    best_change_percent: Series[float] = pa.Field(nullable=True)
    time_to_response_days: Series[Whole] = pa.Field(nullable=True)
    duration_of_response_days: Series[Whole] = pa.Field(nullable=True)
    progressed: Series[Truth] = pa.Field(nullable=True)
    first_progression_timepoint: Series[Whole] = pa.Field(nullable=True)
    first_progression_site: Series[Text] = pa.Field(
        isin=["liver", "extrahepatic", "both"], nullable=True
    )
    first_progression_reason: Series[Text] = pa.Field(nullable=True)
    best_response_doubtful: Series[Truth] = pa.Field(nullable=True)
    p_best_response: Series[float] = pa.Field(ge=0, le=1, nullable=True)

    class Config(TableModel.Config):
        """One row per subject and rule set."""

        unique = ["subject_id", "reader", "criteria", "policy_id"]


class Events(TableModel):
    """Time to event of a subject, with the reason why it ends where it ends."""

    subject_id: Series[Text]
    reader: Series[Text]
    criteria: Series[Text]
    policy_id: Series[Text]
    scheme: Series[Text]
    endpoint: Series[Text] = pa.Field(isin=ENDPOINTS)
    start_on: Series[Day] = pa.Field(nullable=True)
    end_on: Series[Day] = pa.Field(nullable=True)
    days: Series[Whole] = pa.Field(nullable=True)
    event: Series[Truth] = pa.Field(nullable=True)
    reason: Series[Text]

    class Config(TableModel.Config):
        """One row per subject, endpoint and scheme."""

        unique = ["subject_id", "reader", "criteria", "policy_id", "scheme", "endpoint"]


class Exclusions(TableModel):
    """Whether a subject enters the analysis under the seed's rules, and why not."""

    subject_id: Series[Text]
    reader: Series[Text]
    criteria: Series[Text]
    policy_id: Series[Text]
    analysed: Series[Truth]
    code: Series[Text] = pa.Field(isin=EXCLUSION_CODES)
    reason: Series[Text]

    class Config(TableModel.Config):
        """One row per subject, reader and rule set."""

        unique = ["subject_id", "reader", "criteria", "policy_id"]


class Warnings(TableModel):
    """What a person should look at before relying on a result."""

    subject_id: Series[Text]
    reader: Series[Text] = pa.Field(nullable=True)
    criteria: Series[Text] = pa.Field(nullable=True)
    lesion_id: Series[Text] = pa.Field(nullable=True)
    timepoint: Series[Whole] = pa.Field(nullable=True)
    code: Series[Text]
    message: Series[Text]
