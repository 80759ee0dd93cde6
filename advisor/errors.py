"""What can go wrong, by who can fix it.

AdvisorError
├── SettingsError      the operator: a setting has a value that cannot be used
├── CorpusError        the curator: guidance that cannot be read or is malformed
├── IndexUnavailable   the operator: no index, or one that cannot be opened or built
├── StorageError       the operator: the disk is full, read-only, damaged or busy
├── QuestionError      the asker: a question that cannot be taken as it is
└── MissingExtra       the operator: a feature needs packages that are not installed

Every message names the thing, the fault and the remedy in one line.
"""

from __future__ import annotations


class AdvisorError(Exception):
    """A fault with a remedy; shown to people as one line, never as a traceback."""


class SettingsError(AdvisorError):
    """A setting has a value that cannot be used."""


class CorpusError(AdvisorError):
    """Guidance that cannot be read or is malformed."""


class IndexUnavailable(AdvisorError):
    """There is no index, or it cannot be opened or built."""


class StorageError(AdvisorError):
    """The disk is full, read-only, damaged or busy."""


class QuestionError(AdvisorError):
    """A question that cannot be taken as it is."""


class MissingExtra(AdvisorError):
    """A feature needs packages that are not installed."""
