"""Machine code compiled before workers start, in a process that ends with it.

A worker that compiles holds 0.4 GB for it until its end, and every worker would do the same work.
"""

from __future__ import annotations

import multiprocessing

from measurement.compiled import compile_all, worth_compiling
from sumdiam.batch.interrupt import interrupts_held
from sumdiam.batch.progress import Reporter


def compile_ahead(reporter: Reporter) -> bool:
    """Compile what measuring needs, where that is not kept already; return whether it was tried.

    Notes
    -----
    If it fails, nothing is lost: each worker then compiles for itself, as far as it gets.
    """
    if not worth_compiling():
        return False
    with reporter.stage("compile", 1) as stage:
        with interrupts_held():
            process = multiprocessing.get_context("spawn").Process(target=compile_all, daemon=True)
            process.start()
        process.join()
        stage.advance()
    return True
