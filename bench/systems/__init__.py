"""Every system that the benchmark knows, Prong first."""

from .base import System
from .command_runners import GnuParallel, Xargs
from .dask_distributed import Dask
from .deadpool_executor import Deadpool
from .joblib_parallel import Joblib
from .limits import BareCommand, BareInterpreter, SpawnLoop, TwoCopies, WorkerInterpreter
from .loky_executor import Loky
from .mpire_pool import Mpire
from .multiprocessing_pool import MultiprocessingPool
from .pebble_pool import Pebble
from .ppft_server import Ppft
from .process_pool_executor import ProcessPoolExecutor
from .prong_pool import Prong
from .ray_actors import Ray

ALL: list[type[System]] = [
    Prong,
    MultiprocessingPool,
    ProcessPoolExecutor,
    Loky,
    Joblib,
    Pebble,
    Mpire,
    Deadpool,
    Ppft,
    Ray,
    Dask,
    Xargs,
    GnuParallel,
    SpawnLoop,
    BareCommand,
    BareInterpreter,
    WorkerInterpreter,
    TwoCopies,
]

BY_NAME = {system.name: system for system in ALL}
