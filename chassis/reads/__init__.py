"""Reads that ask more of the processor than of the database: kept while they are true, and answered before Django.

What is not kept is answered before DRF. The views of DRF go on to document the reads, and to answer
all that is refused (ADR 0021).
"""

from chassis.reads.answers import Answer, Answers, digest, respond
from chassis.reads.front import InFront, in_front_of
from chassis.reads.sharing import SharedRead
from chassis.reads.views import FastReads, caller

__all__ = [
    "Answer",
    "Answers",
    "FastReads",
    "InFront",
    "SharedRead",
    "caller",
    "digest",
    "in_front_of",
    "respond",
]
