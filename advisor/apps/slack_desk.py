"""Who answers what, and when: a queue for each conversation, workers for all, and what crashed processes left behind."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from advisor.apps import slack_blocks as blocks
from advisor.apps.slack_line import Line, Refused, Unreachable
from advisor.apps.slack_reply import Ability, MessageReply, Reply
from advisor.apps.slack_whisper import Respond, WhisperReply, whisperer
from advisor.chats import ChatStore
from advisor.deliveries import Deliveries, Owed, digest_of
from advisor.errors import AdvisorError, QuestionError, StorageError
from advisor.pipeline import Advisor
from advisor.types import Turn

log = logging.getLogger(__name__)

WORKERS = 24
IN_ONE_CHANNEL = 8  # workers that one channel can keep busy; a post a second is all that it takes
LOOK = 10.0  # seconds between two looks at what others left behind
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """A question to be answered. `shown` is repeated above the answer where it is not to be seen; `respond` whispers.

    One that is `held` is shown to all when its answer has citations, else whispered; `line` is said in place of an answer.
    """

    owed: Owed
    question: str
    team: str
    user: str
    shown: bool = False
    respond: Respond | None = None
    held: bool = False
    line: str = ""


class Desk:
    """Answers questions in order within each conversation, and side by side otherwise."""

    def __init__(
        self,
        advisor: Advisor,
        store: ChatStore,
        deliveries: Deliveries,
        line: Line,
        is_held: Callable[[str], bool] = lambda channel: False,
        within: str = "",
        *,
        every: float = 1.0,
        look: float = LOOK,
        workers: int = WORKERS,
    ) -> None:
        self.advisor, self.store, self.deliveries, self.line = advisor, store, deliveries, line
        self.is_held, self.within = is_held, within
        self.every, self.look, self.workers = every, look, workers
        self.streams, self.statuses = Ability(), Ability()
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, str], deque[Job]] = {}  # conversations in the order of their oldest question
        self._busy: dict[tuple[str, str], str] = {}  # conversations being answered in, each with its channel
        self._open: set[str] = set()  # answers that this process owes
        self._threads: list[threading.Thread] = []
        self._closed = False

    def start(self) -> None:
        """Starts the workers, and takes up what a process that died has left."""
        names = [f"answer-{n}" for n in range(self.workers)]
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._keep_house, name="slack-upkeep", daemon=True))
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Takes a question; returns at once."""
        key = (job.owed.owner, job.owed.conversation)
        with self._changed:
            self._open.add(job.owed.id)
            self._waiting.setdefault(key, deque()).append(job)
            self._changed.notify()

    def idle(self, wait: float = 30.0) -> bool:
        """Waits until nothing is left to do; False where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, wait)

    def close(self, wait: float = 10.0) -> None:
        """Ends the workers; what they had not answered is left to the next start."""
        self.idle(wait)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.line.closed.set()
        for thread in self._threads:
            thread.join(2)
        for ident in self._open:
            self.deliveries.release(ident)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._answer(job)
            except Exception:
                log.exception("an answer could not be posted")
            finally:
                with self._changed:
                    del self._busy[job.owed.owner, job.owed.conversation]
                    self._open.discard(job.owed.id)
                    self._changed.notify_all()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._closed:
                full = [c for c in set(self._busy.values()) if sum(c == b for b in self._busy.values()) >= IN_ONE_CHANNEL]
                for key, jobs in self._waiting.items():
                    if key not in self._busy and jobs[0].owed.channel not in full:
                        job = jobs.popleft()
                        self._busy[key] = job.owed.channel
                        del self._waiting[key]
                        if jobs:
                            self._waiting[key] = jobs  # to the end: the others are next
                        return job
                self._changed.wait()
        return None

    def _answer(self, job: Job) -> None:
        reply = self._reply(job)

        def say() -> None:
            if not job.held:
                reply.open()
            self._say(job, reply)

        # Of a fault, too, only the asker hears where only answers with citations are for all.
        self._settle(job.owed, WhisperReply(job.respond) if job.held and job.respond else reply, say)

    def _settle(self, owed: Owed, reply: Reply, say: Callable[[], None]) -> None:
        """Strikes off an answer that was posted or that nobody could post; one that Slack has not taken yet is left for later."""
        try:
            try:
                say()
            except (Refused, Unreachable, StorageError):
                raise
            except Exception:
                log.exception("an answer could not be shown")
                reply.finish(blocks.FAULT, [blocks.told(blocks.FAULT)])
            self.deliveries.done(owed.id)
        except Refused as error:
            log.warning("Slack refuses an answer in %s: %s", owed.channel, error)
            self.deliveries.done(owed.id)
        except (Unreachable, StorageError) as error:
            log.warning("an answer is left for later: %s", error)
            self.deliveries.release(owed.id)

    def _reply(self, job: Job) -> Reply:
        if job.respond is not None and not job.held:
            return WhisperReply(job.respond)
        return self._message(job.owed, job.team, job.user)

    def _message(self, owed: Owed, team: str, user: str) -> MessageReply:
        return MessageReply(self.line, self.deliveries, owed, (team, user), self.streams, self.statuses, every=self.every)

    def _say(self, job: Job, reply: Reply) -> None:
        turn, said = None, ""
        question = job.question if job.shown else ""
        if job.line:
            return reply.finish(job.line, [blocks.told(job.line, question)])
        try:
            with closing(self.advisor.stream(job.question, job.owed.conversation, job.owed.owner)) as steps:
                for step in steps:
                    if isinstance(step, Turn):
                        turn = step
                    elif isinstance(step, str) and not job.held:
                        said += step
                        reply.add(step)
        except QuestionError as error:
            line = str(error)
        except AdvisorError as error:
            log.error("advisor: %s", error)
            line = blocks.AWAY
        except Exception:
            log.exception("a question failed")
            line = blocks.FAULT
        if job.held and (turn is None or not turn.answer.citations):
            return self._aside(job, turn, line if turn is None else "")
        if turn is None:
            return reply.finish(line, [blocks.told(line, question)])
        shared = job.respond is None or job.held
        pages = blocks.answered(turn, job.user, shared=shared, question=question)
        if job.held:
            reply.open()
        if not said:
            reply.add(turn.answer.text)
        whole = said in ("", turn.answer.text) and not question
        reply.finish(turn.answer.text, pages, blocks.footer(turn, job.user, shared=shared) if whole else None)

    def _aside(self, job: Job, turn: Turn | None, line: str) -> None:
        """Tells the asker alone what was to be shown to all only if it had citations."""
        assert job.respond is not None
        first, *rest = [blocks.told(line)] if turn is None else blocks.answered(turn, job.user)
        WhisperReply(job.respond).finish(line or blocks.UNCITED, [[*blocks.told(blocks.UNCITED), *first], *rest])

    def recover(self) -> int:
        """Completes, or marks as not answered, what processes that died have left; gives how much that was."""
        left = self.deliveries.abandoned(self.within)
        for owed in left:
            _, team, user = owed.member.split(":", 2)
            reply = self._message(owed, team, user)
            self._settle(owed, reply, partial(self._take_up, owed, reply, user))
        return len(left)

    def _take_up(self, owed: Owed, reply: MessageReply, user: str) -> None:
        reply.take_up()
        held = bool(owed.thread) and self.is_held(owed.channel)
        aside = WhisperReply(whisperer(self.line, owed.channel, owed.thread, user))
        for entry in reversed(self.store.turns(owed.conversation, owed.owner)):
            if digest_of(entry.question) == owed.digest and entry.created >= owed.created - 5 and entry.turn is not None:
                if entry.status == "done":
                    # Whispered answers cannot be completed where they were asked for; the talk with the asker takes them.
                    question = entry.question if not owed.thread else ""
                    pages = blocks.answered(entry.turn, user, question=question)
                    where = aside if held and not entry.turn.answer.citations else reply
                    return where.finish(entry.turn.answer.text, pages)
                break
        (aside if held else reply).finish(blocks.RESTARTED, [blocks.told(blocks.RESTARTED)])

    def _keep_house(self) -> None:
        pruned = 0.0
        while not self._closed:
            try:
                with self._changed:
                    held = list(self._open)
                if held:
                    self.deliveries.renew(held)
                self.recover()
                if time.monotonic() - pruned > HOUR or not pruned:
                    self.deliveries.prune()
                    pruned = time.monotonic()
            except StorageError as error:
                log.warning("%s", error)
            except Exception:
                log.exception("what was left behind could not be taken up")
            with self._changed:
                self._changed.wait_for(lambda: self._closed, self.look)
