"""The interchange tables: measurements (the truth) and lesions (their pivot).

This module imports no pixels: assessment reads it, and so do people who bring their own lesions.
"""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from measurement.table import TableModel

SITES = ("hepatic", "extrahepatic")
ROLES = ("target", "non-target", "new")
NODES = ("none", "node", "porta_hepatis")
STATUSES = (
    "measured", "too_small", "absent", "present", "progressed", "equivocal", "not_evaluable",
)  # fmt: skip
READ_ROLES = ("automatic", "reader", "adjudicator", "consensus")
PATTERNS = ("typical", "atypical")
CYTOLOGIES = ("positive", "negative")
QUANTITY_UNITS = {
    "viable_diameter": "mm",
    "viable_perpendicular": "mm",
    "whole_diameter": "mm",
    "whole_perpendicular": "mm",
    "node_short_axis": "mm",
    "viable_volume": "ml",
    "whole_volume": "ml",
    "mean_attenuation": "hu",
    "mean_enhancement": "hu",
    "late_contrast": "hu",
    "clear_border": "percent",
}
"""Quantities and their units.

`late_contrast` is lesion minus liver in the portal venous or delayed phase; where values have no
unit (MR) it is in percent of the liver, other means are ``signal``.
"""

Text = pd.StringDtype
Whole = pd.Int64Dtype
Truth = pd.BooleanDtype
Day = "datetime64[ns]"


