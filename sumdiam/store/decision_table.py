"""Schema of a reviewer's decisions on measurements."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from measurement.table import TableModel

Text = pd.StringDtype
Whole = pd.Int64Dtype
Day = "datetime64[ns]"

VERDICTS = ("accept", "reject", "replace")


class Decisions(TableModel):
    """One row per measurement and judged revision."""

    measurement_id: Series[Text]
    revision: Series[Whole] = pa.Field(ge=1)
    verdict: Series[Text] = pa.Field(isin=VERDICTS)
    value: Series[float] = pa.Field(ge=0, nullable=True)
    end1_x_mm: Series[float] = pa.Field(nullable=True)
    end1_y_mm: Series[float] = pa.Field(nullable=True)
    end1_z_mm: Series[float] = pa.Field(nullable=True)
    end2_x_mm: Series[float] = pa.Field(nullable=True)
    end2_y_mm: Series[float] = pa.Field(nullable=True)
    end2_z_mm: Series[float] = pa.Field(nullable=True)
    decided_by: Series[Text]
    decided_on: Series[Day]
    reason: Series[Text]

    class Config(TableModel.Config):
        """One verdict per revision."""

        unique: ClassVar = ["measurement_id", "revision"]
