"""The table of how far the estimates of a trial move when its lengths are read again."""

from __future__ import annotations

import pandera.pandas as pa
from pandera.typing import Series

from assessment.redraw import READ_AGAIN
from measurement.lesion_table import Text, Whole
from measurement.table import TableModel

RESPONSE, CONTROL = "objective_response_percent", "disease_control_percent"
MEDIAN, HAZARD = "pfs_median_days", "pfs_hazard_ratio"
ESTIMATES = (RESPONSE, CONTROL, MEDIAN, HAZARD)


class Doubts(TableModel):
    """One row per estimate, arm and way to read again: how far measurement alone moves it."""

    criteria: Series[Text]
    reader: Series[Text]
    policy_id: Series[Text]
    scheme: Series[Text]
    read_again: Series[Text] = pa.Field(isin=list(READ_AGAIN))
    estimate: Series[Text] = pa.Field(isin=ESTIMATES)
    arm: Series[Text]
    estimated: Series[float] = pa.Field(ge=0, nullable=True)
    sampling_lower: Series[float] = pa.Field(ge=0, nullable=True)
    sampling_upper: Series[float] = pa.Field(ge=0, nullable=True)
    middle: Series[float] = pa.Field(ge=0, nullable=True)
    lower: Series[float] = pa.Field(ge=0, nullable=True)
    upper: Series[float] = pa.Field(ge=0, nullable=True)
    n_draws: Series[Whole] = pa.Field(ge=0)
    n_without_estimate: Series[Whole] = pa.Field(ge=0)
    n_lengths_drawn: Series[Whole] = pa.Field(ge=0)
    n_lengths_fixed: Series[Whole] = pa.Field(ge=0)

    class Config:
        """An estimate of an arm stands once for each way to read again."""

        unique = ["read_again", "estimate", "arm"]  # noqa: RUF012 - pandera reads a plain list