class Measurements(TableModel):
    """Every measured value, revision by revision, with the slice and the points it came from."""

    measurement_id: Series[Text]
    revision: Series[Whole] = pa.Field(ge=1)
    supersedes: Series[Whole] = pa.Field(ge=1, nullable=True)
    subject_id: Series[Text]
    reader: Series[Text]
    decided_by: Series[Text]
    read_role: Series[Text] = pa.Field(isin=READ_ROLES)
    lesion_id: Series[Text]
    timepoint: Series[Whole] = pa.Field(ge=0)
    quantity: Series[Text] = pa.Field(isin=list(QUANTITY_UNITS))
    value: Series[float] = pa.Field(nullable=True)
    unit: Series[Text] = pa.Field(isin=["mm", "ml", "hu", "signal", "percent"])
    standard_uncertainty: Series[float] = pa.Field(ge=0, nullable=True)
    reader_uncertainty: Series[float] = pa.Field(ge=0, nullable=True)
    accepted: Series[Truth]
    reason: Series[Text] = pa.Field(nullable=True)
    study_uid: Series[Text] = pa.Field(nullable=True)
    series_uid: Series[Text] = pa.Field(nullable=True)
    volume_id: Series[Text] = pa.Field(nullable=True)
    sop_instance_uid: Series[Text] = pa.Field(nullable=True)
    frame_number: Series[Whole] = pa.Field(ge=1, nullable=True)
    mask_id: Series[Text] = pa.Field(nullable=True)
    slice: Series[Whole] = pa.Field(ge=0, nullable=True)
    end1_x_mm: Series[float] = pa.Field(nullable=True)
    end1_y_mm: Series[float] = pa.Field(nullable=True)
    end1_z_mm: Series[float] = pa.Field(nullable=True)
    end2_x_mm: Series[float] = pa.Field(nullable=True)
    end2_y_mm: Series[float] = pa.Field(nullable=True)
    end2_z_mm: Series[float] = pa.Field(nullable=True)
    gap_mm: Series[float] = pa.Field(ge=0, nullable=True)
    method: Series[Text]
    software_version: Series[Text]
    flags: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per value and revision."""

        unique: ClassVar[list[str]] = ["measurement_id", "revision"]


class Lesions(TableModel):
    """One row per lesion, timepoint and reader: what assessment may rely on.

    A value that is missing while ``status`` is empty was not measured and nobody said why.
    """

    subject_id: Series[Text]
    reader: Series[Text]
    lesion_id: Series[Text]
    timepoint: Series[Whole] = pa.Field(ge=0)
    organ: Series[Text] = pa.Field(nullable=True)
    site: Series[Text] = pa.Field(isin=SITES)
    node: Series[Text] = pa.Field(isin=NODES)
    role_given: Series[Text] = pa.Field(isin=ROLES, nullable=True)
    status: Series[Text] = pa.Field(isin=STATUSES, nullable=True)
    status_reason: Series[Text] = pa.Field(nullable=True)
    viable_diameter_mm: Series[float] = pa.Field(ge=0, nullable=True)
    viable_perpendicular_mm: Series[float] = pa.Field(ge=0, nullable=True)
    whole_diameter_mm: Series[float] = pa.Field(ge=0, nullable=True)
    whole_perpendicular_mm: Series[float] = pa.Field(ge=0, nullable=True)
    node_short_axis_mm: Series[float] = pa.Field(ge=0, nullable=True)
    viable_volume_ml: Series[float] = pa.Field(ge=0, nullable=True)
    whole_volume_ml: Series[float] = pa.Field(ge=0, nullable=True)
    mean_attenuation_hu: Series[float] = pa.Field(nullable=True)
    mean_enhancement_hu: Series[float] = pa.Field(nullable=True)
    late_contrast_hu: Series[float] = pa.Field(nullable=True)
    late_contrast_percent: Series[float] = pa.Field(nullable=True)
    clear_border_percent: Series[float] = pa.Field(ge=0, le=100, nullable=True)
    u_viable_diameter: Series[float] = pa.Field(ge=0, nullable=True)
    u_viable_perpendicular: Series[float] = pa.Field(ge=0, nullable=True)
    u_whole_diameter: Series[float] = pa.Field(ge=0, nullable=True)
    u_whole_perpendicular: Series[float] = pa.Field(ge=0, nullable=True)
    u_node_short_axis: Series[float] = pa.Field(ge=0, nullable=True)
    u_viable_volume: Series[float] = pa.Field(ge=0, nullable=True)
    u_whole_volume: Series[float] = pa.Field(ge=0, nullable=True)
    viable_diameter_id: Series[Text] = pa.Field(nullable=True)
    viable_perpendicular_id: Series[Text] = pa.Field(nullable=True)
    whole_diameter_id: Series[Text] = pa.Field(nullable=True)
    whole_perpendicular_id: Series[Text] = pa.Field(nullable=True)
    node_short_axis_id: Series[Text] = pa.Field(nullable=True)
    viable_volume_id: Series[Text] = pa.Field(nullable=True)
    whole_volume_id: Series[Text] = pa.Field(nullable=True)
    mean_attenuation_id: Series[Text] = pa.Field(nullable=True)
    mean_enhancement_id: Series[Text] = pa.Field(nullable=True)
    late_contrast_id: Series[Text] = pa.Field(nullable=True)
    clear_border_id: Series[Text] = pa.Field(nullable=True)
    arterial_enhancement: Series[Truth] = pa.Field(nullable=True)
    washout: Series[Truth] = pa.Field(nullable=True)
    well_delineated: Series[Truth] = pa.Field(nullable=True)
    treated_before: Series[Truth] = pa.Field(nullable=True)
    slice_thickness_mm: Series[float] = pa.Field(gt=0, nullable=True)
    split_from: Series[Text] = pa.Field(nullable=True)
    merged_into: Series[Text] = pa.Field(nullable=True)
    link_id: Series[Text] = pa.Field(nullable=True)
    finding: Series[Text] = pa.Field(nullable=True)
    pattern: Series[Text] = pa.Field(isin=PATTERNS, nullable=True)
    cytology: Series[Text] = pa.Field(isin=CYTOLOGIES, nullable=True)
    comment: Series[Text] = pa.Field(nullable=True)
    scan_on: Series[Day] = pa.Field(nullable=True)
    flags: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """No lesion twice at one timepoint."""

        unique: ClassVar[list[str]] = ["subject_id", "reader", "lesion_id", "timepoint"]


class Findings(TableModel):
    """What no mask can say of a lesion at a timepoint, entered by a person."""

    subject_id: Series[Text]
    reader: Series[Text] = pa.Field(nullable=True)
    timepoint: Series[Whole] = pa.Field(ge=0)
    lesion_id: Series[Text]
    organ: Series[Text] = pa.Field(nullable=True)
    site: Series[Text] = pa.Field(isin=SITES, nullable=True)
    node: Series[Text] = pa.Field(isin=NODES, nullable=True)
    finding: Series[Text] = pa.Field(nullable=True)
    status: Series[Text] = pa.Field(isin=STATUSES, nullable=True)
    pattern: Series[Text] = pa.Field(isin=PATTERNS, nullable=True)
    washout: Series[Truth] = pa.Field(nullable=True)
    cytology: Series[Text] = pa.Field(isin=CYTOLOGIES, nullable=True)
    comment: Series[Text] = pa.Field(nullable=True)
    entered_by: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One finding per lesion, timepoint and reading."""

        unique: ClassVar[list[str]] = ["subject_id", "reader", "timepoint", "lesion_id"]
