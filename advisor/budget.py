"""How many questions one owner may ask a day, counted in the database: for all processes together, and across restarts."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine, text

from advisor.database import writing

DAY = 86_400


class Budget:
    """Counts questions by the day, in UTC; of many asked at once no more are let through than there are left."""

    def __init__(self, engine: Engine, a_day: int, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.a_day = a_day
        self.clock = clock

    def spend(self, owner: str) -> float:
        """Counts one question, and gives 0; where none is left, gives the seconds until there are some again."""
        if not self.a_day:
            return 0.0
        now = self.clock()
        day = int(now // DAY)
        counted = """INSERT INTO spent (day, owner, questions) VALUES (:day, :owner, 1)
                     ON CONFLICT (day, owner) DO UPDATE SET questions = spent.questions + 1 WHERE spent.questions < :most"""
        with writing(self.engine) as connection:
            connection.execute(text("DELETE FROM spent WHERE day < :day"), {"day": day})
            if connection.execute(text(counted), {"day": day, "owner": owner, "most": self.a_day}).rowcount:
                return 0.0
        return (day + 1) * DAY - now
