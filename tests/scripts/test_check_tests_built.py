"""scripts/check_tests_built finds tests that no build file names."""


def test_test_that_is_named_passes(tree):
    tree.write("src/jobs/ledger_test.cc", "")
    tree.write("src/jobs/CMakeLists.txt", "prong_layer(jobs TESTS\n  ledger_test.cc)\n")
    tree.write("tests/crash/worker_test.cc", "")
    tree.write("tests/CMakeLists.txt", "prong_tests(crash_tests SOURCES crash/worker_test.cc)\n")
    assert tree.check("check_tests_built") == []


def test_test_that_is_not_named_is_reported(tree):
    tree.write("src/jobs/ledger_test.cc", "")
    tree.write("src/jobs/CMakeLists.txt", "prong_layer(jobs TESTS\n  # ledger_test.cc\n  other_ledger_test.cc)\n")
    assert tree.check("check_tests_built") == [
        "src/jobs/ledger_test.cc: no CMakeLists.txt names this test, so it is never run"
    ]
