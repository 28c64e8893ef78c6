"""Makes a Python child of an observed test record what it reaches.

The folder of this file stands first in the child's PYTHONPATH. The environment's own sitecustomize, if there is
one, is run after it.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _begin():
    if not os.environ.get("SHARDPLAN_OBSERVE_FOLDER") or sys.version_info < (3, 8):
        return
    import importlib.util

    path = os.path.join(os.path.dirname(_here), "recorder.py")
    spec = importlib.util.spec_from_file_location("_shardplan_recorder", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["_shardplan_recorder"] = module
    spec.loader.exec_module(module)
    module.start(child=True)


def _continue():
    # Children of the child find this folder through the environment, which stays as it is.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.getcwd()) != _here]
    sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        pass


try:
    _begin()
except Exception:
    # A child must run as it would without being watched.
    pass
_continue()
