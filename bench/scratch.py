"""A directory for a benchmark's own use."""
import contextlib
import os
import shutil
import tempfile
import time


def remove(path):
    """An observer that outlives its program may still write to it: then once more."""
    for _ in range(100):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.exists(path):
            break
        time.sleep(0.1)


@contextlib.contextmanager
def directory(prefix, parent=None):
    """Removed at the end."""
    path = tempfile.mkdtemp(prefix=prefix, dir=parent)
    try:
        yield path
    finally:
        remove(path)
