"""scripts/check_layers finds every kind of include and link that goes the wrong way."""

import pytest

GOOD = {
    "include/prong/pool.h": '#include <vector>\n#include "prong/outcome.h"\n',
    "include/prong/codec.h": "#include <cereal/cereal.hpp>\n",
    "src/base/check.h": "#include <string>\n",
    "src/base/check.cc": '#include "base/check.h"\n',
    "src/os/fd.cc": '#include "os/fd.h"\n#include <unistd.h>\n#include <sys/socket.h>\n#include "base/check.h"\n',
    "src/jobs/ledger.h": '#include "base/check.h"\n#include "prong/outcome.h"\n',
    "src/jobs/ledger_test.cc": '#include <gtest/gtest.h>\n#include "support/fakes.h"\n#include "jobs/ledger.h"\n',
    "src/launcher/protocol.h": '#include "os/fd.h"\n',
    "src/pool/pool.cc": '#include "launcher/protocol.h"\n#include "prong/pool.h"\n#include "ipc/ring.h"\n',
    "src/pool/CMakeLists.txt": "prong_layer(pool\n  LINKS prong_ipc prong_launcher_protocol\n  SOURCES pool.cc)\n",
    "src/prong.cc": '#include "pool/pool.h"\n#include "prong/prong.h"\n',
    "src/cli/main.cc": '#include <CLI/CLI.hpp>\n#include "cli/run.h"\n#include "prong/pool.h"\n',
    "python/bindings/module.cc": '#include <nanobind/nanobind.h>\n#include "prong/pool.h"\n#include "parts.h"\n',
}

BAD = [
    ("src/base/check.cc", '#include "os/fd.h"', "os/fd.h is above or beside base"),
    ("src/os/fd.cc", '#include "ipc/ring.h"', "ipc/ring.h is above or beside os"),
    ("src/jobs/ledger.cc", '#include "os/fd.h"', "os/fd.h is above or beside jobs"),
    ("src/jobs/ledger.cc", '#include "observe/events.h"', "observe/events.h is above or beside jobs"),
    ("src/observe/events.cc", '  #  include "pool/pool.h"', "pool/pool.h is above or beside observe"),
    ("src/ipc/ring.cc", '#include "launcher/protocol.h"', "launcher/protocol.h is above or beside ipc"),
    ("src/pool/pool.cc", '#include "launcher/reaper.h"', "launcher/reaper.h is above or beside pool"),
    ("src/cli/main.cc", '#include "pool/pool.h"', "pool/pool.h is above or beside cli"),
    ("python/bindings/module.cc", '#include "jobs/ledger.h"', "jobs/ledger.h is above or beside bindings"),
    ("include/prong/pool.h", '#include "jobs/ledger.h"', "jobs/ledger.h is not public"),
    ("include/prong/pool.h", "#include <unistd.h>", "unistd.h is the system's; system calls live in src/os"),
    ("include/prong/pool.h", "#include <cereal/cereal.hpp>", "cereal/cereal.hpp is for include/prong/codec.h alone"),
    ("src/jobs/ledger.cc", '#include "prong/pool.h"', "prong/pool.h is a public header for the faces"),
    ("src/jobs/ledger.cc", "#include <prong/pool.h>", "prong/pool.h is a public header for the faces"),
    ("src/jobs/ledger.cc", '#include "retry.h"', "retry.h is not written with its layer's name"),
    ("src/jobs/ledger.cc", "#include <sys/mman.h>", "sys/mman.h is the system's; system calls live in src/os"),
    ("src/jobs/ledger.cc", '#include "support/fakes.h"', "support/fakes.h is for tests"),
    ("src/pool/pool.cc", "#include <Python.h>", "Python.h is for python/bindings/* alone"),
    ("src/pool/pool.cc", "#include <fmt/format.h>", "fmt/format.h is for src/cli/* alone"),
    ("src/pool/pool.cc", "#include <gtest/gtest.h>", "gtest/gtest.h is for *_test.cc alone"),
]


@pytest.fixture
def good_tree(tree):
    for path, text in GOOD.items():
        tree.write(path, text)
    return tree


def test_allowed_includes_pass(good_tree):
    assert good_tree.check("check_layers") == []


@pytest.mark.parametrize(("path", "include", "fault"), BAD)
def test_forbidden_include_is_named(good_tree, path, include, fault):
    good_tree.write(path, include + "\n")
    assert good_tree.check("check_layers") == [f"{path}: {fault}"]


def test_forbidden_link_is_named(good_tree):
    good_tree.write("src/jobs/CMakeLists.txt", "prong_layer(jobs\n  LINKS prong_base prong_os\n  SOURCES\n)\n")
    assert good_tree.check("check_layers") == ["src/jobs/CMakeLists.txt: prong_jobs may not link prong_os"]


def test_unknown_layer_is_named(good_tree):
    good_tree.write("src/misc/things.cc", "#include <string>\n")
    assert good_tree.check("check_layers") == ["src/misc: this layer is not in the table of scripts/check_layers"]
