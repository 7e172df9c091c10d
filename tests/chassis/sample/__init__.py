"""A service made for the chassis's tests: its processes are real, its one business is to take notes."""

PUBLISHERS = {"sample.note_taken": "order", "sample.other": "order"}
