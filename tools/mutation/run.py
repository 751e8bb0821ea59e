#!/usr/bin/env python3
"""Applies the faults of faults.py, one at a time, to a copy of the sources, and says which the tests let pass.

    tools/mutation/run.py                      all faults
    tools/mutation/run.py --only preview       those whose text, file or tests match a regular expression
    tools/mutation/run.py --first 40           from the 40th of them on
    tools/mutation/run.py --check              only whether every fault still fits its file

The copy and its build are kept in --scratch, so that a second run builds little. Exit code: 0 when every fault is caught
or has a reason, 1 when one survives (or one with a reason is caught), 2 when the run itself went wrong.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

from faults import FAULTS

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS, TEST_SECONDS = 1200, 300
TEST_BYTES = 8 << 30  # of address space: a fault must not take the machine's memory


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (TEST_BYTES, TEST_BYTES))


class Failed(Exception):
    """The run cannot go on."""


def run(command, folder, seconds, log, prepare=None):
    """The exit code and the output, which goes to the log too; None for the code when the time is over."""
    environment = dict(os.environ, OMP_WAIT_POLICY="passive", CCACHE_BASEDIR=str(folder), CCACHE_NOHASHDIR="1")
    log.write(f"$ {' '.join(command)}\n")
    try:
        done = subprocess.run(command, cwd=folder, env=environment, timeout=seconds, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              preexec_fn=prepare)
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        code, output = None, (e.stdout or b"").decode(errors="replace")
    log.write(output)
    log.flush()
    return code, output


def copy_sources(target):
    """The files under version control, as they are now; unchanged ones keep their time, so that ninja is not misled."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        source, copy = ROOT / name, target / name
        if not source.exists():
            copy.unlink(missing_ok=True)
            continue
        content = source.read_bytes()
        if copy.exists() and copy.read_bytes() == content:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        copy.chmod(source.stat().st_mode)


def check_fits(fault):
    path = ROOT / fault.file
    found = path.read_text().count(fault.old) if path.exists() else 0
    if found != 1:
        raise Failed(f"{fault.file}: expected once, found {found} times: {fault.old!r} ({fault.why})")


class Scratch:
    def __init__(self, folder, jobs):
        self.source = folder / "source"
        self.build = self.source / "build" / "release"
        self.jobs = str(jobs)
        self.source.mkdir(parents=True, exist_ok=True)
        self.log = open(folder / "log.txt", "w")
        copy_sources(self.source)
        code, output = run(["cmake", "--preset", "release", "-DSVD_TESTS=ON"], self.source, BUILD_SECONDS, self.log)
        if code != 0:
            raise Failed("cmake failed:\n" + output[-2000:])

    def make(self, programs):
        command = ["cmake", "--build", str(self.build), "-j", self.jobs, "--target", *sorted(programs)]
        return run(command, self.source, BUILD_SECONDS, self.log)

    def passes(self, program, tests):
        command = [str(self.build / "tests" / program), "--gtest_fail_fast", "--gtest_brief=1"]
        if tests:
            command.append("--gtest_filter=" + tests)
        code, output = run(command, self.build / "tests", TEST_SECONDS, self.log, limit_memory)
        if re.search(r"^\[==========\] 0 tests", output, re.M):
            raise Failed(f"{program}: no test matches {tests}")
        return code == 0


def split(test):
    program, _, tests = test.partition(":")
    return program, tests


def caught_by(scratch, fault):
    """The program and the tests that noticed, or None."""
    for program, tests in map(split, fault.tests):
        if not scratch.passes(program, tests):
            return f"{program} {tests}".strip()
    return None


def verdict(scratch, fault):
    """What became of the fault, and a note about it."""
    path = scratch.source / fault.file
    original = path.read_text()
    path.write_text(original.replace(fault.old, fault.new))
    try:
        code, output = scratch.make({split(t)[0] for t in fault.tests})
        if code != 0:
            errors = [line for line in output.splitlines() if "error" in line]
            return "unbuilt", errors[0] if errors else "see the log"
        caught = caught_by(scratch, fault)
    finally:
        path.write_text(original)
    if fault.reason:
        return ("wrong", f"noticed by {caught}") if caught else ("excused", fault.reason)
    return ("killed", f"by {caught}") if caught else ("survived", "no test noticed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/svd_mutation"))
    parser.add_argument("--only", default="", help="regular expression")
    parser.add_argument("--first", type=int, default=1, help="number of the fault to begin with")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chosen = [f for f in FAULTS if re.search(options.only, f"{f.why} {f.file} {f.tests}")]
    chosen = chosen[options.first - 1:]
    for fault in FAULTS:
        check_fits(fault)
    if options.check or not chosen:
        print(f"{len(FAULTS)} faults fit their files, {len(chosen)} chosen")
        return 0

    begin = time.monotonic()
    scratch = Scratch(options.scratch, options.jobs)
    tests = sorted({t for fault in chosen for t in fault.tests})
    code, output = scratch.make({split(t)[0] for t in tests})
    if code != 0:
        raise Failed("the sources do not build as they are:\n" + output[-2000:])
    for program, names in map(split, tests):
        if not scratch.passes(program, names):
            raise Failed(f"{program} {names}: fails without any fault, see {scratch.log.name}")
    print(f"all tests pass without a fault ({time.monotonic() - begin:.0f} s)", flush=True)

    counts = dict.fromkeys(("killed", "survived", "excused", "wrong", "unbuilt"), 0)
    for number, fault in enumerate(chosen, options.first):
        start = time.monotonic()
        outcome, note = verdict(scratch, fault)
        counts[outcome] += 1
        print(f"{number:3}/{options.first - 1 + len(chosen)} {outcome:8} {time.monotonic() - start:4.0f} s  {fault.file}: "
              f"{fault.why} ({note})", flush=True)
    print(f"{counts['killed']} killed, {counts['survived']} survived, {counts['excused']} survived with a reason, "
          f"{counts['wrong']} killed in spite of a reason, {counts['unbuilt']} do not compile; "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if counts["survived"] or counts["wrong"] or counts["unbuilt"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as e:
        print(f"mutation/run.py: {e}", file=sys.stderr)
        sys.exit(2)
