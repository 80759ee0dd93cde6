"""What can go wrong, by who can fix it.

AdvisorError
├── SettingsError        the operator: a setting has a value that cannot be used
├── CorpusError          the curator: guidance that cannot be read or is malformed
├── IndexUnavailable     the operator: no index, or one that cannot be opened or built
├── StorageError         the operator: the disk is full, read-only, damaged or busy, or the server is away
├── QuestionError        the asker: a question that cannot be taken as it is
├── UnknownConversation  the asker: a conversation or turn that is not there, or not theirs
├── UnknownDocument      the asker: an uploaded document that is not there, or not theirs
├── KeyFault             the operator: a key's name that cannot be used, is taken, or is not there
├── UserFault            the operator: a user's name or password that cannot be used, or a user who is not there
├── LinkFault            the asker: a code that links two accounts is wrong or too old
└── MissingExtra         the operator: a feature needs packages that are not installed

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
    """The disk is full, read-only, damaged or busy, or the database server is away."""


class QuestionError(AdvisorError):
    """A question that cannot be taken as it is."""


class UnknownConversation(AdvisorError):
    """There is no such conversation or turn, or it is another owner's."""


class UnknownDocument(AdvisorError):
    """There is no such document, or it is another owner's."""


class KeyFault(AdvisorError):
    """A key's name cannot be used, is taken, or is not there."""


class UserFault(AdvisorError):
    """A user's name or password cannot be used, or there is no such user."""


class LinkFault(AdvisorError):
    """A code that links somebody in a messenger with a user is wrong or too old, or was tried too often."""


class MissingExtra(AdvisorError):
    """A feature needs packages that are not installed."""
