"""Opens the advisor behind a page that is served already; whoever asks early waits for it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from advisor.apps import requestlog
from advisor.apps.metrics import Metrics, Steps
from advisor.apps.tracing import Tracer
from advisor.config import Settings
from advisor.errors import AdvisorError, IndexUnavailable
from advisor.pipeline import Advisor, Store

log = logging.getLogger(__name__)
Report = Callable[[str, int, int], None]
STOPPING = "The advisor is stopping. Start it again with: advisor web"


class Warm:
    """An advisor that is being opened, with a line that says how far that has come."""

    def __init__(self, settings: Settings, advisor: Advisor | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.tracer: Tracer | None = None
        self.line = "Getting ready"
        self._report: Report = lambda stage, done, total: None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._opening = False
        self._closed = False
        self._advisor = advisor
        self._error: AdvisorError | None = None

    @property
    def ready(self) -> bool:
        return self._advisor is not None

    @property
    def error(self) -> AdvisorError | None:
        return self._error

    def start(self) -> None:
        """Opens the advisor in a thread, unless it is open or being opened; a failed opening is tried again."""
        with self._changed:
            if self._opening or self._advisor is not None:
                return
            self._opening, self._error = True, None
            self._thread = threading.Thread(target=self._open, name="warm-up", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Lets those who wait go, and ends what is being opened."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(5)

    def wait(self) -> Iterator[str]:
        """Lines that say what is waited for; ends when the advisor is there, raises the fault that stopped it."""
        self.start()
        said = ""
        while True:
            with self._changed:
                if self._opening and self.line == said and not self._closed:
                    self._changed.wait(0.5)
                if self._closed:
                    raise IndexUnavailable(STOPPING)
                if self._error is not None:
                    raise self._error
                if self._advisor is not None:
                    return
                line = self.line
            if line != said:
                said = line
                yield line

    def advisor(self) -> Advisor:
        """The open advisor; only after `wait` has ended."""
        assert self._advisor is not None
        return self._advisor

    def stream(self, question: str, conversation: str | None = None, owner: str = "", store: Store | None = None) -> Steps:
        """A question put to the open advisor, counted and, where traces are wanted, traced; `store` takes the place of its own."""
        if self.settings.log_questions:
            requestlog.question(question)
        advisor = self.advisor() if store is None else replace(self.advisor(), store=store)
        steps = self.metrics.counted(advisor.stream(question, conversation, owner))
        return self.tracer.steps(steps) if self.tracer else steps

    def _open(self) -> None:
        from advisor.terminal import progress

        advisor: Advisor | None = None
        error: AdvisorError | None = None
        try:
            with progress() as self._report:
                advisor = self._opened()
        except AdvisorError as fault:
            error = fault
        except Exception:
            log.exception("the advisor could not be opened")
            error = IndexUnavailable("The advisor could not be opened; the log says why. Run: advisor doctor")
        if error is not None and not self._closed:
            log.error("advisor: %s", error)
        if advisor is not None:
            # Nearly all that is there now stays. To look through it again and again for what can go took a third of a second, in
            # which nobody was answered.
            gc.collect()
            gc.freeze()
        with self._changed:
            self._advisor, self._error, self._opening = advisor, error, False
            self._changed.notify_all()

    def _opened(self) -> Advisor:
        from advisor.assemble import UNBUILT, index_state, open_advisor
        from advisor.library import Library

        if self.settings.auto_index:
            library = Library(self.settings.file)
            state = index_state(self.settings, library)
            library.close()
            if state.state in UNBUILT:
                self._build(state.folder)
        self._say("Loading the guidance", 0, 0)
        return open_advisor(self.settings, own_index=True, report=self._say)

    def _build(self, folder: Path | None) -> None:
        """Builds the index in a process of its own: the server never loads the large libraries that takes."""
        log.warning("There is no index in %s that fits. Building it (once; same as: advisor index)", self.settings.home)
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        worker = context.Process(target=_built_elsewhere, args=(self.settings, folder, there), name="build", daemon=True)
        worker.start()
        there.close()
        try:
            while not self._closed:
                if not here.poll(0.25):
                    continue
                stage, done, total = here.recv()
                if stage == "fault":
                    raise done
                if stage == "built":
                    return
                self._say(stage, done, total)
        except EOFError:
            raise IndexUnavailable("The process that builds the index has died. Run: advisor index") from None
        finally:
            worker.join(0 if self._closed else 5)
            worker.terminate()
            here.close()
        raise IndexUnavailable(STOPPING)

    def _say(self, stage: str, done: int, total: int) -> None:
        self._report(stage, done, total)
        with self._changed:
            self.line = f"{stage} ({done} of {total})" if total else stage
            self._changed.notify_all()


def _built_elsewhere(settings: Settings, folder: Path | None, out: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle; it ends this process with itself
    logging.disable(logging.WARNING)
    from advisor.assemble import build_index

    try:
        build_index(settings, folder, lambda stage, done, total: out.send((stage, done, total)))
    except AdvisorError as fault:
        out.send(("fault", fault, 0))
    else:
        out.send(("built", 0, 0))
