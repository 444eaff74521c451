"""The options of the command line: each once, with its words, for every command that has it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

ImagesAndMasks = Annotated[
    list[Path],
    typer.Argument(help="Folders, zip or tar files with DICOM images and masks; only read."),
]
RunFolder = Annotated[Path, typer.Option(help="Folder of the run; call again to go on.")]
Config = Annotated[
    Path | None,
    typer.Option(help="TOML file with any of these options; those given here win."),
]
Subjects = Annotated[
    Path | None,
    typer.Option(help="CSV: subject_id, and any of arm, dates, covariates (docs/tables.md)."),
]
SubjectMap = Annotated[
    Path | None,
    typer.Option(help="CSV: patient_id, subject_id; for files without a trial subject id."),
]
Findings = Annotated[
    Path | None,
    typer.Option(help="CSV of what no mask can say: subject_id, timepoint, lesion_id, ..."),
]
Decisions = Annotated[
    Path | None,
    typer.Option(help="CSV: measurement_id, revision, verdict (accept, reject, replace), ..."),
]
Plan = Annotated[
    Path | None, typer.Option(help="Folder with an edited plan; else that of the run.")
]
Criteria = Annotated[
    list[str] | None,
    typer.Option(help="Rule set, see `sumdiam criteria list`; repeat for more; else mrecist."),
]
Policies = Annotated[
    str | None,
    typer.Option(help="Policy set (default, seed) or a TOML file of policies; else default."),
]
Scheme = Annotated[
    str | None,
    typer.Option(
        help="Censoring scheme: seed, treatment_policy or fda_strict; else as the policies say."
    ),
]
Select = Annotated[
    Literal["given", "auto"] | None,
    typer.Option(
        help="Targets: given, where a role is given, or auto, always by the rules; else given."
    ),
]
ControlArm = Annotated[
    str | None,
    typer.Option(help="Arm that the others are compared with; else the first by name."),
]
AdjustFor = Annotated[
    list[str] | None,
    typer.Option(help="Covariate of the prespecified survival model, beside the arm; repeatable."),
]
CovariateType = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KIND",
        help="A covariate is continuous or categorical, whatever its values; repeatable.",
    ),
]
GapMm = Annotated[
    float | None, typer.Option(help="Longest gap in a viable diameter, in mm; else 2.")
]
ResampleMasks = Annotated[
    bool,
    typer.Option(
        "--resample-masks", help="Move masks of another grid onto their image, and flag them."
    ),
]
AllowGaps = Annotated[
    list[str] | None,
    typer.Option(
        help="UID of a series to read although slices are missing, and to flag; repeat for more."
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; else one per processor.")]
Cluster = Annotated[
    str | None, typer.Option(help="Address of a dask scheduler, in place of --workers.")
]
Store = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the database; else RUN/run.sqlite.")
]
DemoFolder = Annotated[Path, typer.Option(help="Folder for archive, truth and run.")]
RealSeries = Annotated[
    Path | None, typer.Option(help="Folder of one CT series to plant lesions in.")
]
DemoSubjects = Annotated[
    int, typer.Option(min=1, max=24, help="So many of the small trial's 24 subjects.")
]
Trial = Annotated[
    Literal["soramic"] | None,
    typer.Option(help="The simulated trial after a published one, in place of the small one."),
]
Patients = Annotated[
    int | None,
    typer.Option(min=1, max=177, help="With --trial: so many of its 177; else all, for hours."),
]
Short = Annotated[
    bool,
    typer.Option("--short", help="With --patients: those with the fewest outlines, arm by arm."),
]
