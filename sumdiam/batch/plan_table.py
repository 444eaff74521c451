"""Schemas of what was understood of an archive; a person may edit these files and run again.

``automatic`` repeats what the software itself decided in the row (`sumdiam.batch.edit`): a cell
that differs from it was edited by a person, and is kept.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from measurement.lesion_table import NODES, SITES
from measurement.table import TableModel

Text = pd.StringDtype
Whole = pd.Int64Dtype
Truth = pd.BooleanDtype
Day = "datetime64[ns]"

PLAN, MASKS, MATCHES = "plan.csv", "masks.csv", "matches.csv"
"""Names of the files."""

PHASES = (
    "native", "early_arterial", "late_arterial", "portal_venous", "delayed", "transitional",
    "hepatobiliary", "unknown",
)  # fmt: skip
USES = ("measure", "subtract", "washout", "exclude", "undecided")
MASK_ROLES = ("lesion_whole", "lesion_viable", "liver", "aorta", "spleen", "ignore", "undecided")
RELATIONS = ("same", "new", "vanished", "split", "merged")


class Plan(TableModel):
    """One row per volume: whose it is, when, which phase, what it is used for, and why."""

    volume_id: Series[Text]
    subject_id: Series[Text]
    study_uid: Series[Text]
    series_uid: Series[Text]
    description: Series[Text] = pa.Field(nullable=True)
    modality: Series[Text] = pa.Field(nullable=True)
    acquired_on: Series[Day] = pa.Field(nullable=True)
    timepoint: Series[Whole] = pa.Field(ge=0, nullable=True)
    timepoint_by: Series[Text]
    phase: Series[Text] = pa.Field(isin=PHASES)
    phase_probability: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    phase_by: Series[Text]
    use: Series[Text] = pa.Field(isin=USES)
    use_by: Series[Text]
    reason: Series[Text] = pa.Field(nullable=True)
    evidence: Series[Text] = pa.Field(nullable=True)
    automatic: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per volume."""

        unique = ["volume_id"]


class Masks(TableModel):
    """One row per segment: what it is, of which lesion, and who decided it."""

    mask_id: Series[Text]
    subject_id: Series[Text]
    study_uid: Series[Text]
    file: Series[Text]
    segment: Series[Whole] = pa.Field(ge=0)
    label: Series[Text] = pa.Field(nullable=True)
    volume_id: Series[Text] = pa.Field(nullable=True)
    timepoint: Series[Whole] = pa.Field(ge=0, nullable=True)
    reader: Series[Text]
    mask_role: Series[Text] = pa.Field(isin=MASK_ROLES)
    lesion_id: Series[Text] = pa.Field(nullable=True)
    organ: Series[Text] = pa.Field(nullable=True)
    site: Series[Text] = pa.Field(isin=SITES, nullable=True)
    node: Series[Text] = pa.Field(isin=NODES)
    treated_before: Series[Truth] = pa.Field(nullable=True)
    decided_by: Series[Text]
    evidence: Series[Text] = pa.Field(nullable=True)
    automatic: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per segment."""

        unique = ["mask_id"]


class Matches(TableModel):
    """Which mask is the same lesion as which earlier one."""

    earlier_mask_id: Series[Text] = pa.Field(nullable=True)
    mask_id: Series[Text] = pa.Field(nullable=True)
    subject_id: Series[Text]
    relation: Series[Text] = pa.Field(isin=RELATIONS)
    cost: Series[float] = pa.Field(ge=0, nullable=True)
    margin: Series[float] = pa.Field(nullable=True)
    decided_by: Series[Text]
    automatic: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per pair."""

        unique = ["earlier_mask_id", "mask_id"]
