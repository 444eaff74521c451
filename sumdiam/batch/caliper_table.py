"""Schema of the lengths that structured reports state."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from measurement.table import TableModel

Text = pd.StringDtype
Whole = pd.Int64Dtype
Truth = pd.BooleanDtype


class Calipers(TableModel):
    """Lengths that structured reports state, held against their coordinates; in no measurement."""

    caliper_id: Series[Text]
    subject_id: Series[Text] = pa.Field(nullable=True)
    timepoint: Series[Whole] = pa.Field(ge=0, nullable=True)
    reader: Series[Text]
    lesion_id: Series[Text] = pa.Field(nullable=True)
    lesion_by: Series[Text] = pa.Field(nullable=True)
    tracking_id: Series[Text] = pa.Field(nullable=True)
    tracking_uid: Series[Text] = pa.Field(nullable=True)
    quantity: Series[Text]
    length_mm: Series[float] = pa.Field(ge=0)
    coordinates_mm: Series[float] = pa.Field(ge=0, nullable=True)
    tolerance_mm: Series[float] = pa.Field(ge=0)
    agrees: Series[Truth] = pa.Field(nullable=True)
    automatic_viable_mm: Series[float] = pa.Field(ge=0, nullable=True)
    automatic_whole_mm: Series[float] = pa.Field(ge=0, nullable=True)
    study_uid: Series[Text] = pa.Field(nullable=True)
    series_uid: Series[Text] = pa.Field(nullable=True)
    sop_instance_uid: Series[Text] = pa.Field(nullable=True)
    frame_number: Series[Whole] = pa.Field(ge=1, nullable=True)
    end1_x_mm: Series[float] = pa.Field(nullable=True)
    end1_y_mm: Series[float] = pa.Field(nullable=True)
    end1_z_mm: Series[float] = pa.Field(nullable=True)
    end2_x_mm: Series[float] = pa.Field(nullable=True)
    end2_y_mm: Series[float] = pa.Field(nullable=True)
    end2_z_mm: Series[float] = pa.Field(nullable=True)
    file: Series[Text]
    flags: Series[Text] = pa.Field(nullable=True)

    class Config(TableModel.Config):
        """One row per length of a report."""

        unique: ClassVar[list[str]] = ["caliper_id"]
