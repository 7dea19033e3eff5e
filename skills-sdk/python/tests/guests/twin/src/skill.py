"""What has to be different in each call, and in each skill, though a component is a snapshot."""

import os
import random
import secrets
import tempfile
import time
import uuid

from openclaw_skill import tool

BUILT_AT = time.time()


@tool
def fresh() -> dict[str, str | float]:
    """Give one of each."""
    return {
        "uuid4": str(uuid.uuid4()),
        "uuid1": str(uuid.uuid1()),
        "random": random.random(),
        "shuffled": str(random.sample(range(1000), 10)),
        "token": secrets.token_hex(8),
        "urandom": os.urandom(8).hex(),
        "name": next(tempfile._get_candidate_names()),  # type: ignore[attr-defined]
        "time": time.time(),
        "since_build": time.time() - BUILT_AT,
    }
