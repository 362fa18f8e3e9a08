"""scripts/check_version finds a version that is written twice, and a changelog that does not know it."""

import pytest


@pytest.fixture
def versioned(tree):
    tree.write("include/prong/version.h", '#pragma once\n#define PRONG_VERSION "1.2.3"\n')
    tree.write("CMakeLists.txt", "project(prong VERSION ${PRONG_VERSION})\ncmake_minimum_required(VERSION 3.25)\n")
    tree.write("pyproject.toml", 'dynamic = ["version"]\ndependencies = ["x>=11.2.3"]\n')
    tree.write("CHANGELOG.md", "# Changes\n\n## Unreleased\n\n## 1.2.3\n")
    return tree


def test_version_written_once_passes(versioned):
    assert versioned.check("check_version") == []


def test_second_copy_is_named(versioned):
    versioned.write("python/prong/__init__.py", '__version__ = "1.2.3"\n')
    assert versioned.check("check_version") == [
        "python/prong/__init__.py: writes the version 1.2.3, which stands in include/prong/version.h"
    ]


def test_changelog_must_know_the_version(versioned):
    versioned.write("CHANGELOG.md", "# Changes\n\n## 1.2.2\n")
    assert versioned.check("check_version") == [
        "CHANGELOG.md: the first section is not 'Unreleased'",
        "CHANGELOG.md: there is no section 1.2.3",
    ]
